"""Migrates the test's own database to former versions and back."""

import sqlite3
from contextlib import closing
from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from freddy_admin.core.view_changes import view_change_triggers_drop, view_change_triggers_restore
from tests.migrated_database import migrated_database_load


def migrate_to(*targets: tuple[str, str | None]) -> Any:
    """Migrate the test's database, to the newest without targets; the models as they are then.

    As `manage.py migrate` does: without the triggers, which name columns of the newest version.
    """
    view_change_triggers_drop()
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())
    if not targets:
        view_change_triggers_restore(using="default")
    # Of several targets on the way back Django's own answer mixes the models of two versions.
    executor.loader.build_graph()
    applied = executor.loader.graph.nodes.keys() & executor.loader.applied_migrations.keys()
    return executor.loader.project_state(sorted(applied)).apps


def former_database(*targets: tuple[str, str | None]) -> Any:
    """Have the test's database as a panel of these versions had it, empty; its models then.

    SQLite's is made anew up to there, without what the targets do not need: the way back from the
    newest version takes fifty times as long. PostgreSQL's goes that way. `migrations_restore` last.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.backup(connection.connection)
    return migrate_to(*targets)


def migrations_restore() -> None:
    """Have the test's database as it was before it was migrated back; its rows may be lost."""
    if connection.vendor == "sqlite":
        migrated_database_load(connection.connection)  # a copy takes no time
    else:
        migrate_to()
