"""Triggers by which the database itself refuses to change or empty the audit log.

They are lost with their table: where SQLite rebuilds a table, `migrate` creates them again.
"""

from typing import Any

from django.db import connections

APPEND_ONLY_TABLES = ("audit_auditevent", "audit_auditlink", "audit_auditepoch")
# The head changes with every event; only deleting it is refused.
HEAD_TABLE = "audit_audithead"
REFUSAL_MESSAGE = "the audit log is append-only"
_TRIGGER_FUNCTION = "audit_refuse"
# SQLite's INSERT OR REPLACE deletes the rows in its way without firing a trigger on DELETE.
_REPLACE_CONDITIONS = {
    "audit_auditevent": (
        "WHEN EXISTS (SELECT 1 FROM audit_auditevent WHERE id = NEW.id) "
        "OR (NEW.seal <> '' AND EXISTS (SELECT 1 FROM audit_auditevent WHERE seal = NEW.seal "
        "AND NOT (seal = '')))"  # in the words of the index, or SQLite would not use it
    ),
    "audit_auditlink": (
        "WHEN EXISTS (SELECT 1 FROM audit_auditlink WHERE place = NEW.place) "
        "OR EXISTS (SELECT 1 FROM audit_auditlink WHERE event_id = NEW.event_id)"
    ),
    "audit_auditepoch": "WHEN EXISTS (SELECT 1 FROM audit_auditepoch WHERE id = NEW.id)",
}


def append_only_triggers_create(using: str = "default") -> None:
    """Create every trigger that is missing."""
    _execute_statements(using, _create_statements(using))


def append_only_triggers_drop(using: str = "default") -> None:
    """Drop all triggers of the log: for a migration backwards, and for tests."""
    _execute_statements(using, _drop_statements(using))


def append_only_triggers_missing(using: str = "default") -> list[str]:
    """The names of the triggers that are missing or disabled, sorted."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        if _is_postgresql(using)
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query)
        names = {name for (name,) in cursor.fetchall()}
    return sorted(set(_trigger_definitions(using)) - names)


def append_only_triggers_restore(*, using: str, **_: Any) -> None:
    """Create the triggers that a migration dropped, once all tables exist."""
    tables = set(connections[using].introspection.table_names())
    if {*APPEND_ONLY_TABLES, HEAD_TABLE} <= tables and append_only_triggers_missing(using):
        append_only_triggers_create(using)


def _is_postgresql(using: str) -> bool:
    return connections[using].vendor == "postgresql"


def _trigger_definitions(using: str) -> dict[str, tuple[str, str]]:
    """The table and the events of each trigger, by its name."""
    if _is_postgresql(using):
        events_by_table = dict.fromkeys(APPEND_ONLY_TABLES, "UPDATE OR DELETE OR TRUNCATE")
        events_by_table[HEAD_TABLE] = "DELETE OR TRUNCATE"
        return {f"{table}_guard": (table, event) for table, event in events_by_table.items()}
    pairs = [
        (table, event) for table in APPEND_ONLY_TABLES for event in ("UPDATE", "DELETE", "INSERT")
    ]
    return {
        f"{table}_no_{event.lower()}": (table, event)
        for table, event in [*pairs, (HEAD_TABLE, "DELETE")]
    }


def _create_statements(using: str) -> list[str]:
    definitions = _trigger_definitions(using).items()
    if not _is_postgresql(using):
        return [
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table} "
            f"{_REPLACE_CONDITIONS[table] if event == 'INSERT' else ''} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL_MESSAGE}'); END"
            for name, (table, event) in definitions
        ]
    function = (
        f"CREATE OR REPLACE FUNCTION {_TRIGGER_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL_MESSAGE}'; END $$"
    )
    statements = [function]
    for name, (table, event) in definitions:
        statements += [
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            (
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {_TRIGGER_FUNCTION}()"
            ),
        ]
    return statements


def _drop_statements(using: str) -> list[str]:
    if not _is_postgresql(using):
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _trigger_definitions(using)]
    definitions = _trigger_definitions(using).items()
    drops = [f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, (table, _) in definitions]
    return [*drops, f"DROP FUNCTION IF EXISTS {_TRIGGER_FUNCTION}()"]


def _execute_statements(using: str, statements: list[str]) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
