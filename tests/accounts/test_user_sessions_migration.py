"""The upgrade to hashed session keys deletes all former sessions."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from tests.migrations import former_database, migrate_to, migrations_restore

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE, AFTER = ("accounts", "0005_reset_wishes"), ("accounts", "0006_user_sessions")
SESSIONS = ("sessions", "0001_initial")
FORMER_TABLE = "usersessions_usersession"
KEY = "a" * 32


def table_names() -> list[str]:
    return connection.introspection.table_names()


def create_former_tables() -> None:
    """Create what the former version stored: the library's table, and sessions by their keys."""
    id_type = "bigserial" if connection.vendor == "postgresql" else "integer"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {FORMER_TABLE} (id {id_type} PRIMARY KEY,"
            " session_key varchar(40) UNIQUE, user_id bigint NOT NULL"
            " REFERENCES accounts_user (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute(
            "INSERT INTO accounts_user (password, email, name, is_active, is_platform_admin,"
            " time_zone, theme, created_at) VALUES ('', 'ada@example.org', '', %s, %s, 'UTC',"
            " 'system', %s) RETURNING id",
            [True, False, timezone.now()],
        )
        person = cursor.fetchone()[0]
        cursor.execute(
            f"INSERT INTO {FORMER_TABLE} (session_key, user_id) VALUES (%s, %s)", [KEY, person]
        )
    MigrationRecorder(connection).record_applied("usersessions", "0001_initial")
    later = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=KEY, session_data="former", expire_date=later)


def test_upgrade_leaves_no_session_and_no_former_table() -> None:
    former_database(BEFORE, SESSIONS)
    try:
        assert "accounts_usersession" not in table_names()
        create_former_tables()
        migrate_to(AFTER)

        assert not Session.objects.exists()
        assert FORMER_TABLE not in table_names()
        assert "accounts_usersession" in table_names()
        applied = MigrationRecorder(connection).applied_migrations()
        assert not [app for app, _name in applied if app == "usersessions"]
    finally:
        migrations_restore()


def test_downgrade_leaves_no_session_either() -> None:
    former_database(AFTER)
    try:
        later = timezone.now() + timedelta(days=1)
        Session.objects.create(session_key=KEY, session_data="v1.", expire_date=later)
        migrate_to(BEFORE)
        assert not Session.objects.exists()
        migrate_to(AFTER)
        assert "accounts_usersession" in table_names()
    finally:
        migrations_restore()
