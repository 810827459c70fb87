"""Names and labels stay one readable line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text import line_clean


def clean(value: str, limit: int = 120, required: bool = True) -> str:
    return line_clean(value, field="name", limit=limit, required=required)


@pytest.mark.parametrize(
    "value",
    [
        "a\x00b",
        "a\nb",
        "a\tb",
        "a\x1bb",
        "\u202eabc",
        "a\u2066b",
        "a\u200bb",
        "a\ufeffb",
        "a\udc80b",
    ],
)
def test_control_and_invisible_characters_are_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="invisible") as refused:
        clean(value)

    assert refused.value.field == "name"


@pytest.mark.parametrize("value", ["", "   ", "\n", "\u200d", "\u0301", "\xa0"])
def test_an_empty_name_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="Fill this in"):
        clean(value)


def test_an_empty_text_may_be_allowed() -> None:
    assert clean("  ", required=False) == ""


def test_the_limit_counts_characters_after_stripping() -> None:
    assert clean(f"  {'é' * 120}  ") == "é" * 120
    with pytest.raises(InvalidInput, match="at most 120"):
        clean("é" * 121)


def test_what_is_too_long_is_refused_before_anything_is_done_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*asked: object) -> None:
        raise AssertionError(str(asked)[:60])

    for value in ("\u0327\u0301" * 240 + "a", "a" * 481, " " * 481, "a" + " " * 500 + "a"):
        # Not for longer: pytest itself normalises what it prints.
        with monkeypatch.context() as patch:
            patch.setattr(unicodedata, "normalize", never)
            patch.setattr(unicodedata, "category", never)
            with pytest.raises(InvalidInput, match="at most 120"):
                clean(value)


def test_a_letter_may_be_typed_with_its_marks_beside_it() -> None:
    assert clean("e\u0301" * 120) == "\u00e9" * 120


def test_letters_of_any_script_and_joined_emoji_are_welcome() -> None:
    for value in ("Zürich AG", "日本", "کند\u200cتر", "👩\u200d🚀", "O'Neil & Söhne <b>"):
        assert clean(f" {value} ") == value


def test_the_same_letters_are_the_same_name() -> None:
    assert clean("Caf\u0065\u0301") == clean("Café")


@given(st.text(max_size=150))
def test_what_is_accepted_is_stable_short_and_stripped(value: str) -> None:
    try:
        cleaned = clean(value)
    except InvalidInput:
        return
    assert cleaned == clean(cleaned) == cleaned.strip() == unicodedata.normalize("NFC", cleaned)
    assert 1 <= len(cleaned) <= 120
    assert len(cleaned.splitlines()) == 1
