"""From a file of keys to states on the page, over real processes, and to a clean end."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.panel_process import EMAIL, PanelProcess, running_panel, wait_until_ended
from tests.flows.wait import wait_until

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
def panel(
    sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PanelProcess]:
    folder = tmp_path_factory.mktemp("panel")
    with running_panel(folder, api=sandbox.base_url, stop_signal=signal.SIGTERM) as panel:
        yield panel


@pytest.fixture(scope="module")
def keys(panel: PanelProcess) -> str:
    """Import the keys while the worker runs; returns the output of the command."""
    rows = [f"{name},Main,{sandbox_key(kind, name)},," for name, (kind, _) in EXPECTED.items()]
    file = panel.folder / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    result = panel.manage("import_keys", str(file))
    assert result.returncode == 0, result.stderr
    return result.stdout


def _states_by_organisation(panel: PanelProcess, token: str) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{panel.address}/api/v1/statuses", headers=headers, timeout=120)
    assert answer.status_code == 200
    return {status["organisation"]: status["state"] for status in answer.json()["statuses"]}


def test_imported_keys_show_their_states_on_the_page_and_in_the_api(
    panel: PanelProcess, keys: str
) -> None:
    assert keys.count(": added") == len(EXPECTED)
    token = panel.manage("create_api_token", EMAIL, "--name", "flow").stdout.strip()
    expected_states = {name: state for name, (_, state) in EXPECTED.items()}
    assert wait_until(lambda: _states_by_organisation(panel, token) == expected_states), (
        _states_by_organisation(panel, token)
    )
    page = panel.sign_in().get(f"{panel.address}/", timeout=120).text
    for name in EXPECTED:
        assert name in page
        assert sandbox_key(EXPECTED[name][0], name) not in page


def test_the_panel_is_ready_and_the_doctor_content(panel: PanelProcess) -> None:
    status, parts = panel.get_readiness()
    assert (status, set(parts["parts"].values())) == (200, {"ok"})
    examined = panel.manage("doctor")
    assert "ok       worker" in examined.stdout
    assert "ok       api" in examined.stdout


def test_check_now_asks_beside_a_running_worker(
    panel: PanelProcess, keys: str, sandbox: SandboxServer
) -> None:
    result = panel.manage("check_now", "--all")
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.splitlines()) == len(EXPECTED)
    for name, (kind, _) in EXPECTED.items():
        assert sandbox.request_counts.peak_concurrency[sandbox_key(kind, name)] <= 1


def test_one_ctrl_c_leaves_nothing_behind(sandbox: SandboxServer, tmp_path: Path) -> None:
    panel = PanelProcess(tmp_path, api=sandbox.base_url)
    panel.start()  # it begins with no database at all, and migrates it
    pids = panel.process_ids()
    assert len(pids) >= 4  # supervisor, web server, its process, worker
    assert panel.stop(signal.SIGINT) == 0
    assert wait_until_ended(pids)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", panel.port)) != 0


def test_death_of_one_process_ends_all_and_names_it(sandbox: SandboxServer, tmp_path: Path) -> None:
    panel = PanelProcess(tmp_path, api=sandbox.base_url)
    panel.create_database()
    panel.start()
    pids = panel.process_ids()
    (worker,) = [pid for pid in pids if b"run_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(worker, signal.SIGKILL)
    assert panel.wait_for_exit() == 1
    assert wait_until_ended(pids)
