"""Each example of a fuzz test on the same data: what it does is undone, and what it did is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.apps import apps
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.http.response import HttpResponseBase

# Written by every request, whatever it asks for.
BESIDE = {"session", "cacheentry", "limitcount", "repeatcount", "apitoken", "keysync"}


@contextmanager
def undone() -> Iterator[None]:
    """Everything that is written inside the block is gone after it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rows_now() -> dict[str, int]:
    """How many rows each table of the panel has, but for those that every request may write."""
    tables = _tables()
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in tables.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        return dict(zip(tables, cursor.fetchone(), strict=True))


@cache
def _tables() -> dict[str, str]:
    models = [one for one in apps.get_models() if one._meta.model_name not in BESIDE]
    quoted = connection.ops.quote_name
    return {one._meta.label: quoted(one._meta.db_table) for one in models if one._meta.managed}


def let_go(answer: HttpResponseBase) -> None:
    """Close what an answer holds, but not the database's connection, as the end of one would."""
    with connection_kept():
        answer.close()


@contextmanager
def connection_kept() -> Iterator[None]:
    """Within it, no beginning and no end of a request closes the connection of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
