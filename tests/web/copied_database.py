"""What somebody has who copied the database, the cache, Redis, a statement log or the log.

They may read all of it, take it to pieces and decode it.
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connection

DEEPEST = 5
SHORTEST = 8  # no password, cookie or token is shorter
# Words, tokens as addresses carry them, signed texts and base64 with their signs, and whatever
# stands between two blanks.
SHAPES = [re.compile(shape) for shape in (r"[A-Za-z0-9]+", r"[\w-]+", r"[\w.:~=+/-]+", r"\S+")]


def values_of_database() -> Iterator[Any]:
    """Every column of every row of every table, the cache's included."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from row


def values_of_redis() -> Iterator[Any]:
    """Every key and value of Redis; nothing where there is none."""
    if settings.REDIS_URL:
        redis = caches["fast"]._cache.get_client(None)
        for key in redis.scan_iter():
            yield from (key, redis.get(key))


@contextmanager
def statement_log() -> Iterator[list[Any]]:
    """Every statement and parameter that goes to the database meanwhile."""
    log: list[Any] = []

    def written(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        log.extend([sql, params])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(written):
        yield log


def pieces_of(values: Iterable[Any]) -> list[str]:
    """All texts that can be had of these values: whole, split, and decoded as far as it goes."""
    found: set[str] = set()
    for value in values:
        _take(value, found, 0)
    return sorted(piece for piece in found if len(piece) >= SHORTEST)


def _take(value: Any, found: set[str], depth: int) -> None:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for one in value:
            _take(one, found, depth)
    elif isinstance(value, bytes | bytearray | memoryview):
        _take_bytes(bytes(value), found, depth)
    elif value is not None:
        _take_text(str(value), found, depth)


def _take_text(text: str, found: set[str], depth: int) -> None:
    if text in found or depth > DEEPEST:
        return
    found.add(text)
    for shape in SHAPES:
        for piece in shape.findall(text):
            _take_text(piece, found, depth + 1)
            _take_text(piece.strip(".:=/"), found, depth + 1)
    # Django's compressed texts begin with a point, and have no padding.
    bare = text.lstrip(".").rstrip("=").encode()
    padded = bare + b"=" * (-len(bare) % 4)
    ways: list[Callable[[], Any]] = [
        lambda: json.loads(text),
        lambda: bytes.fromhex(text),
        lambda: base64.b64decode(padded, b"-_", validate=True),
        lambda: base64.b64decode(padded, b"+/", validate=True),
    ]
    for way in ways if len(text) >= SHORTEST else ():
        _take_decoded(way, found, depth)


def _take_bytes(raw: bytes, found: set[str], depth: int) -> None:
    _take_decoded(lambda: zlib.decompress(raw), found, depth)
    text = raw.decode("latin-1")
    if text.isprintable():
        _take_text(text, found, depth + 1)
    elif len(raw) >= SHORTEST:
        # A digest or a sealed text, as others would write it.
        found.update((raw.hex(), base64.urlsafe_b64encode(raw).decode().rstrip("=")))


def _take_decoded(way: Callable[[], Any], found: set[str], depth: int) -> None:
    try:
        value = way()
    except (ValueError, binascii.Error, zlib.error):
        return
    _take(value, found, depth + 1)
