"""A panel with PostgreSQL and workers on the engine, and who asks them for work as a page does."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg

from tests.flows.panel_process import ROOT, PanelProcess
from tests.flows.scripted_api import Figures
from tests.flows.wait import wait_until
from tests.servers import (
    PostgresServer,
    migrated_database_create,
    restartable_postgres_server,
)

WORKERS = 3
UNFINISHED = "SELECT count(*) FROM sync_remoteoperation WHERE state IN ('queued', 'sending')"
ASKED = "SELECT count(*) FROM sync_syncstatus WHERE requested_at IS NOT NULL"
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'wake'"


def steady_figures() -> Figures:
    """A connector that syncs every hour, and did ten minutes ago."""
    now = datetime.now(UTC)
    return {
        "total_tools": 42,
        "enabled_tools": 7,
        "last_sync_at": f"{now - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
        "next_sync_at": f"{now + timedelta(minutes=50):%Y-%m-%dT%H:%M:%SZ}",
        "sync_interval_hours": 1,
        "incremental_sync_enabled": True,
    }


class EnginePanel(PanelProcess):
    """A database, workers, and a process that asks for syncs and checks as a page does."""

    server: PostgresServer

    def __post_init__(self) -> None:
        super().__post_init__()
        # What a killed worker had begun is known to be lost within a few seconds.
        self.env |= {"AITRONOS_SYNC_TIMEOUT": "5", "PYTHONPATH": str(ROOT)}
        self.workers: list[int] = []
        self.log = self.folder / "workers.log"
        self.helpers: dict[str, subprocess.Popen[str]] = {}

    def prepare(self, key_count: int) -> None:
        """Store keys of ten organisations, start the workers and who asks."""
        rows = [f"Org {n % 10},Key {n},oak_live_{n:012},," for n in range(key_count)]
        file = self.folder / "keys.csv"
        file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows, ""]))
        result = self.manage("import_keys", str(file))
        assert result.returncode == 0, result.stderr
        for name in ("engine_orders", "forked_workers"):
            with self.log.open("ab") as log:
                self.helpers[name] = subprocess.Popen(
                    [sys.executable, "-m", f"tests.flows.{name}"],
                    cwd=ROOT,
                    env=self.env,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        for _ in range(WORKERS):
            self.start_worker()
        unchecked = "SELECT count(*) FROM sync_syncstatus WHERE checked_at IS NULL"
        assert wait_until(lambda: self.query(unchecked) == 0), self.log.read_text()

    def start_worker(self) -> None:
        """Start one more worker."""
        self.workers.append(int(self._tell("forked_workers", "start")))

    def ask(self, key_id: int) -> None:
        """Ask for a sync and a check of this key."""
        assert self.try_to_ask(key_id)

    def try_to_ask(self, key_id: int) -> bool:
        """As `ask`; whether it was taken, which it is not while the database is away."""
        return self._tell("engine_orders", f"all {key_id}").startswith("asked")

    def ask_for_check(self, key_id: int) -> float:
        """Ask for a check of this key; when that began, by this machine's monotonic clock."""
        return float(self._tell("engine_orders", f"check {key_id}").removeprefix("asked "))

    def _tell(self, name: str, line: str) -> str:
        stdin, stdout = self.helpers[name].stdin, self.helpers[name].stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{line}\n")
        stdin.flush()
        return stdout.readline().strip()

    def query(self, sql: str) -> Any:
        """The one value of this query."""
        with psycopg.connect(self.env["DATABASE_URL"], autocommit=True) as database:
            row = database.execute(sql).fetchone()
        return row[0] if row else None

    def key_ids(self) -> list[int]:
        """The numbers of all keys."""
        return list(self.query("SELECT array_agg(id ORDER BY id) FROM vault_apikey"))

    @cached_property
    def key_ids_by_label(self) -> dict[str, int]:
        """The numbers of all keys by their labels, `Key 0` and so on in the order of the import."""
        return dict(self.query("SELECT json_object_agg(label, id) FROM vault_apikey"))

    def is_all_done(self) -> bool:
        """Whether nothing that was asked for waits or runs, and no job is left."""
        return all(self.query(sql) == 0 for sql in (UNFINISHED, ASKED, JOBS))

    def stop_all(self) -> None:
        """End every process."""
        if self.process is not None and self.process.poll() is None:
            self.stop()
        for pid in self.workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for helper in self.helpers.values():
            helper.kill()
            helper.communicate()


@contextmanager
def migrated_postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own with a migrated database, which each panel copies."""
    with restartable_postgres_server() as server:
        migrated_database_create(server.url)
        yield server


@contextmanager
def running_engine_panel(
    folder: Path, *, api: str, server: PostgresServer
) -> Iterator[EnginePanel]:
    """A panel of a `migrated_postgres_server`, to be prepared; it ends with the block."""
    server_url, _slash, template = server.url.rpartition("/")
    name = f"panel_{secrets.token_hex(4)}"
    with psycopg.connect(f"{server_url}/postgres", autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    panel = EnginePanel(folder, api=api)
    panel.server = server
    panel.env["DATABASE_URL"] = f"{server_url}/{name}"
    try:
        yield panel
    finally:
        panel.stop_all()
