"""A part of the panel as the system page shows it."""

from dataclasses import dataclass

from django.utils.safestring import SafeString

from freddy_admin.wording.platform import PartWording
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.times import UserTime


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
    lines: list[SafeString]
    progress: ProgressBar | None = None
    button: ComponentButton | None = None


def system_component(
    wording: PartWording,
    user_time: UserTime,
    *,
    progress: ProgressBar | None = None,
    button: ComponentButton | None = None,
) -> SystemComponent:
    """One part, rendered."""
    return SystemComponent(
        icon=wording.icon,
        name=str(wording.name),
        tone=wording.tone,
        word=render_text(wording.label),
        sentence=render_html(wording.words, user_time),
        lines=[render_html(line, user_time) for line in wording.lines],
        progress=progress,
        button=button,
    )
