"""A part of the panel as the system page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Progress:
    """So much of so much, with the words for it."""

    value: int
    of: int
    words: str


@dataclass(frozen=True, slots=True)
class Button:
    """What a person may do about it: the name of the address that is sent a form, and the word."""

    address: str
    word: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the panel."""

    icon: str
    name: str
    tone: str
    word: str
    sentence: SafeString
    lines: list[SafeString | str]
    progress: Progress | None = None
    button: Button | None = None


def part(  # noqa: PLR0913  the parts of one part
    icon: str,
    name: str,
    tone: str,
    word: str,
    sentence: SafeString | str,
    lines: Sequence[SafeString | str],
    progress: Progress | None = None,
) -> Part:
    """One part; text that is not safe yet is escaped."""
    return Part(icon, name, tone, word, format_html("{}", sentence), list(lines), progress)
