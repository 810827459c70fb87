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

from freddy_admin.aitronos.redaction import _CODES, _WORDS, RUN, Redactor
from freddy_admin.sandbox import refusals
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secrets import hints_of, masked
from tests.aitronos.conftest import KEY

OWN = KEY.removeprefix("oak_live_")
SIGNS = "".join(map(chr, range(33, 127)))
ALNUM = string.ascii_letters + string.digits
Spell = Callable[[str], str]


def _wide(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


SPELLINGS: dict[str, Spell] = {
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
    "percent": lambda text: "".join(f"%{ord(one):02x}" for one in text),
    "percent twice": lambda text: "".join(f"%25{ord(one):02X}" for one in text),
    "quoted": lambda text: quote(text, safe=""),
    "HTML, decimal": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "HTML, hexadecimal": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "HTML, without an end": lambda text: "".join(f"&#{ord(one)}" for one in text),
    "HTML, hexadecimal, without an end": lambda text: "".join(f"&#x{ord(one):x}" for one in text),
    "HTML, some": lambda text: text[0] + f"&#{ord(text[1])};" + html.escape(text[2:]),
    "JSON": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "a script's": lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
    "a script's, in braces": lambda text: "".join(f"\\u{{{ord(one):x}}}" for one in text),
    "a program's": lambda text: "".join(f"\\U{ord(one):08x}" for one in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, spaced": lambda text: text.encode().hex(" "),
    "full width": _wide,
    "accents": lambda text: "".join(f"{one}\u0301" for one in text),
    **{
        f"base64, {shift} before": lambda text, shift=shift: base64.b64encode(
            b"x" * shift + text.encode()
        ).decode()
        for shift in range(3)
    },
}


def tells(text: str, key: str) -> bool:
    """Whether eight characters of the key stand in it, in any letter case."""
    text, key = text.lower(), key.lower()
    return any(key[at : at + RUN] in text for at in range(len(key) - RUN + 1))


def letters(text: str) -> str:
    """Nothing but letters and digits, escapes undone: what a patient reader can make of it."""
    for _ in range(3):
        text = html.unescape(re.sub(r"%([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text))
        text = re.sub(r"\\(?:x|u00)([0-9a-fA-F]{2})", lambda m: chr(int(m[1], 16)), text)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text)))


keys = st.text(SIGNS, min_size=RUN, max_size=70) | st.text(ALNUM, min_size=20, max_size=54).map(
    "oak_live_{}".format
)
around = st.text(max_size=12) | st.sampled_from(["", "API key ", " is not valid.", "oak_live_"])


@settings(max_examples=300)
@given(key=keys, at=st.integers(0, 500), length=st.integers(RUN, 80), data=st.data())
def test_no_run_of_a_key_stays_wherever_it_stands(
    key: str, at: int, length: int, data: st.DataObject
) -> None:
    # What the API page says of a refusal stays, also where a key is made of it.
    assume(not tells(" ".join((_CODES, _WORDS)), key))
    at %= len(key) - RUN + 1
    echo = data.draw(st.sampled_from([str, str.upper, str.lower, str.swapcase]))(key)
    text = data.draw(around) + echo[at : at + length] + data.draw(around)
    found = Redactor(key).clean(text)
    shared = key.lower().startswith("oak_live_")
    assert not tells(re.sub("oak_live_?|ak_live_", "", found, flags=re.I) if shared else found, key)
    assert len(found) <= len(text)


@settings(max_examples=200)
@given(own=st.text(ALNUM, min_size=24, max_size=54), at=st.integers(0, 500), data=st.data())
def test_no_run_stays_in_any_spelling(own: str, at: int, data: st.DataObject) -> None:
    at %= len(own) - RUN + 1
    length = data.draw(st.integers(RUN, len(own) - at))
    spell = SPELLINGS[data.draw(st.sampled_from(list(SPELLINGS)))]
    echo = spell(own[at : at + length])
    found = Redactor(f"oak_live_{own}").clean(f"The key {echo}, it says")
    assert echo.lower() not in found.lower()
    assert not tells(letters(found), own)
    assert not tells(letters(found)[::-1], own)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_words_around_an_echo_are_kept_in_every_spelling(spelling: str) -> None:
    for part in (OWN, OWN[7 : 7 + RUN]):
        found = Redactor(KEY).clean(f"API key {SPELLINGS[spelling](part)} is not valid")
        assert re.fullmatch(r"API key \S{0,6}…\S{0,6} is not valid", found), found


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"API key oak_live_…{OWN[10:24]}… is not valid", "API key oak_live_……… is not valid"),
        (f"your key {KEY} is bad", "your key … is bad"),
        (f"{KEY} and {KEY.upper()}", "… and …"),
        (f"oak_live_{OWN[:3]}", "…"),
        (f"oak_{KEY}live_{OWN[:6]}", "oak_……"),
        (f"{OWN[:20]}{OWN[30:]}", "……"),
        (f"é {KEY} ë", "é … ë"),
        (KEY.replace("s", "\u017f"), "…"),
        (KEY.replace("i", "\u0130"), "oak_…"),
        (KEY.replace("i", "\u0131"), "…"),
        ("%00".join(OWN), "…"),
    ],
)
def test_an_echo_is_cut_out_and_nothing_else(text: str, kept: str) -> None:
    assert Redactor(KEY).clean(text) == kept


@settings(max_examples=200)
@given(
    pieces=st.lists(st.tuples(st.integers(0, 60), st.integers(1, RUN - 1)), max_size=9),
    between=st.sampled_from(["ж", "Ω", "字"]),
)
def test_a_text_without_a_run_is_the_same_text(pieces: list[tuple[int, int]], between: str) -> None:
    text = between.join(KEY[at : at + length] for at, length in pieces)
    assert Redactor(KEY).clean(text) == text


@settings(max_examples=200)
@given(text=st.text(st.characters(exclude_characters=SIGNS), max_size=80))
@example("50 % of &amp; “this” … %zz \\u12 &#999999999; &nonsense;")
@example("Use an oak_live_ or oak_prod_ key of OAK_LIVE_oak_live_ kind")
@example("3fa85f64-5717-4562-b3fc-2c963f66afa6")
def test_other_texts_are_not_touched(text: str) -> None:
    assert Redactor(KEY).clean(text) == text


@pytest.mark.parametrize("key", ["", None, "key", "7654321"])
def test_a_short_key_or_none_does_not_eat_the_text(key: str | None) -> None:
    assert Redactor(key).clean(f"a key, {key} 7654321") == f"a key, {key} 7654321"


@settings(max_examples=100)
@given(key=st.text(f"{ALNUM}_-", min_size=33, max_size=70))
@example(KEY)
def test_the_form_that_the_panel_shows_may_come_back(key: str) -> None:
    start, end = hints_of(key)
    shown = masked(ApiKey(hint_start=start, hint_end=end))
    text = f"The key {shown} has expired."
    redactor = Redactor(key)
    assert redactor.clean(text) == text
    assert redactor.clean(f"{shown} {key}").replace("...", "…") == f"{shown} …"
    # No more of the key than the form has, and nothing like it of a key too short to be shown.
    assert not tells(redactor.clean(f"{key[:14]}…{end}"), key[13:])
    assert f"{start}…{end}"[:12] not in Redactor(key[:32]).clean(shown)


@pytest.mark.parametrize("scenario", Scenario)
def test_what_the_imitation_says_of_its_keys_is_left(scenario: Scenario) -> None:
    redactor = Redactor(key_for(scenario, "Alder/Main"))
    for one in vars(refusals).values():
        if isinstance(one, refusals.Refusal):
            assert redactor.clean(one.code) == one.code
            assert redactor.clean(one.message) == one.message


def _seconds(work: Callable[[], object], times: int = 3) -> float:
    """The processor's time, of the best of so many."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


@pytest.mark.parametrize(
    "text",
    ["oak_live_" * 34, "%6f" * 100, "a-" * 150, KEY * 4, "&#x6f;" * 50, "é" * 300, OWN[:8] * 37],
    ids=["starts", "escapes", "signs", "keys", "HTML", "accents", "runs"],
)
def test_no_text_takes_long(text: str) -> None:
    for key in (KEY, "a" * 512, (KEY * 9)[:512]):
        assert _seconds(lambda key=key: Redactor(key).clean(text[:300])) < 0.05


def test_a_list_of_two_thousand_connectors_is_looked_through_at_once() -> None:
    redactor = Redactor(KEY)
    texts = [f"Reads and writes the mails of account {n} … and sends." for n in range(2_000)]
    assert _seconds(lambda: [redactor.clean(one) for one in texts], times=1) < 1
