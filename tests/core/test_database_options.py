"""SQLite stands several processes at once; PostgreSQL connections are kept."""

import os
import sqlite3
from pathlib import Path

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

from freddy_admin.core import backends
from tests.core.test_settings_are_refused_by_name import Given

PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 1,
    "secure_delete": 1,
    "foreign_keys": 1,
    "busy_timeout": 20_000,
}
DEFAULTS = {
    "ATOMIC_REQUESTS": False,
    "AUTOCOMMIT": True,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "TIME_ZONE": None,
}


@pytest.fixture
def connection(tmp_path: Path, django_db_blocker: object) -> DatabaseWrapper:
    config = backends.database(Given(), default=f"sqlite:///{tmp_path / 'room' / 'x.sqlite3'}")
    return DatabaseWrapper(DEFAULTS | config, alias="probe")


def pragma(connection: DatabaseWrapper, name: str) -> object:
    with connection.cursor() as cursor:
        return cursor.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_pragma_really_took_effect(
    connection: DatabaseWrapper, django_db_blocker: pytest.FixtureRequest
) -> None:
    with django_db_blocker.unblock():
        found = {name: pragma(connection, name) for name in PRAGMAS}
        connection.close()

    assert found == PRAGMAS


def test_a_transaction_takes_the_write_lock_at_its_start(
    connection: DatabaseWrapper, django_db_blocker: pytest.FixtureRequest
) -> None:
    with django_db_blocker.unblock():
        connection.ensure_connection()
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        other = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        connection.rollback()
        connection.close()


def test_the_directory_of_the_database_is_made_for_its_owner_alone(
    connection: DatabaseWrapper,
) -> None:
    room = Path(connection.settings_dict["NAME"]).parent

    assert room.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_made_stops_nothing() -> None:
    config = backends.database(Given(), default="sqlite:////proc/nowhere/x.sqlite3")

    assert config["NAME"] == "/proc/nowhere/x.sqlite3"
    assert not os.path.exists("/proc/nowhere")


def test_postgresql_connections_are_kept_and_tested() -> None:
    env = Given(DATABASE_URL="postgres://user:pw@db.example:5433/freddy?sslmode=require")
    config = backends.database(env, default="")

    assert config["CONN_MAX_AGE"] == 60
    assert config["CONN_HEALTH_CHECKS"]
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example", 5433, "freddy")


def test_throttling_never_counts_in_redis() -> None:
    caches = backends.caches("redis://127.0.0.1:6379/0")

    assert caches["default"]["BACKEND"].endswith("JsonTableCache")
    assert caches["fast"]["OPTIONS"]["socket_timeout"] == 0.25
    assert backends.caches("")["fast"] == backends.caches("")["default"]
