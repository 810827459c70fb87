"""`migrate` on both databases: from empty, and from 0.4.1 with rows in every table and back."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.apps.registry import Apps
from django.db import models

from tests.flows.panel_process import PanelProcess
from tests.migrations import migrate_to, migrations_restore
from tests.servers import database_copy, migrated_postgres, postgres_missing_reason

RELEASE_0_4_1: list[tuple[str, str | None]] = [
    ("accounts", "0007_names"),
    ("alerts", None),
    ("audit", "0006_names"),
    ("core", "0004_names"),
    ("organisations", "0003_names"),
    ("sync", "0005_names"),
    ("vault", "0005_names"),
]
OWN_APPS = {app for app, _name in RELEASE_0_4_1}
# The worker asks again within a minute: forgotten on the way, and on the way back.
FORGOTTEN = "sync.apihealth"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ROWS_OF_EACH_TABLE = 3
# How often a mail had been tried that was sent: tests/organisations/test_outbox_migration.py.
NOT_KEPT = {"attempts", "next_attempt_at"}
# By the type of a column: a value of the row with this number, different ones where it matters.
Value = Callable[[int, Any], Any]
NUMBER_TYPES = ("BigAutoField", "BigIntegerField", "FloatField", "PositiveIntegerField")
NUMBER_TYPES += ("PositiveBigIntegerField", "PositiveSmallIntegerField")
VALUES: dict[str, Value] = {
    **dict.fromkeys(NUMBER_TYPES, lambda number, _: number),
    **dict.fromkeys(
        ("CharField", "SlugField"),
        lambda number, field: f"{number}-{field.name}"[: field.max_length],
    ),
    "TextField": lambda number, field: f"{number} {field.name}",
    "BinaryField": lambda number, _: bytes([number, 0, 255]),
    "BooleanField": lambda number, _: bool(number % 2),
    "DateField": lambda number, _: (NOON + timedelta(days=number)).date(),
    "DateTimeField": lambda number, _: NOON + timedelta(days=number),
    "GenericIPAddressField": lambda number, _: f"192.0.2.{number}",
    "JSONField": lambda number, _: {"number": number},
    "UUIDField": lambda number, _: UUID(int=number),
}
ENGINE_TABLES = {
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
}
needs_postgres = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        bool(postgres_missing_reason()) and os.environ.get("CI") != "true",
        reason=postgres_missing_reason() or "PostgreSQL is installed",
    ),
]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=needs_postgres)])
def migrated_panel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PanelProcess]:
    """A panel whose empty database `migrate` set up: all tests begin with it."""
    panel = PanelProcess(tmp_path, api="http://127.0.0.1:9")
    if request.param == "sqlite":
        panel.create_database()
        yield panel
        return
    with migrated_postgres() as (server, name):
        panel.env["DATABASE_URL"] = database_copy(server, name)
        yield panel


def _table_names(panel: PanelProcess) -> set[str]:
    if panel.env["DATABASE_URL"].startswith("postgres"):
        with psycopg.connect(panel.env["DATABASE_URL"]) as server:
            sql = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            return {name for (name,) in server.execute(sql).fetchall()}
    with closing(sqlite3.connect(panel.folder / "panel.sqlite3")) as file:
        return {name for (name,) in file.execute("SELECT name FROM sqlite_master")}


def test_an_empty_database_is_set_up_by_migrate_alone(migrated_panel: PanelProcess) -> None:
    """The engine's tables come with PostgreSQL alone, and no model is without its migration."""
    tables = _table_names(migrated_panel)
    is_postgresql = migrated_panel.env["DATABASE_URL"].startswith("postgres")
    assert tables & ENGINE_TABLES == (ENGINE_TABLES if is_postgresql else set())
    assert {"vault_apikey", "sync_syncstatus", "core_periodicturn"} <= tables
    for command in (("migrate", "--check"), ("makemigrations", "--check", "--dry-run")):
        result = migrated_panel.manage(*command)
        assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.django_db(transaction=True)
def test_rows_of_every_table_of_0_4_1_survive_the_upgrade_and_the_way_back() -> None:
    try:
        former_apps = migrate_to(*RELEASE_0_4_1)
        assert _own_models(former_apps)
        _fill_every_table(former_apps)
        before = _stored_rows(former_apps)
        assert all(len(rows) == ROWS_OF_EACH_TABLE for rows in before.values())
        upgraded_rows = _stored_rows(migrate_to())
        for name, rows in before.items():
            kept_ids = set() if name == FORGOTTEN else set(rows)
            assert set(upgraded_rows.get(name, {})) == kept_ids, name
        returned_rows = _stored_rows(migrate_to(*RELEASE_0_4_1))
        assert returned_rows == before | {FORGOTTEN: {}}
    finally:
        migrations_restore()


def _own_models(apps: Apps) -> list[type[models.Model]]:
    every_model = apps.get_models(include_auto_created=True)
    return [model for model in every_model if model._meta.app_label in OWN_APPS]


def _stored_rows(apps: Apps) -> dict[str, dict[Any, dict[str, Any]]]:
    """All rows of our tables by model and primary key."""
    return {
        model._meta.label_lower: {
            row["pk"]: {name: value for name, value in row.items() if name not in NOT_KEPT}
            for row in model._default_manager.values("pk", *_columns(model))
        }
        for model in _own_models(apps)
    }


def _columns(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _fill_every_table(apps: Apps) -> None:
    """Rows with a value in every column, and those first that others refer to."""
    waiting = _own_models(apps)
    while waiting:
        model = next(model for model in waiting if not _referred_models(model) & {*waiting})
        for number in range(1, ROWS_OF_EACH_TABLE + 1):
            fields = model._meta.concrete_fields
            model._default_manager.create(**{f.attname: _value(f, number) for f in fields})
        waiting.remove(model)


def _referred_models(model: type[models.Model]) -> set[type[models.Model]]:
    fields = model._meta.concrete_fields
    return {field.related_model for field in fields if field.is_relation}  # type: ignore[misc]


def _value(field: Any, number: int) -> Any:
    if field.is_relation:
        return _value(field.target_field, number)
    return VALUES[field.get_internal_type()](number, field)
