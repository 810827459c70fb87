"""The states of the health rule, worst first."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class HealthState(models.TextChoices):
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


STATES_WORST_FIRST: tuple[HealthState, ...] = tuple(HealthState)
STATE_RANK: dict[HealthState, int] = {state: rank for rank, state in enumerate(STATES_WORST_FIRST)}
# States in which somebody of ours has to do something.
STATES_NEEDING_ACTION: frozenset[HealthState] = frozenset(
    {
        HealthState.KEY_UNREADABLE,
        HealthState.KEY_REJECTED,
        HealthState.KEY_NOT_PERMITTED,
        HealthState.OVERDUE,
        HealthState.NEVER_SYNCED,
    }
)
# Aitronos refused the key twice in a row.
REFUSED_STATES: frozenset[HealthState] = frozenset(
    {HealthState.KEY_REJECTED, HealthState.KEY_NOT_PERMITTED}
)
# States that a started sync ends.
MISSING_SYNC_STATES: frozenset[HealthState] = frozenset(
    {HealthState.OVERDUE, HealthState.NEVER_SYNCED}
)
# States that end once a working secret is entered.
NEW_SECRET_STATES: frozenset[HealthState] = frozenset({HealthState.KEY_UNREADABLE, *REFUSED_STATES})
