"""The cache as an aid that may fail: JSON only, never the only copy, never the reason a page fails.

Values are JSON texts in both back-ends, so that nothing planted in the cache is ever unpickled
into an object of its own.
"""

import base64
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, cast

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.connection import ConnectionProxy
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.core.cache_errors import cache_error_message
from freddy_admin.core.models import CacheEntry

log = logging.getLogger(__name__)
cache = ConnectionProxy(caches, "fast")
T = TypeVar("T")
PAUSE_AFTER_FAILURE = 30.0
_resume_at = 0.0


class JsonSerializer:
    """The serializer of Django's RedisCache: JSON instead of pickles."""

    def __init__(self, protocol: int | None = None) -> None:
        del protocol  # Django hands over a pickle protocol; JSON has none

    def dumps(self, obj: Any) -> bytes | int:
        """Plain integers stay integers, so that Redis can count with them."""
        if isinstance(obj, int) and not isinstance(obj, bool):
            return obj
        return json.dumps(obj, separators=(",", ":")).encode()

    def loads(self, data: Any) -> Any:
        """The value; an unreadable one raises ValueError."""
        return json.loads(data)


def cache_get(key: str) -> Any | None:
    """The stored JSON value; None where it is absent or unreadable, or the cache is away."""
    text = _call_unless_paused(lambda: cache.get(key))
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def cache_set(key: str, value: Any, *, seconds: float) -> None:
    """Store a JSON value for so many seconds; does nothing while the cache is away."""
    text = json.dumps(value, separators=(",", ":"))
    _call_unless_paused(lambda: cache.set(key, text, timeout=max(1, round(seconds))))


def cache_increment(key: str, *, seconds: float) -> int | None:
    """How many times `key` was counted in `seconds`, this time included; None: cache is away.

    Exact in Redis alone: the database's table counts in two steps.
    """

    def add_and_increment() -> int:
        cache.add(key, 0, timeout=max(1, round(seconds)))
        return int(cache.incr(key))

    return _call_unless_paused(add_and_increment)


def cache_delete_many(keys: Collection[str]) -> None:
    """Delete all of `keys`, in one round trip; does nothing while the cache is away."""
    if keys:
        _call_unless_paused(lambda: cache.delete_many(list(keys)))


def is_cache_available() -> bool:
    """Whether one round trip to the cache works now, whatever the pause after a failure."""
    return not cache_problem()


def cache_problem() -> str:
    """Why one round trip to the cache does not work now, in a sentence; empty where it does."""
    try:
        cache.set("core:ping", "1", timeout=10)
        if cache.get("core:ping") == "1":
            return ""
    except Exception as error:  # noqa: BLE001  every back-end has errors of its own
        return cache_error_message(error)
    return _("The cache does not keep what it is given.")


def _call_unless_paused(call: Callable[[], T]) -> T | None:
    # After a failure the cache is left alone for a while: a page pays for it once.
    global _resume_at
    if time.monotonic() < _resume_at:
        return None
    try:
        return call()
    except Exception as error:  # noqa: BLE001  every back-end has errors of its own
        _resume_at = time.monotonic() + PAUSE_AFTER_FAILURE
        log.warning("Going on without the cache. %s", cache_error_message(error))
        return None


def cache_resume() -> None:
    """End the pause after a failure, as in a process that has just started."""
    global _resume_at
    _resume_at = 0.0


def cache_prune() -> None:
    """Delete what has expired from the database's cache, and what is too much of it."""
    cast("JsonDatabaseCache", caches["default"]).prune()


_UNREADABLE: Final = object()
_NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)


class JsonDatabaseCache(BaseCache):
    """A table of the panel's database, read or written by one statement a call.

    A value is stored as JSON, beside the moment it was written. What cannot be read counts as
    absent, and so does what a clock wrote while it was ahead: it would count until its time comes.
    A write that the database refuses is left out, as in Django's database cache.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        del location  # there is one table: that of `CacheEntry`

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default` where there is none."""
        return self.get_many([key], version).get(key, default)

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values that exist and can be read, by key."""
        keys_by_name = {self.make_and_validate_key(key, version): key for key in keys}
        rows = _live_entries(keys_by_name).values_list("cache_key", "value")
        values = {keys_by_name[name]: _decode_value(text) for name, text in rows}
        return {key: value for key, value in values.items() if value is not _UNREADABLE}

    def set(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        """Store the value in place of any other."""
        name = self.make_and_validate_key(key, version)
        _upsert_entry(name, value, self._expires_at(timeout), replace_expired_by=_NEVER)

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        """Whether the value was stored, as no readable one was there under this key."""
        name, now = self.make_and_validate_key(key, version), timezone.now()
        if _upsert_entry(name, value, self._expires_at(timeout), replace_expired_by=now):
            return True
        if self.get(key, _UNREADABLE, version) is not _UNREADABLE:
            return False
        self.delete(key, version)
        return _upsert_entry(name, value, self._expires_at(timeout), replace_expired_by=now)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Have the value expire in so many seconds; whether there is one."""
        entries = _live_entries([self.make_and_validate_key(key, version)])
        return bool(entries.update(expires=self._expires_at(timeout)))

    def delete(self, key: Any, version: int | None = None) -> bool:
        """Delete the value; whether there was one."""
        return _delete_entries([self.make_and_validate_key(key, version)]) > 0

    def delete_many(self, keys: Iterable[Any], version: int | None = None) -> None:
        """Delete all of these values."""
        _delete_entries([self.make_and_validate_key(key, version) for key in keys])

    def clear(self) -> None:
        """Delete everything, of every version."""
        CacheEntry.objects.all().delete()

    def prune(self) -> None:
        """Delete what has expired; beyond MAX_ENTRIES, also what expires first."""
        CacheEntry.objects.filter(expires__lte=timezone.now()).delete()
        excess = CacheEntry.objects.count() - self._max_entries
        if excess > 0:
            moments = CacheEntry.objects.order_by("expires").values_list("expires", flat=True)
            CacheEntry.objects.filter(expires__lte=moments[excess - 1]).delete()

    def _expires_at(self, timeout: Any) -> datetime:
        at = self.get_backend_timeout(timeout)
        return _NEVER if at is None else datetime.fromtimestamp(at, UTC)


def _live_entries(names: Collection[str]) -> QuerySet[CacheEntry]:
    return CacheEntry.objects.filter(pk__in=list(names), expires__gt=timezone.now())


def _upsert_entry(
    name: str, value: Any, expires_at: datetime, *, replace_expired_by: datetime
) -> bool:
    """Whether the value was stored: no other one was there that expires later than given."""
    text = base64.b64encode(json.dumps([time.time(), value], separators=(",", ":")).encode())
    adapt = connection.ops.adapt_datetimefield_value
    params = [name, text.decode(), adapt(expires_at), adapt(replace_expired_by)]
    try:
        # In a transaction of the caller's, a refused write must not take the rest with it.
        block = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with block, connection.cursor() as cursor:
            cursor.execute(_UPSERT_SQL, params)
            return cursor.fetchone() is not None
    except DatabaseError:
        return False


def _delete_entries(names: Sequence[str]) -> int:
    # Not by a queryset, which opens a transaction for it.
    if not names:
        return 0
    with connection.cursor() as cursor:
        placeholders = ", ".join(["%s"] * len(names))
        cursor.execute(f"DELETE FROM core_cache WHERE cache_key IN ({placeholders})", names)  # noqa: S608  # nosec B608
        return int(cursor.rowcount)


def _decode_value(text: str) -> Any:
    try:
        written_at, value = json.loads(base64.b64decode(text))
        is_ahead = written_at > time.time() + clock.FUTURE_TOLERANCE.total_seconds()
    except (ValueError, TypeError):
        # Planted, or left there by a former version.
        return _UNREADABLE
    return _UNREADABLE if is_ahead else value


_UPSERT_SQL: Final = """
    INSERT INTO core_cache (cache_key, value, expires) VALUES (%s, %s, %s)
    ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
        WHERE core_cache.expires <= %s
    RETURNING cache_key
"""
