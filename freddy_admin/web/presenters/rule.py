"""The health rule in words, as it is printed next to a state."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.sync.states import State
from freddy_admin.web.presenters.states import Pill, pill


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One line of the rule; `fits` marks the one that gave the state shown."""

    number: int
    pills: tuple[Pill, ...]
    words: str
    fits: bool


def rule_lines(fitting: int) -> list[RuleLine]:
    """All lines, read from the top: the first that fits wins."""
    return [
        RuleLine(number, tuple(pill(state) for state in states), words, number == fitting)
        for number, states, words in _lines()
    ]


def grace_words() -> str:
    """What G is."""
    return _(
        "The grace is a quarter of the sync interval, at least 15 minutes and at most 6 hours, "
        "unless the key carries its own."
    )


def _lines() -> list[tuple[int, tuple[State, ...], str]]:
    return [
        (1, (State.PAUSED,), _("Somebody paused it here.")),
        (
            2,
            (State.KEY_UNREADABLE,),
            _("The stored key cannot be opened, so Aitronos is not asked."),
        ),
        (
            3,
            (State.KEY_REJECTED, State.KEY_NOT_PERMITTED),
            _("Aitronos refused the key twice in a row. The later refusal names the reason."),
        ),
        (
            4,
            (State.NOT_CHECKED, State.UNKNOWN),
            _("No check has finished yet, or only checks without an answer so far."),
        ),
        (
            5,
            (State.UNKNOWN,),
            _("Our last successful look is too long ago to say anything about now."),
        ),
        (
            6,
            (State.WAITING, State.NEVER_SYNCED),
            _("No sync was ever reported: waiting until the first one is due, plus the grace."),
        ),
        (
            7,
            (State.UNKNOWN, State.NO_SCHEDULE),
            _("The times do not add up, or there is no schedule to measure against."),
        ),
        (
            8,
            (State.OVERDUE,),
            _(
                "When we looked, the sync was still missing after its due time plus the grace; "
                "or a sync was skipped, or the last one is far too long ago."
            ),
        ),
        (
            9,
            (State.LATE,),
            _("When we looked, the due time had passed, but not the grace."),
        ),
        (10, (State.UP_TO_DATE,), _("None of the above: the sync runs as planned.")),
    ]
