"""The states of the health rule, worst first."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """What the panel concludes of one key. Declared worst first: the order is the ranking."""

    KEY_UNREADABLE = "key_unreadable", _("Key unreadable")
    KEY_REJECTED = "key_rejected", _("Key rejected")
    KEY_NOT_PERMITTED = "key_not_permitted", _("Key not permitted")
    OVERDUE = "overdue", _("Overdue")
    NEVER_SYNCED = "never_synced", _("Never synced")
    LATE = "late", _("Late")
    UNKNOWN = "unknown", _("Unknown")
    NO_SCHEDULE = "no_schedule", _("No schedule")
    NOT_CHECKED = "not_checked", _("Not checked yet")
    WAITING = "waiting", _("Waiting for first sync")
    UP_TO_DATE = "up_to_date", _("Up to date")
    PAUSED = "paused", _("Paused")


WORST_FIRST: tuple[State, ...] = tuple(State)
RANK: dict[State, int] = {state: rank for rank, state in enumerate(WORST_FIRST)}

# States in which somebody of ours has to do something.
NEEDS_YOU: frozenset[State] = frozenset(
    {
        State.KEY_UNREADABLE,
        State.KEY_REJECTED,
        State.KEY_NOT_PERMITTED,
        State.OVERDUE,
        State.NEVER_SYNCED,
    }
)


def roll_up(states: list[State]) -> State | None:
    """The worst of the parts, None without any.

    Green needs at least one green part: the ranking sees to it, since waiting, not checked and
    unknown are all worse than up to date, and paused alone stays paused.
    """
    return min(states, key=RANK.__getitem__, default=None)
