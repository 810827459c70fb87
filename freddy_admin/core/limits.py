"""How often something may be done: counted in the cache, or in the database while that is away."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.cache import cache_count
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.errors import PublicError
from freddy_admin.core.models import LimitCount

log = logging.getLogger(__name__)

_LONGEST = timedelta(days=2)  # no limit counts for longer
_START = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many times in each span of so many seconds, under this name."""

    name: str
    most: int
    seconds: int


class TooManyRequests(PublicError):
    """Too often; `retry_after` says in how many seconds it will be taken again."""

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
        """What the answer says in its head."""
        return {"Retry-After": str(self.retry_after)}


def limit_hold(limit: Limit, *, of: str) -> None:
    """Count one more for `of`, a short ASCII word; raises TooManyRequests beyond the limit.

    Where neither cache nor database can count, nobody is held back.
    """
    span = _span(limit, of)
    if _count(span) > limit.most:
        raise TooManyRequests(span.left)


@dataclass(frozen=True, slots=True)
class _Span:
    """The present span of a limit; what is left of it in real seconds."""

    key: str
    ends_at: datetime
    left: int
    seconds: int


def _span(limit: Limit, of: str) -> _Span:
    length, now = clock.passing(limit.seconds), clock.now()
    number, passed = divmod(now - _START, length)
    return _Span(
        key=f"limit:{limit.name}:{of}:{number}",
        ends_at=now - passed + length,
        left=max(1, round(limit.seconds * (1 - passed / length))),
        seconds=limit.seconds,
    )


def _count(span: _Span) -> int:
    found = cache_count(span.key, seconds=span.seconds) if settings.REDIS_URL else None
    if found is not None:
        return found
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            return _count_in_database(span)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("Requests could not be counted: %s", type(error).__name__)
        return 0


def _count_in_database(span: _Span) -> int:
    # One statement counts and tells: exact, however many come at once.
    with connection.cursor() as cursor:
        ends_at = connection.ops.adapt_datetimefield_value(span.ends_at)
        cursor.execute(_COUNT, [span.key, ends_at])
        times = int(cursor.fetchone()[0])
    now = deletion_now() if times == 1 else None
    if now is not None:
        # Those of a clock that was ahead go, too.
        LimitCount.objects.filter(Q(ends_at__lte=now) | Q(ends_at__gt=now + _LONGEST)).delete()
    return times


_COUNT = """
    INSERT INTO core_limitcount (key, times, ends_at) VALUES (%s, 1, %s)
    ON CONFLICT (key) DO UPDATE SET times = core_limitcount.times + 1 RETURNING times
"""
