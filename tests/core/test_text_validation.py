"""Names and labels stay one readable line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import case_folded, line_clean, typed_text_matches


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
    with pytest.raises(InvalidInput, match="invisible") as raised:
        clean(value)

    assert raised.value.field == "name"


@pytest.mark.parametrize("value", ["", "   ", "\n", "\u200d", "\u0301", "\xa0"])
def test_an_empty_name_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="Fill this in"):
        clean(value)


def test_an_optional_name_may_be_empty() -> None:
    assert clean("  ", required=False) == ""


def test_the_length_limit_counts_characters_after_stripping() -> None:
    assert clean(f"  {'é' * 120}  ") == "é" * 120
    with pytest.raises(InvalidInput, match="at most 120"):
        clean("é" * 121)


def test_a_text_that_is_too_long_is_refused_before_it_is_normalised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*arguments: object) -> None:
        raise AssertionError(str(arguments)[:60])

    for value in ("\u0327\u0301" * 240 + "a", "a" * 481, " " * 481, "a" + " " * 500 + "a"):
        # Patched for these calls alone: pytest itself normalises what it prints.
        with monkeypatch.context() as patch:
            patch.setattr(unicodedata, "normalize", fail)
            patch.setattr(unicodedata, "category", fail)
            with pytest.raises(InvalidInput, match="at most 120"):
                clean(value)


def test_a_letter_with_combining_marks_counts_as_one_character() -> None:
    assert clean("e\u0301" * 120) == "\u00e9" * 120


def test_letters_of_any_script_and_joined_emoji_are_accepted() -> None:
    for value in ("Zürich AG", "日本", "کند\u200cتر", "👩\u200d🚀", "O'Neil & Söhne <b>"):
        assert clean(f" {value} ") == value


def test_equal_letters_in_another_unicode_form_are_equal_names() -> None:
    assert clean("Caf\u0065\u0301") == clean("Café")


@given(st.text(max_size=150))
def test_an_accepted_text_is_stable_short_and_stripped(value: str) -> None:
    try:
        cleaned = clean(value)
    except InvalidInput:
        return
    assert cleaned == clean(cleaned) == cleaned.strip() == unicodedata.normalize("NFC", cleaned)
    assert 1 <= len(cleaned) <= 120
    assert len(cleaned.splitlines()) == 1


@pytest.mark.parametrize("space", [" ", "  ", "\u00a0", "\u2003", "\u3000", " \u202f "])
def test_spaces_inside_a_name_are_one_blank(space: str) -> None:
    assert clean(f"Acme{space}Inc") == "Acme Inc"
    assert typed_text_matches(f"\u00a0Acme{space}Inc ", "Acme  Inc")
    assert case_folded(f"ACME{space}inc") == case_folded("\uff21cme Inc")


def test_what_is_typed_to_confirm_must_be_the_name() -> None:
    assert typed_text_matches("Cafe\u0301", "Café")
    assert not typed_text_matches("AcmeInc", "Acme Inc")
    assert not typed_text_matches("acme inc", "Acme Inc")
