"""How often we look, how long things hold: every span of the sync room in one place."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from freddy_admin.core import clock

CONFIRM_REFUSAL_AFTER = timedelta(seconds=60)
REFUSED_PERIOD = timedelta(hours=1)
UNREADABLE_PERIOD = timedelta(hours=1)
BACK_OFF_CEILING = timedelta(minutes=15)
SPENDING_LIMIT_HOLD = timedelta(minutes=15)
LOOK_AFTER_DUE = timedelta(minutes=1)
PRESS_AGAIN_AFTER = timedelta(seconds=10)
_STORED_WITHIN = 2.0  # seconds from the end of a call until it is written down
LEASE_AT_MOST = timedelta(minutes=15)
_ORDERS_WAIT = 1800.0  # seconds
WATCH_PERIOD = timedelta(seconds=60)  # while a sync that a person asked for is awaited
# A time further ahead than anything we ever plan: our clock was set back, look now.
PLANNED_AT_MOST = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Policy:
    """The spans that the operator sets."""

    fresh: timedelta
    period: timedelta  # P
    lease: timedelta

    @property
    def horizon(self) -> timedelta:
        """No check is planned further ahead than this."""
        return max(PLANNED_AT_MOST, 2 * self.period)


def orders_since(now: datetime) -> datetime:
    """What was asked for before this moment, and was not sent yet, is given up unsent.

    Whoever asked has gone on to something else by then, and would be surprised by it.
    """
    return now - clock.passing(_ORDERS_WAIT)


def policy() -> Policy:
    """The spans in force."""
    return Policy(
        fresh=timedelta(seconds=settings.STATUS_FRESH_SECONDS),
        period=timedelta(seconds=settings.STATUS_CHECK_SECONDS),
        # A key may wait one whole call's time for a thread and take another; its end is to be
        # stored before somebody else may ask. A dead worker's keys come back after as long.
        lease=clock.passing(2 * settings.AITRONOS_TOTAL_TIMEOUT + _STORED_WITHIN),
    )
