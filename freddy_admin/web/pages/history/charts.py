"""The two drawings of a key's history: its states as bars, and its tools as step lines."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import STATE_RANK, STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.history.timeline import KeyHistory, StateSpan
from freddy_admin.web.pages.history.filters import DAY_WINDOW, TimeWindow
from freddy_admin.wording.keys import tool_counts
from freddy_admin.wording.sentences import (
    Moment,
    Sentence,
    format_number,
    render_text,
    say,
)
from freddy_admin.wording.states import QUIET, STATE_WORDINGS
from freddy_admin.wording.times import UserTime

BAR_WIDTH = 1000
MIN_SLOT_WIDTH = 5  # of BAR_WIDTH: more than a point on a narrow telephone
MAX_SLOTS = BAR_WIDTH // MIN_SLOT_WIDTH
# How much of the bar thin slots may take beyond their share before the picture misleads.
_MAX_WIDENING = BAR_WIDTH * 6 // 100


@dataclass(frozen=True, slots=True)
class StatusBarSlot:
    """From `x` on, `width` wide: this state, alone or (`mixed`) with others in between."""

    start: datetime
    end: datetime
    state: HealthState | None
    mixed: bool
    x: int
    width: int


def status_bar_slots(
    spans: Sequence[StateSpan], start: datetime, end: datetime
) -> list[StatusBarSlot]:
    """A slot per span where that can be drawn; else the dominant state of each small cell.

    A cell in which a state needed action shows that state, however short it was.
    """
    window = end - start
    wanting = sum(max(0.0, MIN_SLOT_WIDTH - BAR_WIDTH * (span.duration / window)) for span in spans)
    if len(spans) <= MAX_SLOTS and wanting <= _MAX_WIDENING:
        return _slot_per_span(
            spans, [round(BAR_WIDTH * ((span.end - start) / window)) for span in spans]
        )
    return list(_merged_slots(spans, start, end))


def _slot_per_span(spans: Sequence[StateSpan], ends: list[int]) -> list[StatusBarSlot]:
    """A slot per span, each at least MIN_SLOT_WIDTH wide: pushed right first, then back left."""
    bounds = [0]
    for end in ends:
        bounds.append(max(end, bounds[-1] + MIN_SLOT_WIDTH))
    bounds[-1] = BAR_WIDTH
    for index in range(len(bounds) - 2, 0, -1):
        bounds[index] = min(bounds[index], bounds[index + 1] - MIN_SLOT_WIDTH)
    return [
        StatusBarSlot(span.start, span.end, span.state, mixed=False, x=x, width=next_x - x)
        for span, x, next_x in zip(spans, bounds, bounds[1:], strict=False)
    ]


def _merged_slots(
    spans: Sequence[StateSpan], start: datetime, end: datetime
) -> Iterator[StatusBarSlot]:
    step, cells = (end - start) / MAX_SLOTS, list[tuple[HealthState | None, bool]]()
    for index, lengths in enumerate(_state_durations_per_cell(spans, start, step)):
        state, mixed = _dominant_state(lengths), len(lengths) > 1
        if cells and cells[-1][0] != state:
            yield _slot_of_cells(cells, index, start, step)
            cells = []
        cells.append((state, mixed))
    yield _slot_of_cells(cells, MAX_SLOTS, start, step)


def _slot_of_cells(
    cells: Sequence[tuple[HealthState | None, bool]],
    end_index: int,
    start: datetime,
    step: timedelta,
) -> StatusBarSlot:
    first_index = end_index - len(cells)
    return StatusBarSlot(
        start=start + first_index * step,
        end=start + end_index * step,
        state=cells[0][0],
        mixed=any(mixed for _, mixed in cells),
        x=first_index * MIN_SLOT_WIDTH,
        width=len(cells) * MIN_SLOT_WIDTH,
    )


def _state_durations_per_cell(
    spans: Sequence[StateSpan], start: datetime, step: timedelta
) -> list[dict[HealthState | None, timedelta]]:
    """How long each state lasted in each cell."""
    cells = [defaultdict[HealthState | None, timedelta](timedelta) for _ in range(MAX_SLOTS)]
    for span in spans:
        first, last = int((span.start - start) / step), int((span.end - start) / step)
        for index in range(first, min(last + 1, MAX_SLOTS)):
            cell_start = start + index * step
            overlap = min(span.end, cell_start + step) - max(span.start, cell_start)
            if overlap > timedelta():
                cells[index][span.state] += overlap
    return list(cells)


def _dominant_state(lengths: Mapping[HealthState | None, timedelta]) -> HealthState | None:
    states_needing_action = [
        state for state in lengths if state is not None and state in STATES_NEEDING_ACTION
    ]
    if states_needing_action:
        return min(states_needing_action, key=STATE_RANK.__getitem__)
    return max(lengths, key=lengths.__getitem__, default=None)


BAR_HEIGHT, SWATCH_WIDTH = 24, 24


@dataclass(frozen=True, slots=True)
class StateShape:
    """How a state is drawn: a bar of this height from the ground, a dotted line, or nothing."""

    shape: str
    height: int
    tone: str


def status_bar_legend(spans: tuple[StateSpan, ...]) -> list[tuple[SafeString, str]]:
    """The states that occur, the best first, each as it is drawn (SWATCH_WIDTH wide) and named."""
    occurring = {span.state for span in spans}
    states = sorted(
        (state for state in reversed(HealthState) if state in occurring),
        key=lambda state: -state_shape(state).height,
    )
    return [
        (_render_shape_svg(state_shape(state), 0, SWATCH_WIDTH), state_label(state))
        for state in [*states, *([None] if None in occurring else [])]
    ]


def state_shape(state: HealthState | None) -> StateShape:
    """How this state is drawn."""
    if state is None:
        return UNWATCHED_SHAPE
    if state is HealthState.PAUSED:
        return StateShape("dots", 2, QUIET)
    default_height = THIRD_HEIGHT if state in STATES_NEEDING_ACTION else 2 * THIRD_HEIGHT
    return StateShape("fill", _STATE_HEIGHTS.get(state, default_height), STATE_WORDINGS[state].tone)


THIRD_HEIGHT, THIN_HEIGHT = BAR_HEIGHT // 3, 3
UNWATCHED_SHAPE = StateShape("unwatched", BAR_HEIGHT, QUIET)
_STATE_HEIGHTS = {
    HealthState.UP_TO_DATE: BAR_HEIGHT,
    HealthState.UNKNOWN: THIN_HEIGHT,
    HealthState.NOT_CHECKED: THIN_HEIGHT,
}


def state_label(state: HealthState | None) -> str:
    return str(state.label) if state else _("Not watched yet")


def render_slot_svg(slot: StatusBarSlot, user_time: UserTime) -> SafeString:
    end = slot.end if slot.end < user_time.now else None
    words = {
        "state": state_label(slot.state),
        "when": user_time.format_time_range(slot.start, end),
    }
    if not slot.mixed:
        title = _("%(state)s, %(when)s") % words
    elif slot.state in STATES_NEEDING_ACTION:
        title = _("%(state)s at times, %(when)s") % words
    else:
        title = _("Mostly: %(state)s, %(when)s") % words
    return _render_shape_svg(state_shape(slot.state), slot.x, slot.width, title)


def _render_shape_svg(shape_style: StateShape, x: int, width: int, title: str = "") -> SafeString:
    title_html = format_html("<title>{}</title>", title) if title else ""
    if shape_style.shape == "dots":
        return format_html(
            '<path class="status-bar-dots" d="M{} {}h{}" '
            'vector-effect="non-scaling-stroke">{}</path>',
            x,
            BAR_HEIGHT - shape_style.height,
            width,
            title_html,
        )
    return format_html(
        '<rect class="status-bar-{} tone-{}" x="{}" y="{}" width="{}" height="{}">{}</rect>',
        shape_style.shape,
        shape_style.tone,
        x,
        BAR_HEIGHT - shape_style.height,
        width,
        shape_style.height,
        title_html,
    )


CHART_WIDTH, CHART_HEIGHT = 1000, 200
_MIN_SEGMENT_WIDTH = 3  # what was known for a moment alone is still seen
_AXIS_DIGITS = (1, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True, slots=True)
class _KnownSegment:
    """From x0 to x1 so many tools were on, of so many."""

    x0: int
    x1: int
    enabled: int
    total: int


def tool_chart(history: KeyHistory, window: TimeWindow, user_time: UserTime) -> dict[str, Any]:
    """The chart of one window: `words` say the essence; the paths are empty without figures."""
    part = history.restrict_to_last(window.length)
    segments = list(_known_segments(part))
    top = _axis_maximum(
        max((max(segment.enabled, segment.total) for segment in segments), default=1)
    )

    def y_coordinate(number: int) -> int:
        return CHART_HEIGHT - round(CHART_HEIGHT * number / top)

    return {
        "words": render_text(_chart_summary(part, window), user_time),
        "enabled": "".join(_svg_line_path(segments, lambda segment: y_coordinate(segment.enabled))),
        "area": "".join(_svg_area_path(segments, lambda segment: y_coordinate(segment.enabled))),
        "total": "".join(_svg_line_path(segments, lambda segment: y_coordinate(segment.total))),
        "top": format_number(top),
        "middle": format_number(top // 2),
        "ticks": _axis_tick_labels(part, window, user_time),
    }


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
