"""Workers on the engine are killed, frozen, and lose their database: nothing is lost or doubled."""

import os
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drill_scale import drill_count
from tests.flows.engine_panel import WORKERS, EnginePanel, running_engine_panel, steady_figures
from tests.flows.scripted_api import ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until
from tests.servers import postgres_missing_reason

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


@pytest.fixture
def panel(tmp_path: Path, api: ScriptedApi) -> Iterator[EnginePanel]:
    with running_engine_panel(tmp_path, api=api.address) as panel:
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
