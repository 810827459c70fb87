"""Texts are cut to what a channel takes: at a word, never within an entity or a character."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.alerts.channels.slack import slack_escape
from freddy_admin.alerts.channels.text_limits import body_bytes, body_fit, text_cut

LOOSE_AMPERSAND = re.compile("&(?!(?:amp|lt|gt);)")


@given(st.text(alphabet="ab &<>;ü👩", max_size=60), st.integers(min_value=8, max_value=60))
def test_cut_text_fits_once_escaped_and_holds_whole_entities(text: str, limit: int) -> None:
    cut = text_cut(text, limit=limit, escape=slack_escape)
    assert len(cut) <= limit
    assert not LOOSE_AMPERSAND.search(cut)
    shown = html.unescape(cut)
    assert shown == text or text.startswith(shown.removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 10, "short"),
        ("one two three", 10, "one two…"),
        ("a " + "x" * 30, 10, "a xxxxxxx…"),
        ("x" * 30, 10, "x" * 9 + "…"),
        # A letter with its accent, and a family, stay together or go together.
        ("abcde\u0301fgh", 6, "abcd…"),
        ("ab👩\u200d👩\u200d👧 and more", 6, "ab…"),
    ],
)
def test_text_is_cut_at_a_word_and_between_characters(text: str, limit: int, cut: str) -> None:
    assert text_cut(text, limit=limit) == cut


def test_size_is_counted_as_the_channel_counts() -> None:
    assert text_cut("üüüü", limit=7, size=lambda text: len(text.encode())) == "üü…"


@pytest.mark.parametrize("room", [0, 1, 5, 35, 40])
def test_as_many_items_are_named_as_fit(room: int) -> None:
    assert len(body_fit(35, lambda count: "x" * count, lambda body: len(body) <= room)) == min(
        room, 35
    )


def test_body_is_the_same_bytes_in_whatever_order_its_names_are() -> None:
    assert body_bytes({"b": "ü", "a": 1}) == body_bytes({"a": 1, "b": "ü"})
    # Half of a character pair, as a cut text of another program may hold it.
    assert body_bytes({"a": "\ud83d"}) == b'{"a":"?"}'
