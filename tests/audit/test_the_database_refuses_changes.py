"""Raw SQL fails, too: the database itself keeps the log append-only."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from freddy_admin.audit.guards import guards_make, guards_missing, guards_remove
from freddy_admin.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
TABLES = ("audit_auditevent", "audit_auditlink", "audit_auditepoch")


def refused(sql: str) -> None:
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
def test_rows_are_neither_changed_nor_deleted(chained: list[AuditEvent], sql: str) -> None:
    refused(sql)


@pytest.mark.parametrize("table", [*TABLES, "audit_audithead"])
def test_no_table_is_emptied(chained: list[AuditEvent], table: str) -> None:
    if connection.vendor == "postgresql":
        refused(f"TRUNCATE {table}")
        refused(f"TRUNCATE {table} CASCADE")
    else:
        refused(f"DELETE FROM {table} WHERE 1")


def test_no_row_is_replaced_by_an_insert(chained: list[AuditEvent]) -> None:
    if connection.vendor == "postgresql":
        refused(
            "INSERT INTO audit_auditlink VALUES (1, 1, 'x') "
            "ON CONFLICT (place) DO UPDATE SET hash = 'forged'"
        )
        return
    refused("INSERT OR REPLACE INTO audit_auditlink VALUES (1, 99, 'forged')")
    refused(f"INSERT OR REPLACE INTO audit_auditlink VALUES (99, {chained[0].pk}, 'forged')")
    refused(
        "INSERT OR REPLACE INTO audit_auditevent SELECT id, at, 'forged', actor_id, actor_name, "
        "organisation_id, organisation_name, subject, details, address, request_id, seal "
        "FROM audit_auditevent LIMIT 1"
        if _columns()[2] == "tag"
        else "INSERT OR REPLACE INTO audit_auditevent SELECT * FROM audit_auditevent LIMIT 1"
    )


def _columns() -> list[str]:
    with connection.cursor() as cursor:
        table = connection.introspection.get_table_description(cursor, "audit_auditevent")
    return [column.name for column in table]


def test_a_guard_taken_down_is_missed_and_put_back_by_migrate() -> None:
    assert guards_missing() == []
    guards_remove()
    assert len(guards_missing()) == (4 if connection.vendor == "postgresql" else 10)
    guards_make()
    guards_make()
    assert guards_missing() == []

    guards_remove()
    call_command("migrate", "audit", verbosity=0)
    assert guards_missing() == []
