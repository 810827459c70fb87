"""Migrates the test's own database to former versions and back."""

from typing import Any

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from freddy_admin.core.view_changes import view_change_triggers_drop, view_change_triggers_restore


def migrate_to(*targets: tuple[str, str]) -> Any:
    """Migrate the test's database, to the newest without targets; the models as they are then.

    As `manage.py migrate` does: without the triggers, which name columns of the newest version.
    """
    view_change_triggers_drop()
    executor = MigrationExecutor(connection)
    nodes = list(targets) or executor.loader.graph.leaf_nodes()
    models = executor.migrate(nodes).apps
    if not targets:
        view_change_triggers_restore(using="default")
    return models
