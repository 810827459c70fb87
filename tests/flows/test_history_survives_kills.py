"""Hours pass by a script, the worker is killed again and again: each change is recorded once."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.drill_scale import drill_sample
from tests.flows.panel_process import ROOT, PanelProcess
from tests.flows.scripted_api import Figures, ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGIN = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
HOURS = 8
SKIPPED = BEGIN + 3 * HOUR + 10 * MINUTE  # the sync due then is left out
TOOLS_MOVE = BEGIN + 5 * HOUR + 31 * MINUTE
# Steps of five minutes: three kills in the suite, thirty in the drill.
KILLED_IN = drill_sample(range(5, 95, 3))


class ScriptedWorkerLife:
    """One panel's worker, its database, and the clock and the API that a test moves."""

    def __init__(self, folder: Path) -> None:
        self.now = BEGIN
        self.api = ScriptedApi(self.figures)
        self.file = folder / "clock"
        self.folder = folder
        self.worker: subprocess.Popen[bytes] | None = None
        self.set_clock(BEGIN)

    def sync_times(self) -> list[datetime]:
        """The times of the script's syncs up to now: ten past each hour, but for SKIPPED."""
        due = (BEGIN + number * HOUR + 10 * MINUTE for number in range(-1, HOURS + 1))
        return [at for at in due if at <= self.now and at != SKIPPED]

    def figures(self) -> Figures:
        """The figures that the API reports now."""
        last_sync_at = self.sync_times()[-1]
        following = last_sync_at + HOUR
        while following <= self.now:
            following += HOUR
        return {
            "total_tools": 42,
            "enabled_tools": 9 if self.now >= TOOLS_MOVE else 7,
            "last_sync_at": f"{last_sync_at:%Y-%m-%dT%H:%M:%SZ}",
            "next_sync_at": f"{following:%Y-%m-%dT%H:%M:%SZ}",
            "sync_interval_hours": 1,
            "incremental_sync_enabled": True,
        }

    def set_clock(self, at: datetime) -> None:
        """Move the worker's clock; whoever reads it meets the old or the new time, whole."""
        self.now = at
        new = self.file.with_suffix(".new")
        new.write_text(str(at.timestamp()))
        new.replace(self.file)

    def start(self, env: dict[str, str]) -> None:
        """Start a worker."""
        command = [sys.executable, "-m", "tests.flows.stepped_worker", str(self.file)]
        self.worker = subprocess.Popen(command, cwd=ROOT, env=env)

    def kill(self) -> None:
        """kill -9."""
        assert self.worker is not None
        os.kill(self.worker.pid, signal.SIGKILL)
        self.worker.wait()

    def query_rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the panel's database."""
        with closing(sqlite3.connect(self.folder / "panel.sqlite3", timeout=120)) as database:
            return database.execute(sql).fetchall()

    def has_checked_everything(self) -> bool:
        """Whether the worker has checked every key that is due."""
        due = f"next_check_at <= '{self.now:%Y-%m-%d %H:%M:%S}'"
        return (
            self.query_rows(f"SELECT 1 FROM sync_syncstatus WHERE {due} OR lease_token <> ''") == []
        )

    def events_of_kind(self, kind: str) -> list[tuple[datetime, dict[str, Any]]]:
        """The events of one kind, in order."""
        sql = f"SELECT at, details FROM sync_historyevent WHERE kind = '{kind}' ORDER BY at, id"
        return [
            (datetime.fromisoformat(at).replace(tzinfo=UTC), json.loads(details))
            for at, details in self.query_rows(sql)
        ]


@pytest.fixture
def worker_life(tmp_path: Path) -> Iterator[ScriptedWorkerLife]:
    worker_life = ScriptedWorkerLife(tmp_path)
    with serve_scripted_api(worker_life.api):
        yield worker_life
        if worker_life.worker is not None and worker_life.worker.poll() is None:
            worker_life.kill()


@pytest.fixture
def panel(worker_life: ScriptedWorkerLife) -> PanelProcess:
    panel = PanelProcess(worker_life.folder, api=worker_life.api.address)
    panel.env |= {"PYTHONPATH": str(ROOT), "STATUS_CHECK_SECONDS": "300"}
    # A call that is held back is cut short by the kill alone; its lease lasts for under a minute.
    panel.env |= {"AITRONOS_CONNECT_TIMEOUT": "5", "AITRONOS_READ_TIMEOUT": "10"}
    panel.env["AITRONOS_TOTAL_TIMEOUT"] = "20"
    panel.create_database()
    rows = "organisation,label,api_key,organization_id,tags\nAlder,Main,oak_live_0123456789,,"
    (worker_life.folder / "keys.csv").write_text(rows)
    result = panel.manage("import_keys", str(worker_life.folder / "keys.csv"))
    assert result.returncode == 0, result.stderr
    # The command used the real clock; the test's time begins at BEGIN.
    with closing(sqlite3.connect(worker_life.folder / "panel.sqlite3")) as database, database:
        moment = f"{BEGIN:%Y-%m-%d %H:%M:%S}"
        database.execute(
            "UPDATE sync_syncstatus SET next_check_at = ?, recorded_at = ?", [moment] * 2
        )
        database.execute("UPDATE sync_historyevent SET at = ?, noticed_at = ?", [moment] * 2)
    return panel


@pytest.mark.drill
def test_every_sync_skip_and_change_is_recorded_once_after_many_kills(
    worker_life: ScriptedWorkerLife, panel: PanelProcess
) -> None:
    worker_life.start(panel.env)
    kill_moments = cycle(("amid a call", "between calls"))
    kill_in = dict(zip(KILLED_IN, kill_moments, strict=False))
    for step in range(HOURS * 12):
        at = BEGIN + step * 5 * MINUTE
        if kill_in.get(step) == "amid a call":
            worker_life.api.hold()
            worker_life.set_clock(at)
            assert worker_life.api.holding.wait(120)
        if step in kill_in:
            worker_life.kill()
            worker_life.api.release()
            worker_life.start(panel.env)
            # The killed worker's lease has to expire first.
            at += MINUTE
        worker_life.set_clock(at)
        assert wait_until(worker_life.has_checked_everything), f"nothing was checked at {at}"
    syncs = [at for at in worker_life.sync_times() if at > BEGIN]
    assert [at for at, _ in worker_life.events_of_kind("sync_seen")] == syncs
    assert [at for at, _ in worker_life.events_of_kind("sync_skipped")] == [SKIPPED]
    changes = worker_life.events_of_kind("tools_changed")[1:]
    assert [details["enabled"] for _, details in changes] == [[7, 9]]
    assert timedelta() <= changes[0][0] - TOOLS_MOVE <= 6 * MINUTE
    assert (
        worker_life.events_of_kind("schedule_changed")
        == worker_life.events_of_kind("check_failed")
        == []
    )
    states = [
        (details["state"][1], at) for at, details in worker_life.events_of_kind("health_changed")
    ]
    assert "unknown" not in {state for state, _ in states}
    runs = worker_life.query_rows("SELECT first_at, last_at FROM sync_checkrun ORDER BY id")
    assert all(run[1] <= next_run[0] for run, next_run in pairwise(runs))


def test_a_year_ahead_for_a_moment_erases_nothing_and_checks_go_on(
    worker_life: ScriptedWorkerLife, panel: PanelProcess
) -> None:
    event = "INSERT INTO sync_historyevent (organisation_id, key_id, kind, at, noticed_at,"
    with closing(sqlite3.connect(worker_life.folder / "panel.sqlite3")) as database, database:
        for days in range(1, 390):
            at = f"{BEGIN - timedelta(days=days):%Y-%m-%d %H:%M:%S}"
            values = f"VALUES (1, 1, 'sync_seen', '{at}', '{at}', '', '{{}}')"
            database.execute(f"{event} actor_name, details) {values}")
        # The commands used the real clock, so their timestamps say nothing.
        fields = "compared_at, reference, offset, reason, skew_seconds, jump_seconds"
        values = f"VALUES (1, '{BEGIN:%Y-%m-%d %H:%M:%S}', '', 0, '', 0, 0)"
        database.execute(f"INSERT INTO core_clockstate (id, {fields}) {values}")
    event_ids_sql = "SELECT id FROM sync_historyevent ORDER BY id"
    worker_life.start(panel.env)
    assert wait_until(worker_life.has_checked_everything)
    event_ids = set(worker_life.query_rows(event_ids_sql))
    assert len(event_ids) > 389

    worker_life.set_clock(BEGIN + timedelta(days=365))
    held_sql = "SELECT 1 FROM core_clockstate WHERE held_since IS NOT NULL"
    assert wait_until(
        lambda: worker_life.query_rows(held_sql) and worker_life.has_checked_everything()
    )
    worker_life.kill()
    worker_life.start(panel.env)
    heartbeat_sql = (
        "SELECT 1 FROM sync_workerheartbeat"
        f" WHERE heartbeat_at >= '{BEGIN + timedelta(days=365):%Y-%m}'"
    )
    assert wait_until(lambda: worker_life.query_rows(heartbeat_sql))

    worker_life.set_clock(BEGIN + MINUTE)
    checked_sql = (
        f"SELECT 1 FROM sync_syncstatus WHERE checked_at < '{BEGIN + HOUR:%Y-%m-%d %H:%M:%S}'"
    )
    assert wait_until(
        lambda: worker_life.query_rows(checked_sql) and worker_life.has_checked_everything()
    )
    assert set(worker_life.query_rows(event_ids_sql)) >= event_ids
    late_sql = f"SELECT at FROM sync_historyevent WHERE at > '{BEGIN + HOUR:%Y-%m-%d %H:%M:%S}'"
    assert worker_life.query_rows(late_sql) == []


def test_a_sync_whose_worker_was_killed_is_never_sent_again(
    worker_life: ScriptedWorkerLife, panel: PanelProcess
) -> None:
    worker_life.start(panel.env)
    assert wait_until(worker_life.has_checked_everything)
    worker_life.api.hold()
    order = (
        "from freddy_admin.sync.operations.services import *; from freddy_admin.core import clock;"
        "from datetime import datetime;"
        "org = Organisation.objects.get();"
        f"moment = datetime.fromisoformat('{worker_life.now.isoformat()}');"
        "ctx = clock.override_clock(lambda: moment); ctx.__enter__();"
        "sync_operation_create(organisation=org, actor=Actor('Ana'), key_id=1, full=False)"
    )
    result = panel.manage("shell", "-c", order)
    assert result.returncode == 0, result.stderr
    assert worker_life.api.holding.wait(120)
    worker_life.kill()
    worker_life.api.release()
    worker_life.start(panel.env)
    worker_life.set_clock(worker_life.now + 5 * MINUTE)
    unclear_state = [("unclear", "worker_lost")]
    sql = "SELECT state, error_kind FROM sync_remoteoperation"
    assert wait_until(lambda: worker_life.query_rows(sql) == unclear_state), worker_life.query_rows(
        sql
    )
    for minutes in (1, 30, 600):
        worker_life.set_clock(worker_life.now + minutes * MINUTE)
        assert wait_until(worker_life.has_checked_everything)
    assert (worker_life.query_rows(sql), worker_life.api.syncs) == (unclear_state, 1)
