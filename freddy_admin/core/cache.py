"""The cache as an aid that may fail: JSON only, never the only copy, never the reason a page fails.

Values are JSON texts in both back-ends, so that nothing planted in the cache is ever unpickled
into an object of its own.
"""

import json
import logging
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeVar

from django.core.cache import caches
from django.core.cache.backends import db
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.utils.connection import ConnectionProxy

from freddy_admin.core import clock

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
    try:
        cache.set("core:ping", "1", timeout=10)
        return bool(cache.get("core:ping") == "1")
    except Exception:  # noqa: BLE001  every back-end has errors of its own
        return False


def _call_unless_paused(call: Callable[[], T]) -> T | None:
    # After a failure the cache is left alone for a while: a page pays for it once.
    global _resume_at
    if time.monotonic() < _resume_at:
        return None
    try:
        return call()
    except Exception as error:  # noqa: BLE001  every back-end has errors of its own
        _resume_at = time.monotonic() + PAUSE_AFTER_FAILURE
        log.warning("The cache does not answer (%s); going on without it.", type(error).__name__)
        return None


_UNREADABLE: Final = object()


class _JsonPickle:
    """Stands in for the module `pickle` in `django.core.cache.backends.db`."""

    HIGHEST_PROTOCOL: Final = 0

    @staticmethod
    def dumps(value: Any, protocol: int = 0) -> bytes:
        del protocol
        return json.dumps([time.time(), value], separators=(",", ":")).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        try:
            written_at, value = json.loads(data)
            # Written by a clock that was ahead: it would count until its time comes.
            is_ahead = written_at > time.time() + clock.FUTURE_TOLERANCE.total_seconds()
        except (ValueError, TypeError):
            # Planted, or left there by a former version: as good as absent.
            return _UNREADABLE
        return _UNREADABLE if is_ahead else value


db.pickle = _JsonPickle  # type: ignore[attr-defined]  # nothing in that module may unpickle


class JsonDatabaseCache(db.DatabaseCache):
    """A database cache of JSON values; a value that cannot be read counts as absent."""

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """The values that exist and can be read, by key; `get` calls it, too."""
        values = super().get_many(keys, version)
        return {key: value for key, value in values.items() if value is not _UNREADABLE}

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> bool:
        """Whether the value was stored, as no readable one was there under this key."""
        if super().add(key, value, timeout, version):
            return True
        if self.get(key, _UNREADABLE, version) is not _UNREADABLE:
            return False
        self.delete(key, version)
        return bool(super().add(key, value, timeout, version))
