"""The health rule in words, as it is printed next to a state."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.sync.health_states import HealthState
from freddy_admin.web.presenters.state_pill import StatePill, state_pill


@dataclass(frozen=True, slots=True)
class HealthRuleLine:
    """One line of the rule; `is_match` is true for the one that gave the state shown."""

    number: int
    pills: tuple[StatePill, ...]
    words: str
    is_match: bool


def health_rule_lines(matching_number: int) -> list[HealthRuleLine]:
    """All lines, read from the top: the first that fits wins."""
    return [
        HealthRuleLine(
            number, tuple(state_pill(state) for state in states), words, number == matching_number
        )
        for number, states, words in _health_rule_texts()
    ]


def grace_rule_text() -> str:
    """What G is."""
    return _(
        "The grace is a quarter of the sync interval, at least 15 minutes and at most 6 hours, "
        "unless the key carries its own."
    )


def _health_rule_texts() -> list[tuple[int, tuple[HealthState, ...], str]]:
    return [
        (1, (HealthState.PAUSED,), _("Somebody paused it here.")),
        (
            2,
            (HealthState.KEY_UNREADABLE,),
            _("The stored key cannot be opened, so Aitronos is not asked."),
        ),
        (
            3,
            (HealthState.KEY_REJECTED, HealthState.KEY_NOT_PERMITTED),
            _("Aitronos refused the key twice in a row. The later refusal names the reason."),
        ),
        (
            4,
            (HealthState.NOT_CHECKED, HealthState.UNKNOWN),
            _("No check has finished yet, or only checks without an answer so far."),
        ),
        (
            5,
            (HealthState.UNKNOWN,),
            _("Our last successful look is too long ago to say anything about now."),
        ),
        (
            6,
            (HealthState.WAITING, HealthState.NEVER_SYNCED),
            _("No sync was ever reported: waiting until the first one is due, plus the grace."),
        ),
        (
            7,
            (HealthState.UNKNOWN, HealthState.NO_SCHEDULE),
            _("The times do not add up, or there is no schedule to measure against."),
        ),
        (
            8,
            (HealthState.OVERDUE,),
            _(
                "When we looked, the sync was still missing after its due time plus the grace; "
                "or a sync was skipped, or the last one is far too long ago."
            ),
        ),
        (
            9,
            (HealthState.LATE,),
            _("When we looked, the due time had passed, but not the grace."),
        ),
        (10, (HealthState.UP_TO_DATE,), _("None of the above: the sync runs as planned.")),
    ]
