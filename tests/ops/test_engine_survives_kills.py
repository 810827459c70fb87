"""Workers on the engine are killed, frozen, and lose their database: nothing is lost or doubled."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill_scale import drill_count
from tests.flows.engine_panel import (
    WORKERS,
    EnginePanel,
    migrated_postgres_server,
    running_engine_panel,
    steady_figures,
)
from tests.flows.scripted_api import ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until
from tests.servers import PostgresServer, postgres_missing_reason

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(
        bool(postgres_missing_reason()) and os.environ.get("CI") != "true",
        reason=postgres_missing_reason() or "PostgreSQL is installed",
    ),
]
KILLS = drill_count(200)


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with serve_scripted_api(ScriptedApi(steady_figures)) as api:
        yield api


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with migrated_postgres_server() as server:
        yield server


@pytest.fixture
def panel(tmp_path: Path, api: ScriptedApi, server: PostgresServer) -> Iterator[EnginePanel]:
    with running_engine_panel(tmp_path, api=api.address, server=server) as panel:
        yield panel


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


def test_postgresql_is_restarted_under_web_and_workers_and_nothing_is_lost(
    panel: EnginePanel, api: ScriptedApi
) -> None:
    panel.prepare(12)
    panel.start()
    assert wait_until(lambda: panel.get_readiness()[0] == 200)
    pids, key_ids = panel.process_ids(), panel.key_ids()
    for number, key_id in enumerate(key_ids):
        if number in {4, 8}:
            panel.server.stop()
            assert panel.get_readiness()[0] == 503
            assert not panel.try_to_ask(key_id)
            panel.server.start()
        assert wait_until(lambda key_id=key_id: panel.try_to_ask(key_id))
    assert wait_until(lambda: panel.get_readiness()[0] == 200)
    assert wait_until(panel.is_all_done), panel.log.read_text()
    assert panel.query("SELECT count(*) FROM sync_remoteoperation") == len(key_ids)
    assert max(api.syncs_by_key.values()) == 1
    # Nobody restarted anything of ours, and what people ask for is heard of as before.
    assert not set(pids) - set(panel.process_ids())
    panel.query("UPDATE sync_syncstatus SET checked_at = now() - interval '1 hour' RETURNING 1")
    asked_at = panel.ask_for_check(key_ids[0])
    assert wait_until(lambda: max(api.checked_at.values()) > asked_at)
    assert panel.stop() == 0


def test_workers_that_are_stopped_end_what_they_began_and_leave_the_rest_to_others(
    panel: EnginePanel, api: ScriptedApi
) -> None:
    panel.env["AITRONOS_SYNC_TIMEOUT"] = "30"
    panel.prepare(2)
    begun_key, left_key = panel.key_ids()
    api.hold()
    panel.ask(begun_key)
    assert wait_until(lambda: api.syncs == 1)
    for pid in panel.workers:
        os.kill(pid, signal.SIGTERM)
    # A worker that stops takes no job any more.
    engines = "SELECT count(*) FROM procrastinate_workers"
    assert wait_until(lambda: panel.query(engines) == 0), panel.log.read_text()
    panel.ask(left_key)
    api.release()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in panel.workers))
    states = "SELECT string_agg(state, ' ' ORDER BY id) FROM sync_remoteoperation"
    assert panel.query(states) == "done queued"
    panel.start_worker()
    assert wait_until(panel.is_all_done), panel.log.read_text()
    assert panel.query(states) == "done done"
    assert sorted(api.syncs_by_key.values()) == [1, 1]
