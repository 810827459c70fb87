"""Models and migrations agree."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


def test_every_migration_is_reversible() -> None:
    loader = MigrationLoader(None)
    irreversible = [
        f"{app}.{name}: {type(operation).__name__}"
        for (app, name), migration in loader.disk_migrations.items()
        if type(migration).__module__.startswith("freddy_admin.")
        for operation in migration.operations
        if not operation.reversible
    ]
    assert irreversible == []
