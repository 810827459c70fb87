"""When a key stops working at Aitronos, as a person entered it: what is soon, what is urgent.

Nothing here blocks a call: whether a key still works is for Aitronos to say. Days are those of
UTC, so that everybody sees the same number.
"""

from datetime import UTC, date, datetime, timedelta

from django.db.models import DateField, Q

from freddy_admin.core.compiled_queries import Param, transform_value_or_param

SOON_DAYS, URGENT_DAYS, LAST_DAYS = 30, 7, 1


def days_until_expiry(expires_on: date | None, *, now: datetime) -> int | None:
    """Days until `expires_on`: 0 on the day, negative afterwards; None without a date."""
    return None if expires_on is None else (expires_on - _utc_date(now)).days


def expiring_soon_q(now: datetime | Param) -> Q:
    """Rows whose key has 30 days left, or fewer, or none."""
    return Q(key__expires_on__lte=expiring_soon_cutoff(now))


def expiring_soon_cutoff(now: datetime | Param) -> date | Param:
    """The last day that counts as soon."""
    return transform_value_or_param(now, _soon_cutoff_date, DateField())


def expiry_urgent_q(now: datetime | Param) -> Q:
    """Rows whose key needs a successor now: 7 days left at most; paused ones can wait."""
    return Q(key__expires_on__lte=expiry_urgent_cutoff(now), key__paused_at=None)


def expiry_urgent_cutoff(now: datetime | Param) -> date | Param:
    """The last day that counts as urgent."""
    return transform_value_or_param(now, _urgent_cutoff_date, DateField())


def _soon_cutoff_date(now: datetime) -> date:
    return _utc_date(now) + timedelta(days=SOON_DAYS)


def _urgent_cutoff_date(now: datetime) -> date:
    return _utc_date(now) + timedelta(days=URGENT_DAYS)


def _utc_date(now: datetime) -> date:
    return now.astimezone(UTC).date()
