"""The states as people see them: a word, a shape and a tone. Colour is never the only sign."""

from dataclasses import dataclass

from freddy_admin.sync.health_states import HealthState

BAD, WARN, GOOD, QUIET = "bad", "warn", "good", "quiet"


@dataclass(frozen=True, slots=True)
class StateStyle:
    """Tone (a CSS word) and shape (an icon's name) of a state."""

    tone: str
    icon: str


STATE_STYLES: dict[HealthState, StateStyle] = {
    HealthState.KEY_UNREADABLE: StateStyle(BAD, "lock-x"),
    HealthState.KEY_REJECTED: StateStyle(BAD, "key-off"),
    HealthState.KEY_NOT_PERMITTED: StateStyle(BAD, "shield-x"),
    HealthState.OVERDUE: StateStyle(BAD, "clock-exclamation"),
    HealthState.NEVER_SYNCED: StateStyle(WARN, "calendar-x"),
    HealthState.LATE: StateStyle(WARN, "clock"),
    HealthState.UNKNOWN: StateStyle(QUIET, "help-hexagon"),
    HealthState.NO_SCHEDULE: StateStyle(QUIET, "calendar-off"),
    HealthState.NOT_CHECKED: StateStyle(QUIET, "circle-dashed"),
    HealthState.WAITING: StateStyle(QUIET, "hourglass"),
    HealthState.UP_TO_DATE: StateStyle(GOOD, "circle-check"),
    HealthState.PAUSED: StateStyle(QUIET, "player-pause"),
}


@dataclass(frozen=True, slots=True)
class StatePill:
    """A state ready for a template."""

    value: str
    word: str
    tone: str
    icon: str


def state_pill(state: HealthState) -> StatePill:
    """The state's word with its style."""
    style = STATE_STYLES[state]
    return StatePill(value=state.value, word=str(state.label), tone=style.tone, icon=style.icon)
