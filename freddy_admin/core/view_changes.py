"""What was changed of what pages show: the database itself writes it down, whoever the writer is.

Each room names its tables and the columns that pages show (`view_change_triggers_register`). A
trigger inserts a `ViewChange` in the transaction of the change, so that no service can forget it,
and a statement that changes no such column costs nothing. Rows are only ever inserted: writers
never wait for each other here, and there is no row that all of them change.

Numbers of PostgreSQL are those of transactions, which do not commit in that order. A reader
therefore remembers which of them it could not see yet: `sync.status.view_version`.

Triggers are lost where SQLite rebuilds a table, and PostgreSQL changes no column that one names:
`migrate` drops all of them before it begins, and creates them at its end.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection, connections

from freddy_admin.core.models import ViewChange

WHOLE_PANEL: Final = 0
_PREFIX: Final = "view_change_"
_TABLE: Final = ViewChange._meta.db_table  # noqa: SLF001  Django's documented meta API
_KEPT_CHANGES: Final = 20_000
_TRANSACTION_NUMBER: Final = "pg_current_xact_id()::text::bigint"
_NEXT_NUMBER: Final = f"(SELECT COALESCE(MAX(number), 0) + 1 FROM {_TABLE})"  # noqa: S608  # nosec B608


@dataclass(frozen=True, slots=True)
class ViewChangeTrigger:
    """A table of which pages show something: another row, one less, or other values in `columns`.

    `organisation` is the id of the organisation in SQL; None: pages of all organisations show it.
    `ignored` are the columns that pages do not show, or show no fresher than the latest check: a
    test holds that each column is in one of both lists. `when` (of OLD and NEW, no subquery) and
    `condition` (of `{row}`, looked up for each row) are SQL that has to be true as well.
    """

    table: str
    columns: tuple[str, ...] = ()
    organisation: str | None = "{row}.organisation_id"
    ignored: tuple[str, ...] = ()
    events: tuple[str, ...] = ("UPDATE", "INSERT", "DELETE")
    when: str = ""
    condition: str = ""
    name: str = ""  # where a table has several

    def trigger_name(self, event: str) -> str:
        """The name of the trigger for this event: another one once it is defined otherwise."""
        digest = hashlib.sha256(repr(self).encode()).hexdigest()[:6]
        return f"{_PREFIX}{self.name or self.table}_{event.lower()}_{digest}"


_triggers: dict[str, ViewChangeTrigger] = {}


def view_change_triggers_register(*triggers: ViewChangeTrigger) -> None:
    """Register what a room's pages show; when Django starts."""
    _triggers.update({trigger.name or trigger.table: trigger for trigger in triggers})


def view_change_triggers() -> Collection[ViewChangeTrigger]:
    """All that are registered."""
    return _triggers.values()


def view_change_triggers_missing(using: str = "default") -> list[str]:
    """The names of the triggers that are missing or disabled, sorted."""
    names = {
        trigger.trigger_name(event) for trigger in _triggers.values() for event in trigger.events
    }
    return sorted(names - {name for name, _table in _existing_triggers(using)})


def view_change_triggers_restore(*, using: str, **_: Any) -> None:
    """Create the triggers of all tables that are as this version knows them; after a migration."""
    if not view_change_triggers_missing(using):
        return
    view_change_triggers_drop(using=using)
    tables = set(connections[using].introspection.table_names())
    if _TABLE not in tables:
        return
    with connections[using].cursor() as cursor:
        for trigger in _triggers.values():
            if trigger.table not in tables:
                continue
            description = connections[using].introspection.get_table_description(
                cursor, trigger.table
            )
            if {*trigger.columns} <= {column.name for column in description}:
                for statement in _create_statements(trigger, connections[using].vendor):
                    cursor.execute(statement)


def view_change_triggers_withdraw(*, using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """Drop them before migrations are applied; where there are none, nobody is held up."""
    if plan:
        view_change_triggers_drop(using=using)


def view_change_triggers_drop(*, using: str = "default") -> None:
    """Drop all of them, those of other versions, too."""
    is_postgresql = connections[using].vendor == "postgresql"
    existing = _existing_triggers(using)
    with connections[using].cursor() as cursor:
        for name, table in existing:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + f" ON {table}" * is_postgresql)
            if is_postgresql:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def view_changes_prune(*, kept: int = _KEPT_CHANGES) -> int:
    """Delete all but the newest numbers; returns how many rows. No page asks for older ones.

    A reader sees by the smallest number that is left whether what it asks for is still there.
    """
    sql = (
        f"DELETE FROM {_TABLE} WHERE number < "  # noqa: S608  # nosec B608  a name of ours
        f"(SELECT number FROM {_TABLE} ORDER BY number DESC LIMIT 1 OFFSET %s)"
    )
    if connection.vendor == "postgresql":
        # Of a database that was restored on another server: nobody has got so far there.
        sql += " OR number > pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
    with connection.cursor() as cursor:
        cursor.execute(sql, [kept])
        return int(cursor.rowcount)


def _existing_triggers(using: str) -> list[tuple[str, str]]:
    """Name and table of each trigger of ours that the database has."""
    query = (
        "SELECT tgname, tgrelid::regclass::text FROM pg_trigger "
        "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgname LIKE %s"
        if connections[using].vendor == "postgresql"
        else "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query, [f"{_PREFIX}%"])
        return [(str(name), str(table)) for name, table in cursor.fetchall()]


def _create_statements(trigger: ViewChangeTrigger, vendor: str) -> list[str]:
    create = _create_for_postgresql if vendor == "postgresql" else _create_for_sqlite
    return [statement for event in trigger.events for statement in create(trigger, event)]


def _create_for_sqlite(trigger: ViewChangeTrigger, event: str) -> list[str]:
    return [
        (
            f"CREATE TRIGGER {trigger.trigger_name(event)} "
            f"AFTER {_event_sql(trigger, event, 'IS NOT')} "
            f"BEGIN {_insert_sql(trigger, event, _NEXT_NUMBER)}; END"
        )
    ]


def _create_for_postgresql(trigger: ViewChangeTrigger, event: str) -> list[str]:
    name = trigger.trigger_name(event)
    insert = f"{_insert_sql(trigger, event, _TRANSACTION_NUMBER)} ON CONFLICT DO NOTHING"
    before, _, condition = _event_sql(trigger, event, "IS DISTINCT FROM").partition(" WHEN ")
    when = f"WHEN ({condition}) " if condition else ""
    return [
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {insert}; RETURN NULL; END $$"
        ),
        (f"CREATE TRIGGER {name} AFTER {before} FOR EACH ROW {when}EXECUTE FUNCTION {name}()"),
    ]


def _event_sql(trigger: ViewChangeTrigger, event: str, differs: str) -> str:
    """The event, and for an update its columns and that one of them has another value."""
    if event != "UPDATE":
        return f"{event} ON {trigger.table}"
    columns = [f'"{column}"' for column in trigger.columns]  # some are words of SQL
    changed = " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)
    when = f"({changed}) AND ({trigger.when})" if trigger.when else changed
    return f"UPDATE OF {', '.join(columns)} ON {trigger.table} WHEN {when}"


def _insert_sql(trigger: ViewChangeTrigger, event: str, number: str) -> str:
    row = "OLD" if event == "DELETE" else "NEW"
    organisation = str(WHOLE_PANEL)
    if trigger.organisation:
        # Of what belongs to the whole panel there is none, nor where it is being deleted.
        organisation = f"COALESCE({trigger.organisation.format(row=row)}, {WHOLE_PANEL})"
    condition = f" WHERE {trigger.condition.format(row=row)}" if trigger.condition else ""
    return (
        f"INSERT INTO {_TABLE} (organisation_id, number) "  # nosec B608  names of ours
        f"SELECT {organisation}, {number}{condition}"
    )
