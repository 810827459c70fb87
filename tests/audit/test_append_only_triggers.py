"""Raw SQL fails, too: triggers of the database keep the log append-only."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from freddy_admin.audit.append_only_triggers import (
    append_only_triggers_create,
    append_only_triggers_drop,
    append_only_triggers_missing,
)
from freddy_admin.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
TABLES = ("audit_auditevent", "audit_auditlink", "audit_auditepoch")


def assert_refused(sql: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_auditevent SET subject = 'forged'",
        "UPDATE audit_auditlink SET hash = 'forged'",
        "UPDATE audit_auditepoch SET key_id = 'forged'",
        *(f"DELETE FROM {table}" for table in (*TABLES, "audit_audithead")),
    ],
)
def test_triggers_refuse_to_change_or_delete_rows(
    chained_events: list[AuditEvent], sql: str
) -> None:
    assert_refused(sql)


@pytest.mark.parametrize("table", [*TABLES, "audit_audithead"])
def test_triggers_refuse_to_empty_a_table(chained_events: list[AuditEvent], table: str) -> None:
    if connection.vendor == "postgresql":
        assert_refused(f"TRUNCATE {table}")
        assert_refused(f"TRUNCATE {table} CASCADE")
    else:
        assert_refused(f"DELETE FROM {table} WHERE 1")


def test_triggers_refuse_to_replace_a_row_by_an_insert(chained_events: list[AuditEvent]) -> None:
    if connection.vendor == "postgresql":
        assert_refused(
            "INSERT INTO audit_auditlink VALUES (1, 1, 'x') "
            "ON CONFLICT (place) DO UPDATE SET hash = 'forged'"
        )
        return
    assert_refused("INSERT OR REPLACE INTO audit_auditlink VALUES (1, 99, 'forged')")
    assert_refused(
        f"INSERT OR REPLACE INTO audit_auditlink VALUES (99, {chained_events[0].pk}, 'forged')"
    )
    assert_refused(
        "INSERT OR REPLACE INTO audit_auditevent SELECT id, at, 'forged', actor_id, actor_name, "
        "organisation_id, organisation_name, subject, details, address, request_id, seal "
        "FROM audit_auditevent LIMIT 1"
        if _columns()[2] == "tag"
        else "INSERT OR REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent LIMIT 1"
    )


def _columns() -> list[str]:
    with connection.cursor() as cursor:
        description = connection.introspection.get_table_description(cursor, "audit_auditevent")
    return [column.name for column in description]


def test_a_dropped_trigger_is_reported_and_restored_by_migrate() -> None:
    assert append_only_triggers_missing() == []
    append_only_triggers_drop()
    assert len(append_only_triggers_missing()) == (4 if connection.vendor == "postgresql" else 10)
    append_only_triggers_create()
    append_only_triggers_create()
    assert append_only_triggers_missing() == []

    append_only_triggers_drop()
    call_command("migrate", "audit", verbosity=0)
    assert append_only_triggers_missing() == []
