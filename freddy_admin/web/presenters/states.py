"""The states as people see them: a word, a shape and a tone. Colour is never the only sign."""

from dataclasses import dataclass

from freddy_admin.sync.states import State

BAD, WARN, GOOD, QUIET = "bad", "warn", "good", "quiet"


@dataclass(frozen=True, slots=True)
class Look:
    """Tone (a CSS word) and shape (an icon's name) of a state."""

    tone: str
    icon: str


LOOKS: dict[State, Look] = {
    State.KEY_UNREADABLE: Look(BAD, "lock-x"),
    State.KEY_REJECTED: Look(BAD, "key-off"),
    State.KEY_NOT_PERMITTED: Look(BAD, "shield-x"),
    State.OVERDUE: Look(BAD, "clock-exclamation"),
    State.NEVER_SYNCED: Look(WARN, "calendar-x"),
    State.LATE: Look(WARN, "clock"),
    State.UNKNOWN: Look(QUIET, "help-hexagon"),
    State.NO_SCHEDULE: Look(QUIET, "calendar-off"),
    State.NOT_CHECKED: Look(QUIET, "circle-dashed"),
    State.WAITING: Look(QUIET, "hourglass"),
    State.UP_TO_DATE: Look(GOOD, "circle-check"),
    State.PAUSED: Look(QUIET, "player-pause"),
}


@dataclass(frozen=True, slots=True)
class Pill:
    """A state ready for a template."""

    value: str
    word: str
    tone: str
    icon: str


def pill(state: State) -> Pill:
    """The state's word with its look."""
    look = LOOKS[state]
    return Pill(value=state.value, word=str(state.label), tone=look.tone, icon=look.icon)
