"""When a key stops working at Aitronos, as a person entered it: what is soon, what is urgent.

Nothing here blocks a call: whether a key still works is for Aitronos to say. Days are those of
UTC, so that everybody sees the same number.
"""

from datetime import UTC, date, datetime, timedelta

from django.db.models import DateField, Q

from freddy_admin.core.prepared import Slot, derived

SOON_DAYS, URGENT_DAYS, LAST_DAYS = 30, 7, 1


def days_left(expires_on: date | None, *, now: datetime) -> int | None:
    """0 on the day itself, negative afterwards; None without a date."""
    return None if expires_on is None else (expires_on - _today(now)).days


def expires_soon(now: datetime | Slot) -> Q:
    """Rows whose key has 30 days left, or fewer, or none."""
    return Q(key__expires_on__lte=soon_until(now))


def soon_until(now: datetime | Slot) -> date | Slot:
    """The last day that counts as soon."""
    return derived(now, _soon, DateField())


def expires_urgently(now: datetime | Slot) -> Q:
    """Rows whose key needs a successor now: 7 days left at most; paused ones can wait."""
    return Q(key__expires_on__lte=urgent_until(now), key__paused_at=None)


def urgent_until(now: datetime | Slot) -> date | Slot:
    """The last day that counts as urgent."""
    return derived(now, _urgent, DateField())


def _soon(now: datetime) -> date:
    return _today(now) + timedelta(days=SOON_DAYS)


def _urgent(now: datetime) -> date:
    return _today(now) + timedelta(days=URGENT_DAYS)


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()
