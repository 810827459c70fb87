"""Cuts texts and lists to what a channel takes, counted as the channel counts."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any, Final, TypeVar

Body = TypeVar("Body")
_ELLIPSIS: Final = "…"
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")


def text_cut(
    text: str,
    *,
    limit: int,
    escape: Callable[[str], str] = str,
    size: Callable[[str], int] = len,
) -> str:
    """The text escaped, and within `limit` as `size` counts it; cut at a word, with an ellipsis.

    It is cut before it is escaped, so never inside an entity, and inside a word only where that
    is longer than half of all.
    """
    if size(escape(text)) <= limit:
        return escape(text)
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        fits = size(escape(text[:middle] + _ELLIPSIS)) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return escape(text[: _cut_position(text, low)].rstrip() + _ELLIPSIS)


def _cut_position(text: str, end: int) -> int:
    """The end of the last whole word before `end`; else where no character is cut in two."""
    if not text[end].isspace():
        word_end = text.rfind(" ", 0, end)
        if word_end > end // 2:
            return word_end
    while end and (_joins_former(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return end


def _joins_former(character: str) -> bool:
    return bool(unicodedata.combining(character)) or character in _JOINERS


def body_fit(count: int, build: Callable[[int], Body], fits: Callable[[Body], bool]) -> Body:
    """What `build` makes of the most items, up to `count`, that fit; of none where none does."""
    body = build(count)
    if fits(body):
        return body
    low, high = 0, max(0, count - 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(build(middle)) else (low, middle - 1)
    return build(low)


def body_bytes(body: Any) -> bytes:
    """A body as it is sent: the same bytes each time, in whatever order a database keeps names."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "replace"
    )
