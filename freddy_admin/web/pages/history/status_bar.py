"""Shares of time in words, rounded so that they never claim too much."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import STATE_RANK, STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.history.state_spans import KeyHistory, StateSpan, UpToDateShare
from freddy_admin.web.pages.history.filters import TimeWindow
from freddy_admin.wording.sentences import Phrases, Sentence, say
from freddy_admin.wording.states import QUIET, STATE_WORDINGS
from freddy_admin.wording.times import UserTime


def on_time_share(share: UpToDateShare, window: TimeWindow) -> Sentence:
    """`98.2 % on time, measured 97 % of the week`, as a clause."""
    if share.up_to_date is None:
        return say(_("no measured time yet"))
    return say(
        window.share_text,
        on_time=format_percent_rounded_down(share.up_to_date, 1),
        measured=format_percent_rounded_down(share.measured_share, 0),
    )


def format_percent_rounded_down(share: float, digits: int) -> str:
    """Rounded down: `100 %` is all of it, and a little bit is never `0 %`."""
    scale = 10**digits
    whole = 100 * scale
    # Less than a millionth of a step is the floating point's, not the share's.
    parts = whole if share >= 1 else min(floor(share * whole + 1e-6), whole - 1)
    if parts == 0 and share > 0:
        return _("under %(least)s %%") % {"least": number_format(f"{1 / scale:g}")}
    return _("%(n)s %%") % {"n": number_format(f"{parts / scale:g}")}


def state_shares(
    spans: Iterable[StateSpan], window: timedelta, state_label: Callable[[HealthState | None], str]
) -> Phrases:
    """`Up to date 90 %, Overdue 10 %`: how the window was spent, the longest first."""
    lengths: Counter[HealthState | None] = Counter()
    for span in spans:
        lengths[span.state] += span.duration / window if window else 0  # type: ignore[assignment]
    shares = (
        say(
            _("{state} {percent}"),
            state=state_label(state),
            percent=format_percent_rounded_down(part, 0),
        )
        for state, part in sorted(lengths.items(), key=lambda pair: -pair[1])
    )
    return Phrases(tuple(shares), ", ")


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


@dataclass(frozen=True, slots=True)
class StatusBar:
    """One window: its name, how much was on time, and the whole in a sentence."""

    name: str
    share: str
    label: str
    drawing: SafeString


@dataclass(frozen=True, slots=True)
class StatusBarLegendItem:
    """What a height and a colour mean; the drawing is SWATCH_WIDTH wide."""

    drawing: SafeString
    words: str


def status_bar(history: KeyHistory, window: TimeWindow, user_time: UserTime) -> StatusBar:
    """The status bar of this window of a key's history."""
    part = history.restrict_to_last(window.length)
    share = on_time_share(part.up_to_date_share, window)
    shares = state_shares(part.spans, part.end - part.start, _state_label)
    label = say(_("{window}: {share}. {shares}."), window=window.name, share=share, shares=shares)
    return StatusBar(
        name=str(window.name),
        share=str(share),
        label=str(label),
        drawing=format_html_join(
            "",
            "{}",
            (
                (_render_slot_svg(slot, user_time),)
                for slot in status_bar_slots(part.spans, part.start, part.end)
            ),
        ),
    )


def status_bar_legend(spans: tuple[StateSpan, ...]) -> list[StatusBarLegendItem]:
    """The states that occur, the best first, each as it is drawn."""
    states = {span.state for span in spans}
    known_states = [state for state in reversed(HealthState) if state in states]
    sorted_states = sorted(known_states, key=lambda state: -state_shape(state).height)
    legend_states = [*sorted_states, *([None] if None in states else [])]
    return [
        StatusBarLegendItem(
            _render_shape_svg(state_shape(legend_state), 0, SWATCH_WIDTH),
            _state_label(legend_state),
        )
        for legend_state in legend_states
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


def _state_label(state: HealthState | None) -> str:
    return str(state.label) if state else _("Not watched yet")


def _render_slot_svg(slot: StatusBarSlot, user_time: UserTime) -> SafeString:
    end = slot.end if slot.end < user_time.now else None
    words = {
        "state": _state_label(slot.state),
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
