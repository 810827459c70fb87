"""Rate limits, counted in Redis, or in the database where there is none or it is away."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.cache import cache_increment
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.errors import PublicError
from freddy_admin.core.models import RateLimitCount

log = logging.getLogger(__name__)

_MAX_WINDOW = timedelta(days=2)  # no window is longer
_WINDOW_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `amount` times in each window of so many `seconds`, counted under `name`."""

    name: str
    amount: int
    seconds: int


class TooManyRequests(PublicError):
    """Too many requests; `retry_after` says in how many seconds the next one is accepted."""

    reference = "E005"
    http_status = 429

    def __init__(self, retry_after: int) -> None:
        minutes = -(-retry_after // 60)
        sentence = (
            _("Too many requests. Wait %(n)d seconds, then try again.") % {"n": retry_after}
            if minutes < 3
            else _("Too many requests. Wait %(n)d minutes, then try again.") % {"n": minutes}
        )
        super().__init__(sentence)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """The HTTP header with the seconds to wait."""
        return {"Retry-After": str(self.retry_after)}


def rate_limit_consume(limit: RateLimit, *, key: str) -> None:
    """Count one more for `key`, a short ASCII word; raises TooManyRequests beyond the limit.

    Where neither cache nor database can count, nobody is held back.
    """
    # The panel's clock may be faster; what is told to the sender, and to the cache, is real time.
    length, now = clock.real_seconds_to_panel_duration(limit.seconds), clock.now()
    number, elapsed = divmod(now - _WINDOW_EPOCH, length)
    window_key = f"limit:{limit.name}:{key}:{number}"
    count = cache_increment(window_key, seconds=limit.seconds) if settings.REDIS_URL else None
    if count is None:
        count = _increment_in_database_if_possible(window_key, ends_at=now - elapsed + length)
    if count > limit.amount:
        raise TooManyRequests(max(1, round(limit.seconds * (1 - elapsed / length))))


def _increment_in_database_if_possible(window_key: str, *, ends_at: datetime) -> int:
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            return _increment_in_database(window_key, ends_at)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("Requests could not be counted: %s", type(error).__name__)
        return 0


def _increment_in_database(window_key: str, ends_at: datetime) -> int:
    # One statement counts and returns the count: exact, however many come at once.
    with connection.cursor() as cursor:
        adapted_end = connection.ops.adapt_datetimefield_value(ends_at)
        cursor.execute(_INCREMENT_SQL, [window_key, adapted_end])
        times = int(cursor.fetchone()[0])
    now = trusted_now() if times == 1 else None
    if now is not None:
        # Windows that a clock wrote while it was ahead are deleted, too.
        RateLimitCount.objects.filter(
            Q(ends_at__lte=now) | Q(ends_at__gt=now + _MAX_WINDOW)
        ).delete()
    return times


_INCREMENT_SQL = """
    INSERT INTO core_ratelimitcount (key, times, ends_at) VALUES (%s, 1, %s)
    ON CONFLICT (key) DO UPDATE SET times = core_ratelimitcount.times + 1 RETURNING times
"""
