"""SQLite's log stays on disk while a process of the panel runs."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from freddy_admin.core.sqlite_wal import wal_keep_open

pytestmark = pytest.mark.django_db

TAKES_LOG = "PRAGMA journal_mode=WAL; CREATE TABLE notes (text);"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of its own, which `connection.copy` opens."""
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite")
    path = tmp_path / "panel.sqlite3"
    former = connection.copy

    def copy() -> object:
        other = former()
        other.settings_dict = other.settings_dict | {"NAME": str(path)}
        return other

    monkeypatch.setattr(connection, "copy", copy)
    return path


def _request(path: Path) -> None:
    """A connection of its own, closed at the end."""
    driver = sqlite3.connect(path)
    driver.execute("INSERT INTO notes VALUES ('a')")
    driver.commit()
    driver.close()


def _log_is_there(path: Path) -> bool:
    return (
        path.with_name(f"{path.name}-wal").exists() and path.with_name(f"{path.name}-shm").exists()
    )


def test_the_log_goes_with_the_last_who_closes_the_file(database: Path) -> None:
    driver = sqlite3.connect(database)
    driver.executescript(TAKES_LOG)
    driver.close()
    _request(database)
    assert not _log_is_there(database)


def test_the_log_stays_while_a_process_keeps_it_open(database: Path) -> None:
    driver = sqlite3.connect(database)
    driver.executescript(TAKES_LOG)
    driver.close()
    kept = wal_keep_open()
    assert kept
    _request(database)
    assert _log_is_there(database)
    kept.close()
    assert not _log_is_there(database)


def test_a_file_that_cannot_be_opened_keeps_nobody_from_starting(database: Path) -> None:
    database.mkdir()
    assert wal_keep_open() is None
