"""What the other side sends back of a key: no eight characters of it stay, however written.

Exempt are what all keys begin with, the form in which the panel shows the key to everybody, and the
codes that the API page documents.
"""

import base64
import html
import re
import string
import time
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from freddy_admin.aitronos.redaction import DOCUMENTED_ERROR_CODES, RUN_LENGTH, Redactor
from freddy_admin.sandbox import api_errors
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secret_format import secret_hints
from freddy_admin.vault.selectors import masked_secret
from tests.aitronos.conftest import KEY

DISTINCTIVE_PART = KEY.removeprefix("oak_live_")
ASCII_SIGNS = "".join(map(chr, range(33, 127)))
ALPHANUMERICS = string.ascii_letters + string.digits
Speller = Callable[[str], str]


def _to_full_width(text: str) -> str:
    return "".join(
        chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text
    )


SPELLINGS: dict[str, Speller] = {
    "as it is": str,
    "capitals": str.upper,
    "small letters": str.lower,
    "the other way about": str.swapcase,
    "backwards": lambda text: text[::-1],
    "dashes": "-".join,
    "spaces": " ".join,
    "dots": " . ".join,
    "zero width": "\u200b".join,
    "groups of four": lambda text: " ".join(re.findall(".{1,4}", text)),
    "percent": lambda text: "".join(f"%{ord(character):02x}" for character in text),
    "percent twice": lambda text: "".join(f"%25{ord(character):02X}" for character in text),
    "quoted": lambda text: quote(text, safe=""),
    "HTML, decimal": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
    "HTML, without an end": lambda text: "".join(f"&#{ord(character)}" for character in text),
    "HTML, hexadecimal, without an end": lambda text: "".join(
        f"&#x{ord(character):x}" for character in text
    ),
    "HTML, some": lambda text: text[0] + f"&#{ord(text[1])};" + html.escape(text[2:]),
    "JSON": lambda text: "".join(f"\\u{ord(character):04x}" for character in text),
    "a script's": lambda text: "".join(f"\\x{ord(character):02x}" for character in text),
    "a script's, in braces": lambda text: "".join(
        f"\\u{{{ord(character):x}}}" for character in text
    ),
    "a program's": lambda text: "".join(f"\\U{ord(character):08x}" for character in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, spaced": lambda text: text.encode().hex(" "),
    "full width": _to_full_width,
    "accents": lambda text: "".join(f"{character}\u0301" for character in text),
    **{
        f"base64, {shift} before": lambda text, shift=shift: base64.b64encode(
            b"x" * shift + text.encode()
        ).decode()
        for shift in range(3)
    },
}


def contains_key_run(text: str, key: str) -> bool:
    """Whether eight characters of the key stand in it, in any letter case."""
    text, key = text.lower(), key.lower()
    return any(
        key[start : start + RUN_LENGTH] in text for start in range(len(key) - RUN_LENGTH + 1)
    )


def decoded_letters(text: str) -> str:
    """Nothing but letters and digits, escapes undone: what a patient reader can make of it."""
    for _ in range(3):
        text = html.unescape(
            re.sub(r"%([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
        )
        text = re.sub(r"\\(?:x|u00)([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text)))


keys = st.text(ASCII_SIGNS, min_size=RUN_LENGTH, max_size=70) | st.text(
    ALPHANUMERICS, min_size=20, max_size=54
).map("oak_live_{}".format)
surrounding_text = st.text(max_size=12) | st.sampled_from(
    ["", "API key ", " is not valid.", "oak_live_"]
)


@settings(max_examples=300)
@given(key=keys, start=st.integers(0, 500), length=st.integers(RUN_LENGTH, 80), data=st.data())
def test_redactor_removes_every_run_of_a_key(
    key: str, start: int, length: int, data: st.DataObject
) -> None:
    # What the API page says of a refusal stays, also where a key is made of it.
    codes = DOCUMENTED_ERROR_CODES.lower()
    assume(not contains_key_run(f"{codes} {re.sub('[ _]', '', codes)}", key))
    start %= len(key) - RUN_LENGTH + 1
    echo = data.draw(st.sampled_from([str, str.upper, str.lower, str.swapcase]))(key)
    text = data.draw(surrounding_text) + echo[start : start + length] + data.draw(surrounding_text)
    redacted = Redactor(key).redact(text)
    shared = key.lower().startswith("oak_live_")
    assert not contains_key_run(
        re.sub("oak_live_?|ak_live_", "", redacted, flags=re.I) if shared else redacted, key
    )
    assert len(redacted) <= len(text)


@settings(max_examples=200)
@given(
    distinctive_part=st.text(ALPHANUMERICS, min_size=24, max_size=54),
    start=st.integers(0, 500),
    data=st.data(),
)
def test_redactor_removes_runs_in_every_spelling(
    distinctive_part: str, start: int, data: st.DataObject
) -> None:
    start %= len(distinctive_part) - RUN_LENGTH + 1
    length = data.draw(st.integers(RUN_LENGTH, len(distinctive_part) - start))
    spell = SPELLINGS[data.draw(st.sampled_from(list(SPELLINGS)))]
    echo = spell(distinctive_part[start : start + length])
    redacted = Redactor(f"oak_live_{distinctive_part}").redact(f"The key {echo}, it says")
    assert echo.lower() not in redacted.lower()
    assert not contains_key_run(decoded_letters(redacted), distinctive_part)
    assert not contains_key_run(decoded_letters(redacted)[::-1], distinctive_part)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_redactor_keeps_the_words_around_an_echo(spelling: str) -> None:
    for part in (DISTINCTIVE_PART, DISTINCTIVE_PART[7 : 7 + RUN_LENGTH]):
        redacted = Redactor(KEY).redact(f"API key {SPELLINGS[spelling](part)} is not valid")
        assert re.fullmatch(r"API key \S{0,6}…\S{0,6} is not valid", redacted), redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (
            f"API key oak_live_…{DISTINCTIVE_PART[10:24]}… is not valid",
            "API key oak_live_……… is not valid",
        ),
        (f"your key {KEY} is bad", "your key … is bad"),
        (f"{KEY} and {KEY.upper()}", "… and …"),
        (f"oak_live_{DISTINCTIVE_PART[:3]}", "…"),
        (f"oak_{KEY}live_{DISTINCTIVE_PART[:6]}", "oak_……"),
        (f"{DISTINCTIVE_PART[:20]}{DISTINCTIVE_PART[30:]}", "……"),
        (f"é {KEY} ë", "é … ë"),
        (KEY.replace("s", "\u017f"), "…"),
        (KEY.replace("i", "\u0130"), "oak_…"),
        (KEY.replace("i", "\u0131"), "…"),
        ("%00".join(DISTINCTIVE_PART), "…"),
    ],
)
def test_redactor_cuts_the_echo_and_nothing_else(text: str, redacted: str) -> None:
    assert Redactor(KEY).redact(text) == redacted


@settings(max_examples=200)
@given(
    pieces=st.lists(st.tuples(st.integers(0, 60), st.integers(1, RUN_LENGTH - 1)), max_size=9),
    separator=st.sampled_from(["ж", "Ω", "字"]),
)
def test_redactor_returns_a_text_without_a_run_unchanged(
    pieces: list[tuple[int, int]], separator: str
) -> None:
    text = separator.join(KEY[start : start + length] for start, length in pieces)
    assert Redactor(KEY).redact(text) == text


@settings(max_examples=200)
@given(text=st.text(st.characters(exclude_characters=ASCII_SIGNS), max_size=80))
@example("50 % of &amp; “this” … %zz \\u12 &#999999999; &nonsense;")
@example("Use an oak_live_ or oak_prod_ key of OAK_LIVE_oak_live_ kind")
@example("3fa85f64-5717-4562-b3fc-2c963f66afa6")
def test_redactor_leaves_other_texts_unchanged(text: str) -> None:
    assert Redactor(KEY).redact(text) == text


@pytest.mark.parametrize("key", ["", None, "key", "7654321"])
def test_redactor_of_a_short_key_or_none_leaves_texts_unchanged(key: str | None) -> None:
    assert Redactor(key).redact(f"a key, {key} 7654321") == f"a key, {key} 7654321"


@settings(max_examples=100)
@given(key=st.text(f"{ALPHANUMERICS}_-", min_size=33, max_size=70))
@example(KEY)
def test_redactor_keeps_the_masked_form_that_the_panel_shows(key: str) -> None:
    hint_start, hint_end = secret_hints(key)
    displayed = masked_secret(ApiKey(hint_start=hint_start, hint_end=hint_end))
    text = f"The key {displayed} has expired."
    redactor = Redactor(key)
    assert redactor.redact(text) == text
    assert redactor.redact(f"{displayed} {key}").replace("...", "…") == f"{displayed} …"
    # No more of the key than the form has, and nothing like it of a key too short to be shown.
    assert not contains_key_run(redactor.redact(f"{key[:14]}…{hint_end}"), key[13:])
    assert f"{hint_start}…{hint_end}"[:12] not in Redactor(key[:32]).redact(displayed)


@pytest.mark.parametrize("scenario", Scenario)
def test_redactor_keeps_the_error_messages_of_the_sandbox(scenario: Scenario) -> None:
    redactor = Redactor(sandbox_key(scenario, "Alder/Main"))
    for character in vars(api_errors).values():
        if isinstance(character, api_errors.SandboxApiError):
            assert redactor.redact(character.code) == character.code
            assert redactor.redact(character.message) == character.message


def _cpu_seconds(function: Callable[[], object], repetitions: int = 3) -> float:
    """The least CPU seconds of so many runs."""
    spent = []
    for _ in range(repetitions):
        began_at = time.process_time()
        function()
        spent.append(time.process_time() - began_at)
    return min(spent)


@pytest.mark.parametrize(
    "text",
    [
        "oak_live_" * 34,
        "%6f" * 100,
        "a-" * 150,
        KEY * 4,
        "&#x6f;" * 50,
        "é" * 300,
        DISTINCTIVE_PART[:8] * 37,
    ],
    ids=["starts", "escapes", "signs", "keys", "HTML", "accents", "runs"],
)
def test_redactor_takes_no_long_time_for_any_text(text: str) -> None:
    for key in (KEY, "a" * 512, (KEY * 9)[:512]):
        assert _cpu_seconds(lambda key=key: Redactor(key).redact(text[:300])) < 0.05


def test_redactor_reads_two_thousand_descriptions_within_a_second() -> None:
    redactor = Redactor(KEY)
    texts = [f"Reads and writes the mails of account {n} … and sends." for n in range(2_000)]
    assert (
        _cpu_seconds(lambda: [redactor.redact(character) for character in texts], repetitions=1) < 1
    )
