"""The cache as a table of the database, in JSON.

Django's own keeps pickles: whoever can write the table would have the panel run what they like.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from django.core.cache.backends import db

_UNREADABLE: Final = object()


class _Json:
    """What `django.core.cache.backends.db` asks of the module `pickle`."""

    HIGHEST_PROTOCOL: Final = 0

    @staticmethod
    def dumps(value: Any, protocol: int = 0) -> bytes:
        del protocol
        return json.dumps(value, separators=(",", ":")).encode()

    @staticmethod
    def loads(data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:  # planted, or left there by a former version: as good as absent
            return _UNREADABLE


db.pickle = _Json  # type: ignore[attr-defined]  # nothing in that module may unpickle


class JsonTableCache(db.DatabaseCache):
    """Values are what JSON can hold; what cannot be read is taken for absent."""

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        """All that are there and can be read; `get` asks here, too."""
        found = super().get_many(keys, version)
        return {key: value for key, value in found.items() if value is not _UNREADABLE}
