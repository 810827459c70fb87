"""The texts in a copy of the database, the cache, Redis, a statement log or the log.

A thief may read all of it, split and decode it.
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
from django.db import connection
from redis import Redis

MAX_DECODE_DEPTH = 5
MIN_SECRET_LENGTH = 8  # no password, cookie or token is shorter
# Words, tokens as URLs carry them, signed texts and base64 with their punctuation, and whatever
# stands between two blanks.
TOKEN_PATTERNS = [
    re.compile(shape) for shape in (r"[A-Za-z0-9]+", r"[\w-]+", r"[\w.:~=+/-]+", r"\S+")
]


def database_values() -> Iterator[Any]:
    """Every column of every row of every table, the cache's included."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from row


def redis_values() -> Iterator[Any]:
    """Every key and value of Redis; nothing where there is none."""
    if settings.REDIS_URL:
        with Redis.from_url(settings.REDIS_URL) as redis:
            for key in redis.scan_iter():
                yield from (key, redis.get(key))


@contextmanager
def record_sql_statements() -> Iterator[list[Any]]:
    """Record every statement and parameter that goes to the database within the block."""
    log: list[Any] = []

    def record_statement(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        log.extend([sql, params])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(record_statement):
        yield log


def decoded_pieces(values: Iterable[Any]) -> list[str]:
    """All texts in these values: whole, split, and decoded up to MAX_DECODE_DEPTH times."""
    texts: set[str] = set()
    for value in values:
        _collect_value(value, texts, 0)
    return sorted(piece for piece in texts if len(piece) >= MIN_SECRET_LENGTH)


def _collect_value(value: Any, texts: set[str], depth: int) -> None:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple):
        for item in value:
            _collect_value(item, texts, depth)
    elif isinstance(value, bytes | bytearray | memoryview):
        _collect_bytes(bytes(value), texts, depth)
    elif value is not None:
        _collect_text(str(value), texts, depth)


def _collect_text(text: str, texts: set[str], depth: int) -> None:
    if text in texts or depth > MAX_DECODE_DEPTH:
        return
    texts.add(text)
    for shape in TOKEN_PATTERNS:
        for piece in shape.findall(text):
            _collect_text(piece, texts, depth + 1)
            _collect_text(piece.strip(".:=/"), texts, depth + 1)
    # Django's compressed texts begin with a point, and have no padding.
    unpadded = text.lstrip(".").rstrip("=").encode()
    padded = unpadded + b"=" * (-len(unpadded) % 4)
    decoders: list[Callable[[], Any]] = [
        lambda: json.loads(text),
        lambda: bytes.fromhex(text),
        lambda: base64.b64decode(padded, b"-_", validate=True),
        lambda: base64.b64decode(padded, b"+/", validate=True),
    ]
    for decode in decoders if len(text) >= MIN_SECRET_LENGTH else ():
        _collect_decoded(decode, texts, depth)


def _collect_bytes(raw: bytes, texts: set[str], depth: int) -> None:
    _collect_decoded(lambda: zlib.decompress(raw), texts, depth)
    text = raw.decode("latin-1")
    if text.isprintable():
        _collect_text(text, texts, depth + 1)
    elif len(raw) >= MIN_SECRET_LENGTH:
        # A digest or a sealed text, in hexadecimal and base64.
        texts.update((raw.hex(), base64.urlsafe_b64encode(raw).decode().rstrip("=")))


def _collect_decoded(decode: Callable[[], Any], texts: set[str], depth: int) -> None:
    try:
        value = decode()
    except (ValueError, binascii.Error, zlib.error):
        return
    _collect_value(value, texts, depth + 1)
