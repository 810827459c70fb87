"""A database that a newer version migrated is refused, unless it is marked as still readable."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from freddy_admin.core.database_version import (
    DatabaseTooNew,
    ReadableSince,
    database_version_validate,
)
from freddy_admin.core.models import ReadableMigration
from tests.flows.panel_process import PanelProcess

NEWER_MIGRATION = ("vault", "0999_of_a_newer_version")
SENTENCE = "was migrated by a newer version of Freddy Admin"


def _record_migration(app: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)",
            [app, name, "2027-01-01 00:00:00+00:00"],
        )


def _mark(version: str) -> None:
    app, name = NEWER_MIGRATION
    ReadableMigration.objects.create(app=app, name=name, since=version)


@pytest.mark.django_db
class TestValidation:
    def test_database_of_this_version_is_accepted(self) -> None:
        database_version_validate()

    @pytest.mark.parametrize(
        "migration", [NEWER_MIGRATION, ("room_of_a_newer_version", "0001_initial")]
    )
    def test_database_with_an_unknown_migration_is_refused(
        self, migration: tuple[str, str]
    ) -> None:
        _record_migration(*migration)
        with pytest.raises(DatabaseTooNew, match=SENTENCE) as raised:
            database_version_validate()
        assert ".".join(migration) in raised.value.message
        assert settings.VERSION in raised.value.message

    def test_app_of_a_former_version_is_no_newer_version(self) -> None:
        _record_migration("usersessions", "0001_initial")
        database_version_validate()

    @pytest.mark.parametrize("version", ["0.1.0", settings.VERSION])
    def test_database_marked_as_readable_is_accepted(self, version: str) -> None:
        _record_migration(*NEWER_MIGRATION)
        _mark(version)
        database_version_validate()

    @pytest.mark.parametrize("version", ["99.0.0", "", "0.x"])
    def test_mark_for_other_versions_does_not_count(self, version: str) -> None:
        _record_migration(*NEWER_MIGRATION)
        _mark(version)
        with pytest.raises(DatabaseTooNew):
            database_version_validate()

    def test_one_unmarked_migration_beside_marked_ones_is_refused(self) -> None:
        _record_migration(*NEWER_MIGRATION)
        _mark("0.1.0")
        _record_migration("sync", "0999_other")
        with pytest.raises(DatabaseTooNew, match=r"sync\.0999_other"):
            database_version_validate()

    @pytest.mark.parametrize("command", [("migrate",), ("run_worker",), ("check_now", "--all")])
    def test_commands_are_refused(self, command: tuple[str, ...]) -> None:
        _record_migration(*NEWER_MIGRATION)
        with pytest.raises(CommandError, match=SENTENCE):
            call_command(*command)


@pytest.mark.django_db(transaction=True)
def test_operation_writes_the_mark_and_takes_it_back() -> None:
    app, name = NEWER_MIGRATION
    migration = migrations.Migration("0999_of_a_newer_version", "core")
    migration.operations = [
        migrations.CreateModel("NewRow", [("id", models.BigAutoField(primary_key=True))]),
        ReadableSince("0.5.0", app=app, name=name),
    ]
    with connection.schema_editor() as editor:
        migration.apply(ProjectState(), editor)
    assert ReadableMigration.objects.get(app=app, name=name).since == "0.5.0"
    with connection.schema_editor() as editor:
        migration.unapply(ProjectState(), editor)
    assert not ReadableMigration.objects.filter(app=app).exists()


@pytest.fixture
def migrated_panel(tmp_path: Path) -> PanelProcess:
    panel = PanelProcess(tmp_path, api="http://127.0.0.1:9")
    panel.create_database()
    return panel


def _execute(panel: PanelProcess, statement: str) -> None:
    with closing(sqlite3.connect(panel.folder / "panel.sqlite3")) as database, database:
        database.execute(statement)


def _load_web_application(panel: PanelProcess) -> "subprocess.CompletedProcess[str]":
    """Load what gunicorn loads, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "import freddy_admin.wsgi"],
        env={**panel.env, "PATH": os.environ["PATH"]},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_web_worker_and_migrate_refuse_a_newer_database_until_it_is_marked(
    migrated_panel: PanelProcess,
) -> None:
    assert _load_web_application(migrated_panel).returncode == 0
    _execute(
        migrated_panel,
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('vault', '0999_newer', '2027-01-01')",
    )
    web = _load_web_application(migrated_panel)
    assert (web.returncode, "Traceback" in web.stderr) == (3, False)
    assert web.stderr.startswith("Freddy Admin cannot start. ")
    assert SENTENCE in web.stderr
    for command in (("migrate",), ("run_worker",), ("panel",), ("runserver", "--noreload")):
        result = migrated_panel.manage(*command)
        assert result.returncode == 1, result
        assert SENTENCE in result.stderr
        assert "Traceback" not in result.stderr
    doctor = migrated_panel.manage("doctor").stdout
    assert SENTENCE in next(line for line in doctor.splitlines() if " migrations " in line)

    _execute(
        migrated_panel,
        "INSERT INTO core_readablemigration (app, name, since) "
        "VALUES ('vault', '0999_newer', '0.1.0')",
    )
    assert _load_web_application(migrated_panel).returncode == 0
    assert migrated_panel.manage("migrate").returncode == 0
    assert "newer version" not in migrated_panel.manage("doctor").stdout


def test_web_application_loads_while_its_database_is_away(tmp_path: Path) -> None:
    panel = PanelProcess(tmp_path, api="http://127.0.0.1:9")
    panel.env["DATABASE_URL"] = "sqlite:////proc/nowhere/freddy.sqlite3"
    result = _load_web_application(panel)
    assert (result.returncode, result.stderr) == (0, "")
