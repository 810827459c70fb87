"""Triggers by which the database itself refuses to change or empty the audit log.

They go with their table: where SQLite makes a table anew, `migrate` puts them back.
"""

from typing import Any

from django.db import connections

ADDED_ONLY = ("audit_auditevent", "audit_auditlink", "audit_auditepoch")
# The head moves with every event; taking it away or emptying it is refused all the same.
KEPT = "audit_audithead"
REFUSAL = "the audit log is append-only"
_FUNCTION = "audit_refuse"
# SQLite's INSERT OR REPLACE deletes what is in its way, and no trigger on DELETE hears of it.
_REPLACING = {
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


def guards_make(using: str = "default") -> None:
    """Put up every trigger that is not there."""
    _run(using, _made(using))


def guards_remove(using: str = "default") -> None:
    """Take all of them down: for a migration backwards, and for tests."""
    _run(using, _removed(using))


def guards_missing(using: str = "default") -> list[str]:
    """Names of the triggers that are not there or do not work, in order."""
    query = (
        "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
        if _postgres(using)
        else "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query)
        found = {name for (name,) in cursor.fetchall()}
    return sorted(set(_names(using)) - found)


def guards_after_migrate(*, using: str, **_: Any) -> None:
    """Whatever a migration did to the tables: guarded again, once all of them are there."""
    tables = set(connections[using].introspection.table_names())
    if {*ADDED_ONLY, KEPT} <= tables and guards_missing(using):
        guards_make(using)


def _postgres(using: str) -> bool:
    return connections[using].vendor == "postgresql"


def _names(using: str) -> dict[str, tuple[str, str]]:
    """Trigger → (table, when it fires)."""
    if _postgres(using):
        guarded = dict.fromkeys(ADDED_ONLY, "UPDATE OR DELETE OR TRUNCATE")
        guarded[KEPT] = "DELETE OR TRUNCATE"
        return {f"{table}_guard": (table, when) for table, when in guarded.items()}
    pairs = [(table, when) for table in ADDED_ONLY for when in ("UPDATE", "DELETE", "INSERT")]
    return {
        f"{table}_no_{when.lower()}": (table, when) for table, when in [*pairs, (KEPT, "DELETE")]
    }


def _made(using: str) -> list[str]:
    names = _names(using).items()
    if not _postgres(using):
        return [
            f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {when} ON {table} "
            f"{_REPLACING[table] if when == 'INSERT' else ''} "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
            for name, (table, when) in names
        ]
    function = (
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    made = [function]
    for name, (table, when) in names:
        made += [
            f"DROP TRIGGER IF EXISTS {name} ON {table}",
            (
                f"CREATE TRIGGER {name} BEFORE {when} ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"
            ),
        ]
    return made


def _removed(using: str) -> list[str]:
    if not _postgres(using):
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _names(using)]
    tables = _names(using).items()
    drops = [f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, (table, _) in tables]
    return [*drops, f"DROP FUNCTION IF EXISTS {_FUNCTION}()"]


def _run(using: str, statements: list[str]) -> None:
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
