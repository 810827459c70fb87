"""The cache as a table of the database, in JSON.

Django's own keeps pickles: whoever can write the table would have the panel run what they like.
"""

import json
import time
from collections.abc import Iterable
from typing import Any, Final

from django.core.cache.backends import db
from django.core.cache.backends.base import DEFAULT_TIMEOUT

from freddy_admin.core import clock

_UNREADABLE: Final = object()


class _Json:
    """What `django.core.cache.backends.db` asks of the module `pickle`."""

    HIGHEST_PROTOCOL: Final = 0

    @staticmethod
    def dumps(value: Any, protocol: int = 0) -> bytes:
        del protocol
        return json.dumps([time.time(), value], separators=(",", ":")).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        try:
            written_at, value = json.loads(data)
            # Of a clock that was ahead: it would throttle, or be served, until its time comes.
            ahead = written_at > time.time() + clock.AHEAD.total_seconds()
        except (ValueError, TypeError):
            # Planted, or left there by a former version: as good as absent.
            return _UNREADABLE
        return _UNREADABLE if ahead else value


db.pickle = _Json  # type: ignore[attr-defined]  # nothing in that module may unpickle


class JsonTableCache(db.DatabaseCache):
    """Values are what JSON can hold; what cannot be read is taken for absent."""

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """All that are there and can be read; `get` asks here, too."""
        found = super().get_many(keys, version)
        return {key: value for key, value in found.items() if value is not _UNREADABLE}

    def add(
        self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None
    ) -> bool:
        """Keep it where nothing is kept; what cannot be read does not stand in the way."""
        if super().add(key, value, timeout, version):
            return True
        if self.get(key, _UNREADABLE, version) is not _UNREADABLE:
            return False
        self.delete(key, version)
        return bool(super().add(key, value, timeout, version))
