"""Django's cache in a table of the database, with JSON values.

Django's own stores pickles: whoever can write the table could have the panel run any code.
"""

import json
import time
from collections.abc import Iterable
from typing import Any, Final

from django.core.cache.backends import db
from django.core.cache.backends.base import DEFAULT_TIMEOUT

from freddy_admin.core import clock

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
