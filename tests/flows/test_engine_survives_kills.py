"""Workers on the engine are killed, frozen, and lose their database: nothing is lost or doubled."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.drill_scale import drill_count
from tests.flows.panel_process import ROOT, PanelProcess
from tests.flows.scripted_api import Figures, ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until
from tests.servers import postgres_missing_reason, postgres_server

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        bool(postgres_missing_reason()) and os.environ.get("CI") != "true",
        reason=postgres_missing_reason() or "PostgreSQL is installed",
    ),
]
KILLS = drill_count(200)
WORKERS = 3
UNFINISHED = "SELECT count(*) FROM sync_remoteoperation WHERE state IN ('queued', 'sending')"
ASKED = "SELECT count(*) FROM sync_syncstatus WHERE requested_at IS NOT NULL"
JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'wake'"


def _figures() -> Figures:
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

    def __post_init__(self) -> None:
        super().__post_init__()
        # What a killed worker had begun is known to be lost within a few seconds.
        self.env |= {"AITRONOS_SYNC_TIMEOUT": "5", "PYTHONPATH": str(ROOT)}
        self.workers: list[int] = []
        self.log = self.folder / "workers.log"
        self.helpers: dict[str, subprocess.Popen[str]] = {}

    def prepare(self, key_count: int) -> None:
        """Migrate, store keys of ten organisations, start the workers and who asks."""
        self.create_database()
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
        assert self._tell("engine_orders", str(key_id)) == "asked"

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

    def is_all_done(self) -> bool:
        """Whether nothing that was asked for waits or runs, and no job is left."""
        return all(self.query(sql) == 0 for sql in (UNFINISHED, ASKED, JOBS))

    def stop_all(self) -> None:
        """End every process."""
        for pid in self.workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for helper in self.helpers.values():
            helper.kill()
            helper.communicate()


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serve_scripted_api(ScriptedApi(_figures)) as api:
        yield api


@pytest.fixture
def panel(tmp_path: Path, api: ScriptedApi) -> Iterator[EnginePanel]:
    with postgres_server() as url:
        panel = EnginePanel(tmp_path, api=api.address)
        panel.env["DATABASE_URL"] = url.rpartition("/")[0] + "/postgres"
        try:
            yield panel
        finally:
            panel.stop_all()


@pytest.mark.drill
def test_nothing_is_lost_or_sent_twice_though_workers_are_killed(
    panel: EnginePanel, api: ScriptedApi
) -> None:
    panel.prepare(KILLS)
    chance, pause = random.Random(7), threading.Event()
    for key_id in panel.key_ids():
        panel.ask(key_id)
        pause.wait(chance.random() * 0.3)  # the moment of the kill is what is drawn by lot
        os.kill(panel.workers.pop(chance.randrange(WORKERS)), signal.SIGKILL)
        panel.start_worker()
    assert wait_until(panel.is_all_done), panel.log.read_text()
    assert panel.query("SELECT count(*) FROM sync_remoteoperation") == KILLS
    sent_keys = api.syncs_by_key
    assert max(sent_keys.values()) == 1, sent_keys.most_common(3)
    # What was not sent says so; what was sent and lost its worker is called unclear.
    done = panel.query("SELECT count(*) FROM sync_remoteoperation WHERE state = 'done'")
    assert 0 < done <= len(sent_keys) <= KILLS
    print(f"{KILLS} kills: {len(sent_keys)} sent, {done} done")


def test_a_frozen_worker_holds_up_nothing_for_long_and_goes_on_when_it_wakes(
    panel: EnginePanel, api: ScriptedApi
) -> None:
    panel.prepare(WORKERS)
    frozen_workers, key_ids = panel.workers[: WORKERS - 1], panel.key_ids()
    for pid, key_id in zip(frozen_workers, key_ids, strict=False):
        os.kill(pid, signal.SIGSTOP)
        panel.ask(key_id)
        assert wait_until(panel.is_all_done), panel.log.read_text()
    for pid in frozen_workers:
        os.kill(pid, signal.SIGCONT)
    panel.ask(key_ids[-1])
    assert wait_until(panel.is_all_done)
    assert max(api.syncs_by_key.values()) == 1
    for pid in panel.workers:
        os.kill(pid, signal.SIGTERM)
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in panel.workers))
