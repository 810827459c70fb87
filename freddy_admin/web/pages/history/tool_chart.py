"""Tools on and all tools over time, as step lines; where nothing was known there is a gap."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.sync.history.state_spans import KeyHistory
from freddy_admin.web.pages.history.filters import DAY_WINDOW, TimeWindow
from freddy_admin.wording.event_details import tool_counts
from freddy_admin.wording.sentences import Moment, Sentence, format_number, render_text, say
from freddy_admin.wording.times import UserTime

CHART_WIDTH, CHART_HEIGHT = 1000, 200
_MIN_SEGMENT_WIDTH = 3  # what was known for a moment alone is still seen
_AXIS_DIGITS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class ToolChart:
    """`words` say the essence; the paths are empty where nothing is known."""

    words: str
    enabled: str
    area: str
    total: str
    top: str
    middle: str
    ticks: list[str]


@dataclass(frozen=True, slots=True)
class _KnownSegment:
    """From x0 to x1 so many tools were on, of so many."""

    x0: int
    x1: int
    enabled: int
    total: int


def tool_chart(history: KeyHistory, window: TimeWindow, user_time: UserTime) -> ToolChart:
    """The chart of this window of a key's history."""
    part = history.restrict_to_last(window.length)
    segments = list(_known_segments(part))
    top = _axis_maximum(
        max((max(segment.enabled, segment.total) for segment in segments), default=1)
    )

    def y_coordinate(number: int) -> int:
        return CHART_HEIGHT - round(CHART_HEIGHT * number / top)

    return ToolChart(
        words=render_text(_chart_summary(part, window), user_time),
        enabled="".join(_svg_line_path(segments, lambda segment: y_coordinate(segment.enabled))),
        area="".join(_svg_area_path(segments, lambda segment: y_coordinate(segment.enabled))),
        total="".join(_svg_line_path(segments, lambda segment: y_coordinate(segment.total))),
        top=format_number(top),
        middle=format_number(top // 2),
        ticks=_axis_tick_labels(part, window, user_time),
    )


def _known_segments(part: KeyHistory) -> Iterator[_KnownSegment]:
    """What was known, in units of the chart; of several steps in one unit the last is drawn."""
    window = part.end - part.start
    ends = [*(step.at for step in part.tools[1:]), part.end]
    segment: _KnownSegment | None = None
    for step, end in zip(part.tools, ends, strict=False):
        x0, x1 = (round(CHART_WIDTH * ((at - part.start) / window)) for at in (step.at, end))
        if segment is not None and (step.enabled is None or segment.x0 < x0):
            yield segment
            segment = None
        if step.enabled is not None and step.total is not None:
            segment = _KnownSegment(
                x0, max(x1, min(x0 + _MIN_SEGMENT_WIDTH, CHART_WIDTH)), step.enabled, step.total
            )
    if segment is not None:
        yield segment


def _svg_line_path(
    segments: Sequence[_KnownSegment], y_coordinate: Callable[[_KnownSegment], int]
) -> Iterator[str]:
    previous_x: int | None = None
    for segment in segments:
        start = "V" if previous_x is not None and segment.x0 <= previous_x else f"M{segment.x0} "
        yield f"{start}{y_coordinate(segment)}H{segment.x1}"
        previous_x = segment.x1


def _svg_area_path(
    segments: Sequence[_KnownSegment], y_coordinate: Callable[[_KnownSegment], int]
) -> Iterator[str]:
    for segment in segments:
        yield f"M{segment.x0} {CHART_HEIGHT}V{y_coordinate(segment)}H{segment.x1}V{CHART_HEIGHT}Z"


def _axis_maximum(largest_count: int) -> int:
    """The smallest round, even number that is not below."""
    scale = 1
    while True:
        for digit in _AXIS_DIGITS:
            if digit * scale >= max(largest_count, 2) and digit * scale % 2 == 0:
                return digit * scale
        scale *= 10


def _axis_tick_labels(part: KeyHistory, window: TimeWindow, user_time: UserTime) -> list[str]:
    quarter = (part.end - part.start) / 4
    format_tick = user_time.format_hour_minute if window is DAY_WINDOW else user_time.format_date
    return [*(format_tick(part.start + n * quarter) for n in range(4)), _("now")]


def _chart_summary(part: KeyHistory, window: TimeWindow) -> Sentence:
    steps, length = part.tools, window.short
    known_steps = [step for step in steps if step.enabled is not None and step.total is not None]
    if not known_steps:
        return say(_("No figures of tools in these {length}."), length=length)
    # A key that was not watched all the time is not called unchanged in all of it.
    known_since = (
        known_steps[0].at if known_steps[0].at - part.start > window.length / 100 else None
    )
    last, enabled = known_steps[-1], {step.enabled or 0 for step in known_steps}
    now = tool_counts(last.enabled or 0, last.total or 0)
    if last is not steps[-1]:
        now = say(_("Not known now; last {tools}"), tools=now)
    if len({(step.enabled, step.total) for step in known_steps}) == 1:
        in_window = _("{now}, unchanged in these {length}.")
        since = _("{now}, unchanged since {at}.")
    elif len(enabled) == 1:
        in_window = _("{now}; the total changed in these {length}.")
        since = _("{now}; the total changed since {at}.")
    else:
        in_window = _("{now}; between {least} and {most} in these {length}.")
        since = _("{now}; between {least} and {most} since {at}.")
    parts = {"now": now, "least": min(enabled), "most": max(enabled)}
    if known_since is None:
        return say(in_window, length=length, **parts)
    return say(since, at=Moment(known_since), **parts)
