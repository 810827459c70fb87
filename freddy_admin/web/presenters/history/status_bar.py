"""Status bars: time by state, where the height says how good it was, so colour is not needed.

Drawn here, in units of its own that the page stretches over the width it has.
"""

from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.history.state_spans import KeyHistory, StateSpan
from freddy_admin.web.presenters.history.status_bar_slots import StatusBarSlot, status_bar_slots
from freddy_admin.web.presenters.history.time_shares import on_time_share, state_shares
from freddy_admin.web.presenters.history.time_windows import TimeWindow
from freddy_admin.wording.sentences import say
from freddy_admin.wording.states import QUIET, STATE_WORDINGS
from freddy_admin.wording.times import UserTime

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
