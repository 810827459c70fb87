"""Validation of pasted secrets, and the hints that are shown of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.core.errors import InvalidInput
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secret_format import is_secret_in_texts, secret_clean, secret_hints
from freddy_admin.vault.selectors import masked_secret


@pytest.mark.parametrize("text", ["k", "ak_1", "with-anything!~#$", "x" * 512])
def test_prefix_and_length_of_a_secret_are_not_validated(text: str) -> None:
    assert secret_clean(text) == text


@pytest.mark.parametrize("text", [" ak_1", "ak_1\n", "\r\n\tak_1 \u00a0"])
def test_white_space_around_a_key_is_dropped(text: str) -> None:
    assert secret_clean(text) == "ak_1"


@pytest.mark.parametrize(
    "text",
    [
        "“ak_1”",
        "„ak_1“",
        "\u2018ak_1\u2019",
        "«\u00a0ak_1\u202f»",
        "\ufeffak_1",
        "ak_1\u200b",
        "\u200e\u2060ak_1\u00ad",
        '"ak_1"',
        "'ak_1'",
        "`ak_1`",
        ' "ak_1" ',
        '="ak_1"',
        "“'ak_1'”",
    ],
)
def test_what_pasting_puts_around_a_key_is_dropped(text: str) -> None:
    assert secret_clean(text) == "ak_1"


@pytest.mark.parametrize(
    "text", ["YWtfMQ==", "YWtfMQ=", "ak_live_1=", "ak\"1'x", "ak:1", "a=b"[:2]]
)
def test_padding_and_signs_of_a_key_are_kept(text: str) -> None:
    assert secret_clean(text) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("x" * 513, "longer than any"),
        ("planted one", "white space"),
        ("planted\nX-Evil: 1", "white space"),
        ("planted\u2028one", "white space"),
        ("plan\u2019ted", "typographic quotation mark"),
        ("plan\u200bted", "invisible character"),
        ("plan\u00a0ted", "white space"),
        ("planted\x00key", "no API key has"),
        ("planted\x7f", "no API key has"),
        ("planted\ud83d", "no API key has"),
        ("PLANTED_NAME=planted", "NAME=KEY"),
        ("PLANTED_NAME = planted", "NAME=KEY"),
        ("export PLANTED='planted'", "NAME=KEY"),
        ("name==planted", "NAME=KEY"),
        ("Bearer planted", "such as Bearer"),
        ("authorization: bearer planted", "such as Bearer"),
        ("x-api-key: planted", "such as Bearer"),
        ("API_KEY", "name of the column"),
        ("plantéd", "no API key has"),
    ],
)
def test_an_invalid_secret_is_refused_without_repeating_it(text: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as error:
        secret_clean(text)
    assert error.value.field == "api_key"
    assert problem in error.value.message
    assert "planted" not in repr(error.value)
    assert error.value.__context__ is None


@pytest.mark.parametrize(
    ("length", "start_length", "end_length"),
    [(1, 0, 0), (15, 0, 0), (16, 0, 4), (32, 0, 4), (33, 13, 4), (63, 13, 4)],
)
def test_hints_grow_with_the_hidden_length(length: int, start_length: int, end_length: int) -> None:
    secret = "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    start_hint, end_hint = secret_hints(secret[:length])
    assert (len(start_hint), len(end_hint)) == (start_length, end_length)
    assert secret[:length].startswith(start_hint)
    assert secret[:length].endswith(end_hint)


@given(secret=st.text("abcdefgh01234567", max_size=120))
def test_hints_always_leave_twelve_characters_hidden(
    secret: str,
) -> None:
    start, end = secret_hints(secret)
    hidden = len(secret) - len(start) - len(end)
    assert hidden >= (16 if start else 12 if end else 0)


@pytest.mark.parametrize(
    ("start", "end", "masked"),
    [
        ("ak_live_01234", "wxyz", "ak_live_01234…wxyz"),
        ("", "wxyz", "…wxyz"),
        ("", "", "hidden"),
    ],
)
def test_the_masked_form_is_start_dots_end(start: str, end: str, masked: str) -> None:
    assert masked_secret(ApiKey(hint_start=start, hint_end=end)) == masked


def test_a_secret_in_another_text_is_found() -> None:
    assert is_secret_in_texts("0123456789", ["label 0123456789"])
    assert is_secret_in_texts("short", ["short"])
    assert not is_secret_in_texts("short", ["shortly after"])
