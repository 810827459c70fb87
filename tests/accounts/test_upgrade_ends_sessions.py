"""The upgrade to hashed session keys: nothing of the former ones stays, everybody signs in anew."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = ("accounts", "0005_reset_wishes")
FORMER = "usersessions_usersession"
KEY = "a" * 32


def migrated(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


def tables() -> list[str]:
    return connection.introspection.table_names()


def former_panel() -> None:
    """What the version before kept: the library's table, and sessions by their keys."""
    kind = "bigserial" if connection.vendor == "postgresql" else "integer"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {FORMER} (id {kind} PRIMARY KEY, session_key varchar(40) UNIQUE,"
            " user_id bigint NOT NULL REFERENCES accounts_user (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute(
            "INSERT INTO accounts_user (password, email, name, is_active, is_platform_admin,"
            " time_zone, theme, created_at) VALUES ('', 'ada@example.org', '', %s, %s, 'UTC',"
            " 'system', %s) RETURNING id",
            [True, False, timezone.now()],
        )
        person = cursor.fetchone()[0]
        cursor.execute(
            f"INSERT INTO {FORMER} (session_key, user_id) VALUES (%s, %s)", [KEY, person]
        )
    MigrationRecorder(connection).record_applied("usersessions", "0001_initial")
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=KEY, session_data="former", expire_date=later)


def test_the_upgrade_leaves_no_session_and_no_former_list() -> None:
    migrated(BEFORE)
    try:
        assert "accounts_usersession" not in tables()
        former_panel()
    finally:
        migrated()

    assert not Session.objects.exists()
    assert FORMER not in tables()
    assert "accounts_usersession" in tables()
    applied = MigrationRecorder(connection).applied_migrations()
    assert not [app for app, _name in applied if app == "usersessions"]


def test_the_way_back_leaves_no_session_either() -> None:
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=KEY, session_data="v1.", expire_date=later)
    try:
        migrated(BEFORE)
        assert not Session.objects.exists()
    finally:
        migrated()
    assert "accounts_usersession" in tables()
