"""SQLite serves several processes at once; PostgreSQL connections are kept open."""

import os
import sqlite3
from pathlib import Path

import pytest
from django.db.backends.sqlite3.base import DatabaseWrapper

from freddy_admin.conf.django_settings import (
    build_cache_settings,
    build_database_settings,
    sqlite_url,
)
from tests.conf.test_setting_parsers import EnvironmentFromValues

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
    config = build_database_settings(
        EnvironmentFromValues(), default=f"sqlite:///{tmp_path / 'var' / 'x.sqlite3'}"
    )
    return DatabaseWrapper(DEFAULTS | config, alias="probe")


def pragma(connection: DatabaseWrapper, name: str) -> object:
    with connection.cursor() as cursor:
        return cursor.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_sqlite_pragma_takes_effect(
    connection: DatabaseWrapper, django_db_blocker: pytest.FixtureRequest
) -> None:
    with django_db_blocker.unblock():
        values = {name: pragma(connection, name) for name in PRAGMAS}
        connection.close()

    assert values == PRAGMAS


def test_a_sqlite_transaction_takes_the_write_lock_at_its_start(
    connection: DatabaseWrapper, django_db_blocker: pytest.FixtureRequest
) -> None:
    with django_db_blocker.unblock():
        connection.ensure_connection()
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        second_connection = sqlite3.connect(connection.settings_dict["NAME"], timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            second_connection.execute("BEGIN IMMEDIATE")
        second_connection.close()
        connection.rollback()
        connection.close()


def test_the_database_folder_is_created_for_its_owner_alone(
    connection: DatabaseWrapper,
) -> None:
    folder = Path(connection.settings_dict["NAME"]).parent

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_database_folder_that_cannot_be_created_raises_nothing() -> None:
    config = build_database_settings(
        EnvironmentFromValues(), default="sqlite:////proc/nowhere/x.sqlite3"
    )

    assert config["NAME"] == "/proc/nowhere/x.sqlite3"
    assert not os.path.exists("/proc/nowhere")


@pytest.mark.parametrize("name", ["a#b", "a?b=c", "100%", "a%20b", "a+b", "ä ö", "a;b,c"])
def test_a_checkout_may_have_any_path(
    name: str, tmp_path: Path, django_db_blocker: pytest.FixtureRequest
) -> None:
    file = tmp_path / name / "freddy.sqlite3"
    config = build_database_settings(EnvironmentFromValues(), default=sqlite_url(file))
    connection = DatabaseWrapper(DEFAULTS | config, alias="probe")
    with django_db_blocker.unblock():
        connection.ensure_connection()
        connection.close()

    assert file.exists()


def test_a_sqlite_connection_is_kept_for_the_next_request() -> None:
    config = build_database_settings(EnvironmentFromValues(), default="sqlite:///:memory:")

    assert config["CONN_MAX_AGE"] == 60


def test_postgresql_connections_are_kept_and_health_checked() -> None:
    env = EnvironmentFromValues(
        DATABASE_URL="postgres://user:pw@db.example:5433/freddy?sslmode=require"
    )
    config = build_database_settings(env, default="")

    assert config["CONN_MAX_AGE"] == 60
    assert config["CONN_HEALTH_CHECKS"]
    assert (config["HOST"], config["PORT"], config["NAME"]) == ("db.example", 5433, "freddy")


def test_the_default_cache_never_uses_redis() -> None:
    caches = build_cache_settings("redis://127.0.0.1:6379/0")

    assert caches["default"]["BACKEND"].endswith("JsonDatabaseCache")
    assert caches["fast"]["OPTIONS"]["socket_timeout"] == 0.25
    assert build_cache_settings("")["fast"] == build_cache_settings("")["default"]
