"""Hours pass by a script, the worker is killed again and again: each change is told once."""

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

from tests.drills import drill_some
from tests.flows.panel import ROOT, Panel
from tests.flows.scripted_api import Figures, ScriptedApi, serving
from tests.flows.waiting import until

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
BEGIN = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
HOURS = 8
SKIPPED = BEGIN + 3 * HOUR + 10 * MINUTE  # the sync due then is left out
TOOLS_MOVE = BEGIN + 5 * HOUR + 31 * MINUTE
# Steps of five minutes: three kills in the suite, thirty in the drill.
KILLED_IN = drill_some(range(5, 95, 3))


class Life:
    """One panel's worker, its database, and the clock and the API that a test moves."""

    def __init__(self, room: Path) -> None:
        self.now = BEGIN
        self.api = ScriptedApi(self.figures)
        self.file = room / "clock"
        self.room = room
        self.worker: subprocess.Popen[bytes] | None = None
        self.set_clock(BEGIN)

    def synced(self) -> list[datetime]:
        """When the script's syncs ran, up to now: ten past each hour, but for the one left out."""
        due = (BEGIN + number * HOUR + 10 * MINUTE for number in range(-1, HOURS + 1))
        return [at for at in due if at <= self.now and at != SKIPPED]

    def figures(self) -> Figures:
        """What the API says now."""
        last = self.synced()[-1]
        following = last + HOUR
        while following <= self.now:
            following += HOUR
        return {
            "total_tools": 42,
            "enabled_tools": 9 if self.now >= TOOLS_MOVE else 7,
            "last_sync_at": f"{last:%Y-%m-%dT%H:%M:%SZ}",
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

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the panel's database."""
        with closing(sqlite3.connect(self.room / "panel.sqlite3", timeout=120)) as database:
            return database.execute(sql).fetchall()

    def settled(self) -> bool:
        """Whether the worker has looked at everything that is due."""
        due = f"next_check_at <= '{self.now:%Y-%m-%d %H:%M:%S}'"
        return self.ask(f"SELECT 1 FROM sync_keysync WHERE {due} OR lease_token <> ''") == []

    def told(self, kind: str) -> list[tuple[datetime, dict[str, Any]]]:
        """The events of one kind, in order."""
        sql = f"SELECT at, details FROM sync_historyevent WHERE kind = '{kind}' ORDER BY at, id"
        return [
            (datetime.fromisoformat(at).replace(tzinfo=UTC), json.loads(details))
            for at, details in self.ask(sql)
        ]


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path)
    with serving(life.api):
        yield life
        if life.worker is not None and life.worker.poll() is None:
            life.kill()


@pytest.fixture
def panel(life: Life) -> Panel:
    panel = Panel(life.room, api=life.api.address)
    panel.env |= {"PYTHONPATH": str(ROOT), "STATUS_CHECK_SECONDS": "300"}
    # A call that is held back is cut short by the kill alone; its lease lasts for under a minute.
    panel.env |= {"AITRONOS_CONNECT_TIMEOUT": "5", "AITRONOS_READ_TIMEOUT": "10"}
    panel.env["AITRONOS_TOTAL_TIMEOUT"] = "20"
    assert panel.manage("migrate", "--verbosity", "0").returncode == 0
    rows = "organisation,label,api_key,organization_id,tags\nAlder,Main,oak_live_0123456789,,"
    (life.room / "keys.csv").write_text(rows)
    ended = panel.manage("import_keys", str(life.room / "keys.csv"))
    assert ended.returncode == 0, ended.stderr
    # The command's clock is the real one; this life begins elsewhere.
    with closing(sqlite3.connect(life.room / "panel.sqlite3")) as database, database:
        moment = f"{BEGIN:%Y-%m-%d %H:%M:%S}"
        database.execute("UPDATE sync_keysync SET next_check_at = ?, told_at = ?", [moment] * 2)
        database.execute("UPDATE sync_historyevent SET at = ?, noticed_at = ?", [moment] * 2)
    return panel


@pytest.mark.drill
def test_every_sync_skip_and_change_is_told_once_after_many_kills(life: Life, panel: Panel) -> None:
    life.start(panel.env)
    ways = cycle(("amid a call", "between calls"))
    kill_in = dict(zip(KILLED_IN, ways, strict=False))
    for step in range(HOURS * 12):
        at = BEGIN + step * 5 * MINUTE
        if kill_in.get(step) == "amid a call":
            life.api.hold()
            life.set_clock(at)
            assert life.api.held.wait(120)
        if step in kill_in:
            life.kill()
            life.api.release()
            life.start(panel.env)
            # What the dead one held comes back with the end of its lease.
            at += MINUTE
        life.set_clock(at)
        assert until(life.settled), f"nothing was checked at {at}"
    syncs = [at for at in life.synced() if at > BEGIN]
    assert [at for at, _ in life.told("sync_seen")] == syncs
    assert [at for at, _ in life.told("sync_skipped")] == [SKIPPED]
    moves = life.told("tools_changed")[1:]
    assert [details["enabled"] for _, details in moves] == [[7, 9]]
    assert timedelta() <= moves[0][0] - TOOLS_MOVE <= 6 * MINUTE
    assert life.told("schedule_changed") == life.told("check_failed") == []
    states = [(details["state"][1], at) for at, details in life.told("health_changed")]
    assert "unknown" not in {state for state, _ in states}
    runs = life.ask("SELECT first_at, last_at FROM sync_checkrun ORDER BY id")
    assert all(before[1] <= after[0] for before, after in pairwise(runs))


def test_a_year_ahead_for_a_moment_erases_nothing_and_checks_go_on(
    life: Life, panel: Panel
) -> None:
    event = "INSERT INTO sync_historyevent (organisation_id, key_id, kind, at, noticed_at,"
    with closing(sqlite3.connect(life.room / "panel.sqlite3")) as database, database:
        for days in range(1, 390):
            at = f"{BEGIN - timedelta(days=days):%Y-%m-%d %H:%M:%S}"
            values = f"VALUES (1, 1, 'sync_seen', '{at}', '{at}', '', '{{}}')"
            database.execute(f"{event} actor_name, details) {values}")
        # The commands' clock is the real one, so that their events are no measure.
        fields = "compared_at, reference, offset, reason, apart, ahead_by"
        values = f"VALUES (1, '{BEGIN:%Y-%m-%d %H:%M:%S}', '', 0, '', 0, 0)"
        database.execute(f"INSERT INTO core_clockstate (id, {fields}) {values}")
    ids = "SELECT id FROM sync_historyevent ORDER BY id"
    life.start(panel.env)
    assert until(life.settled)
    told = set(life.ask(ids))
    assert len(told) > 389

    life.set_clock(BEGIN + timedelta(days=365))
    held = "SELECT 1 FROM core_clockstate WHERE held_since IS NOT NULL"
    assert until(lambda: life.ask(held) and life.settled())
    life.kill()
    life.start(panel.env)
    beat = f"SELECT 1 FROM sync_workerbeat WHERE beat_at >= '{BEGIN + timedelta(days=365):%Y-%m}'"
    assert until(lambda: life.ask(beat))

    life.set_clock(BEGIN + MINUTE)
    checked = f"SELECT 1 FROM sync_keysync WHERE checked_at < '{BEGIN + HOUR:%Y-%m-%d %H:%M:%S}'"
    assert until(lambda: life.ask(checked) and life.settled())
    assert set(life.ask(ids)) >= told
    late = f"SELECT at FROM sync_historyevent WHERE at > '{BEGIN + HOUR:%Y-%m-%d %H:%M:%S}'"
    assert life.ask(late) == []


def test_a_sync_whose_worker_was_killed_is_never_sent_again(life: Life, panel: Panel) -> None:
    life.start(panel.env)
    assert until(life.settled)
    life.api.hold()
    order = (
        "from freddy_admin.sync.orders.placing import *; from freddy_admin.core import clock;"
        "from datetime import datetime;"
        "org = Organisation.objects.get();"
        f"moment = datetime.fromisoformat('{life.now.isoformat()}');"
        "ctx = clock.using(lambda: moment); ctx.__enter__();"
        "order_sync(organisation=org, actor=Actor('Ana'), key_id=1, full=False)"
    )
    asked = panel.manage("shell", "-c", order)
    assert asked.returncode == 0, asked.stderr
    assert life.api.held.wait(120)
    life.kill()
    life.api.release()
    life.start(panel.env)
    life.set_clock(life.now + 5 * MINUTE)
    unclear = [("unclear", "worker_lost")]
    sql = "SELECT state, error_kind FROM sync_order"
    assert until(lambda: life.ask(sql) == unclear), life.ask(sql)
    for minutes in (1, 30, 600):
        life.set_clock(life.now + minutes * MINUTE)
        assert until(life.settled)
    assert (life.ask(sql), life.api.syncs) == (unclear, 1)
