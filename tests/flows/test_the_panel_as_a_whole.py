"""From a file of keys to states on the page, over real processes, and to a clean end."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.panel import EMAIL, Panel, gone
from tests.flows.waiting import until

EXPECTED = {
    "Alder": (Scenario.HEALTHY, "up_to_date"),
    "Birch": (Scenario.OVERDUE, "overdue"),
    "Cedar": (Scenario.WAITING, "waiting"),
    "Damson": (Scenario.ERROR_HTML, "unknown"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture(scope="module")
def panel(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    panel = Panel(tmp_path_factory.mktemp("panel"), api=sandbox.base_url)
    panel.start()
    pids = panel.processes()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0
    assert gone(pids)


@pytest.fixture(scope="module")
def keys(panel: Panel) -> str:
    """Imported while the worker runs; what the import said."""
    rows = [f"{name},Main,{key_for(kind, name)},," for name, (kind, _) in EXPECTED.items()]
    file = panel.room / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    ended = panel.manage("import_keys", str(file))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _states(panel: Panel, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{panel.address}/api/v1/statuses", headers=headers, timeout=120)
    assert answer.status_code == 200
    return {one["organisation"]: one["state"] for one in answer.json()["statuses"]}


def test_imported_keys_show_their_states_on_the_page_and_in_the_api(
    panel: Panel, keys: str
) -> None:
    assert keys.count(": added") == len(EXPECTED)
    token = panel.manage("create_api_token", EMAIL, "--name", "flow").stdout.strip()
    wanted = {name: state for name, (_, state) in EXPECTED.items()}
    assert until(lambda: _states(panel, token) == wanted), _states(panel, token)
    page = panel.signed_in().get(f"{panel.address}/", timeout=120).text
    for name in EXPECTED:
        assert name in page
        assert key_for(EXPECTED[name][0], name) not in page


def test_the_panel_is_ready_and_the_doctor_content(panel: Panel) -> None:
    status, parts = panel.ready()
    assert (status, set(parts["parts"].values())) == (200, {"ok"})
    examined = panel.manage("doctor")
    assert "ok       worker" in examined.stdout
    assert "ok       api" in examined.stdout


def test_check_now_asks_beside_a_running_worker(
    panel: Panel, keys: str, sandbox: SandboxServer
) -> None:
    ended = panel.manage("check_now", "--all")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == len(EXPECTED)
    for name, (kind, _) in EXPECTED.items():
        assert sandbox.requests_seen.most_at_once[key_for(kind, name)] <= 1


def test_one_ctrl_c_leaves_nothing_behind(sandbox: SandboxServer, tmp_path: Path) -> None:
    panel = Panel(tmp_path, api=sandbox.base_url)
    panel.start()
    pids = panel.processes()
    assert len(pids) >= 4  # supervisor, web server, its process, worker
    assert panel.stop(signal.SIGINT) == 0
    assert gone(pids)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", panel.port)) != 0


def test_when_one_part_dies_all_end_and_it_is_named(sandbox: SandboxServer, tmp_path: Path) -> None:
    panel = Panel(tmp_path, api=sandbox.base_url)
    panel.start()
    pids = panel.processes()
    (worker,) = [pid for pid in pids if b"run_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(worker, signal.SIGKILL)
    assert panel.ended() == 1
    assert gone(pids)
