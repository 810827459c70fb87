"""Several connections to one database at the same moment, each in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from django.db import connection, connections

T = TypeVar("T")
IS_SQLITE = connection.vendor == "sqlite"


@pytest.fixture
def shared_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that several connections share; the tests' own lives in one connection."""
    if not IS_SQLITE:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND name NOT LIKE 'sqlite_%'"
        )
        schema = [sql for (sql,) in cursor.fetchall()]
    monkeypatch.setitem(connections.settings["default"], "NAME", str(tmp_path / "shared.sqlite3"))

    def create_schema() -> None:
        with connection.cursor() as cursor:
            for sql in schema:
                cursor.execute(sql)

    run_in_thread(create_schema)


def run_in_thread(call: Callable[[], T]) -> T:
    return run_concurrently([call])[0]


def run_concurrently(calls: list[Callable[[], T]]) -> list[T]:
    """The results of all calls, run at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(len(calls), timeout=120)

    def run_call(call: Callable[[], T]) -> T:
        try:
            barrier.wait()
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run_call, calls))
