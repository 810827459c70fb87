"""How often something may be done: counted in the cache, or in the database while that is away."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.cache import cache_count
from freddy_admin.core.errors import PublicError
from freddy_admin.core.models import CacheEntry

log = logging.getLogger(__name__)

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
        super().__init__(
            _("Too many requests. Wait %(n)d seconds, then try again.") % {"n": retry_after}
        )
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says in its head."""
        return {"Retry-After": str(self.retry_after)}


def limit_hold(limit: Limit, *, of: str) -> None:
    """Count one more for `of`, a short ASCII word; raises TooManyRequests beyond the limit.

    Where neither cache nor database can count, nobody is held back.
    """
    key, left = _span(limit, of)
    if _count(key, limit.seconds) > limit.most:
        raise TooManyRequests(left)


def _span(limit: Limit, of: str) -> tuple[str, int]:
    """The name of the present span, and how many seconds are left of it."""
    span = clock.passing(limit.seconds)
    number, passed = divmod(clock.now() - _START, span)
    left = limit.seconds * (1 - passed / span)
    return f"limit:{limit.name}:{of}:{number}", max(1, round(left))


def _count(key: str, seconds: int) -> int:
    found = cache_count(key, seconds=seconds) if settings.REDIS_URL else None
    if found is not None:
        return found
    try:
        return _count_in_database(key, seconds)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the answer with it.
        log.warning("Requests could not be counted: %s", type(error).__name__)
        return 0


def _count_in_database(key: str, seconds: int) -> int:
    table = caches["default"]
    with transaction.atomic(savepoint=connection.in_atomic_block):
        table.add(key, 0, timeout=seconds)
        # The table's own counting reads, then writes: the row's lock makes one step of it.
        list(CacheEntry.objects.select_for_update().filter(cache_key=table.make_key(key)))
        try:
            return int(table.incr(key))
        except ValueError:  # swept away in between
            return 1
