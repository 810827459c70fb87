"""What may be pasted, what is said when it may not, and how little is shown afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.core.errors import InvalidInput
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.secrets import hints_of, masked, secret_clean, secret_is_told


@pytest.mark.parametrize("text", ["k", "ak_1", "with-anything!~#$", "x" * 512])
def test_prefix_and_length_are_not_judged(text: str) -> None:
    assert secret_clean(text) == text


@pytest.mark.parametrize("text", [" ak_1", "ak_1\n", "\r\n\tak_1 \u00a0"])
def test_white_space_around_a_key_is_dropped(text: str) -> None:
    assert secret_clean(text) == "ak_1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("x" * 513, "longer than any"),
        ("planted one", "white space"),
        ("planted\nX-Evil: 1", "white space"),
        ("planted\u2028one", "white space"),
        ("planted\u2019", "no API key has"),
        ("planted\x00key", "no API key has"),
        ("planted\x7f", "no API key has"),
        ("planted\ud83d", "no API key has"),
        ("\ufeffplanted", "no API key has"),
        ("plantéd", "no API key has"),
    ],
)
def test_what_no_key_can_be_is_refused_in_words_that_do_not_repeat_it(text: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        secret_clean(text)
    assert refused.value.field == "api_key"
    assert told in refused.value.message
    assert "planted" not in repr(refused.value)
    assert refused.value.__context__ is None


@pytest.mark.parametrize(
    ("length", "start", "end"),
    [(1, 0, 0), (15, 0, 0), (16, 0, 4), (32, 0, 4), (33, 13, 4), (63, 13, 4)],
)
def test_hints_grow_with_what_stays_hidden(length: int, start: int, end: int) -> None:
    secret = "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    first, last = hints_of(secret[:length])
    assert (len(first), len(last)) == (start, end)
    assert secret[:length].startswith(first)
    assert secret[:length].endswith(last)


@given(secret=st.text("abcdefgh01234567", max_size=120))
def test_at_least_twelve_characters_always_stay_hidden_where_anything_is_shown(
    secret: str,
) -> None:
    start, end = hints_of(secret)
    hidden = len(secret) - len(start) - len(end)
    assert hidden >= (16 if start else 12 if end else 0)


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("ak_live_01234", "wxyz", "ak_live_01234…wxyz"),
        ("", "wxyz", "…wxyz"),
        ("", "", "hidden"),
    ],
)
def test_the_masked_form_is_start_dots_end(start: str, end: str, shown: str) -> None:
    assert masked(ApiKey(hint_start=start, hint_end=end)) == shown


def test_a_secret_told_elsewhere_is_noticed() -> None:
    assert secret_is_told("0123456789", ["label 0123456789"])
    assert secret_is_told("short", ["short"])
    assert not secret_is_told("short", ["shortly after"])
