"""How often keys are checked, how long things hold: every span of the sync room."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from freddy_admin.core import clock

REFUSAL_CONFIRMATION_DELAY = timedelta(seconds=60)
REFUSED_KEY_PERIOD = timedelta(hours=1)
UNREADABLE_KEY_PERIOD = timedelta(hours=1)
BACK_OFF_CEILING = timedelta(minutes=15)
SPENDING_LIMIT_HOLD = timedelta(minutes=15)
CHECK_AFTER_DUE = timedelta(minutes=1)
REPEAT_REQUEST_AFTER = timedelta(seconds=10)
_STORE_SECONDS = 2.0  # from the end of a call until its result is stored
MAX_LEASE = timedelta(minutes=15)
_UNSENT_OPERATION_SECONDS = 1800.0
OPERATION_WATCH_PERIOD = timedelta(seconds=60)  # while a sync that a person asked for is awaited
# A time further ahead than anything we ever plan: our clock was set back, check now.
MAX_PLANNING_HORIZON = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """The spans that the operator sets."""

    fresh: timedelta
    period: timedelta  # P
    lease: timedelta

    @property
    def horizon(self) -> timedelta:
        """No check is planned further ahead than this."""
        return max(MAX_PLANNING_HORIZON, 2 * self.period)


def unsent_operations_cutoff(now: datetime) -> datetime:
    """Operations requested before this moment and not sent yet are given up unsent.

    Whoever asked has gone on to something else by then, and would be surprised by it.
    """
    return now - clock.real_seconds_to_panel_duration(_UNSENT_OPERATION_SECONDS)


def check_policy() -> CheckPolicy:
    """The spans in force."""
    return CheckPolicy(
        fresh=timedelta(seconds=settings.STATUS_FRESH_SECONDS),
        period=timedelta(seconds=settings.STATUS_CHECK_SECONDS),
        # A key may wait one whole call's time for a thread and take another; its result is to
        # be stored before another worker may call. A dead worker's keys come back after as long.
        lease=clock.real_seconds_to_panel_duration(
            2 * settings.AITRONOS_TOTAL_TIMEOUT + _STORE_SECONDS
        ),
    )
