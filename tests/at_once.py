"""Several connections to one database at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection, connections

T = TypeVar("T")
ON_SQLITE = connection.vendor == "sqlite"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that several connections share; the tests' own lives in one connection."""
    if not ON_SQLITE:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        schema = [sql for (sql,) in cursor.fetchall()]
    monkeypatch.setitem(connections.settings["default"], "NAME", str(tmp_path / "shared.sqlite3"))

    def make() -> None:
        with connection.cursor() as made:
            for sql in schema:
                made.execute(sql)

    alone(make)


def alone(call: Callable[[], T]) -> T:
    return at_once([call])[0]


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run all of them at the same moment, each with a connection of its own."""
    start = threading.Barrier(len(calls), timeout=120)

    def run(call: Callable[[], T]) -> T:
        try:
            start.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
