"""Fuzz tests on the same data: each example is rolled back, and its writes are counted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client

# Written by every request, whatever it asks for.
ALWAYS_WRITTEN_TABLES = {
    "session",
    "cacheentry",
    "ratelimitcount",
    "attempthistory",
    "repeatcount",
    "apitoken",
    "syncstatus",
}


@contextmanager
def rollback_block() -> Iterator[None]:
    """Roll back everything that is written inside the block."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def count_rows() -> dict[str, int]:
    """The number of rows of each table of the panel, but of those that every request may write."""
    tables = _tables()
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in tables.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {counts}")
        return dict(zip(tables, cursor.fetchone(), strict=True))


@cache
def _tables() -> dict[str, str]:
    models = [
        model for model in apps.get_models() if model._meta.model_name not in ALWAYS_WRITTEN_TABLES
    ]
    quoted = connection.ops.quote_name
    return {
        model._meta.label: quoted(model._meta.db_table) for model in models if model._meta.managed
    }


def post_form(client: Client, path: str, fields: Mapping[str, Any], **more: Any) -> Any:
    """Send a form as a browser does; as multipart, this client's default, it is read slowly."""
    body = urlencode(fields, doseq=True)
    return client.post(path, body, "application/x-www-form-urlencoded", **more)


def close_response(answer: HttpResponseBase) -> None:
    """Close the files of a response, but not the database connection, as its end would."""
    with keep_connection():
        answer.close()


@contextmanager
def keep_connection() -> Iterator[None]:
    """Within the block no request closes the database connection of the test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
