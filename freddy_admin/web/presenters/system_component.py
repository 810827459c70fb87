"""A part of the panel as the system page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """`value` of `maximum`, with the words for it."""

    value: int
    maximum: int
    words: str


@dataclass(frozen=True, slots=True)
class ComponentButton:
    """A button of a component: the name of the URL that takes its form, and the label."""

    url_name: str
    word: str


@dataclass(frozen=True, slots=True)
class SystemComponent:
    """One part of the panel."""

    icon: str
    name: str
    tone: str
    word: str
    sentence: SafeString
    lines: list[SafeString | str]
    progress: ProgressBar | None = None
    button: ComponentButton | None = None


def system_component(  # noqa: PLR0913  the parts of one part
    icon: str,
    name: str,
    tone: str,
    word: str,
    sentence: SafeString | str,
    lines: Sequence[SafeString | str],
    progress: ProgressBar | None = None,
) -> SystemComponent:
    """One part; text that is not safe yet is escaped."""
    return SystemComponent(
        icon, name, tone, word, format_html("{}", sentence), list(lines), progress
    )
