"""SQLite's write-ahead log stays on disk while a process of the panel runs."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from freddy_admin.core.sqlite_wal import wal_keep_open

pytestmark = pytest.mark.django_db

CREATE_WAL_TABLE_SQL = "PRAGMA journal_mode=WAL; CREATE TABLE notes (text);"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database file of the test's own, which `connection.copy` opens."""
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    path = tmp_path / "panel.sqlite3"
    original_copy = connection.copy

    def copy() -> object:
        copied_connection = original_copy()
        copied_connection.settings_dict = copied_connection.settings_dict | {"NAME": str(path)}
        return copied_connection

    monkeypatch.setattr(connection, "copy", copy)
    return path


def _open_and_close_connection(path: Path) -> None:
    """Write a row by a new connection and close it."""
    driver = sqlite3.connect(path)
    driver.execute("INSERT INTO notes VALUES ('a')")
    driver.commit()
    driver.close()


def _has_wal_file(path: Path) -> bool:
    return (
        path.with_name(f"{path.name}-wal").exists() and path.with_name(f"{path.name}-shm").exists()
    )


def test_the_last_connection_that_closes_deletes_the_log(database: Path) -> None:
    driver = sqlite3.connect(database)
    driver.executescript(CREATE_WAL_TABLE_SQL)
    driver.close()
    _open_and_close_connection(database)
    assert not _has_wal_file(database)


def test_the_log_stays_while_a_process_holds_a_connection(database: Path) -> None:
    driver = sqlite3.connect(database)
    driver.executescript(CREATE_WAL_TABLE_SQL)
    driver.close()
    held_connection = wal_keep_open()
    assert held_connection
    _open_and_close_connection(database)
    assert _has_wal_file(database)
    held_connection.close()
    assert not _has_wal_file(database)


def test_a_database_file_that_cannot_be_opened_raises_nothing(database: Path) -> None:
    database.mkdir()
    assert wal_keep_open() is None
