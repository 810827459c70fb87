"""The units for systemd say what systemd understands, and gunicorn tells it when it is ready."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.flows.split_panel import SplitPanel

ROOT = Path(__file__).resolve().parents[2]
UNITS = ("freddy-web.service", "freddy-worker.service")
ANALYZE = shutil.which("systemd-analyze")
systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")


def _unit(name: str) -> str:
    return (ROOT / "deploy" / name).read_text()


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the panel would be there are programs of its names."""
    for program in ("gunicorn", "python"):
        path = tmp_path / ".venv" / "bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    file = tmp_path / request.param
    file.write_text(_unit(request.param).replace("/opt/freddy-admin", str(tmp_path)))
    return file


def _analyzed(*arguments: str) -> str:
    done = subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stderr}".strip()


@systemd
def test_systemd_finds_nothing_wrong_with_it(unit: Path) -> None:
    assert _analyzed("verify", "--man=no", str(unit)) == "0"


@systemd
def test_what_it_could_reach_if_taken_over_is_little(unit: Path) -> None:
    # 0 is nothing and 100 everything; a unit without any of these lines has over 90.
    assert _analyzed("security", "--offline=true", "--threshold=25", str(unit)) == "0"


@pytest.mark.parametrize("name", UNITS)
def test_a_crash_leaves_no_memory_on_the_disk(name: str) -> None:
    lines = _unit(name).split("[Service]")[1].splitlines()
    assert [line for line in lines if line.startswith("LimitCORE")] == ["LimitCORE=0"]


def test_both_are_shut_out_of_the_same_things() -> None:
    web, worker = (set(_unit(name).split("[Service]")[1].splitlines()) for name in UNITS)
    own = ("Type=", "User=", "Environment=", "ExecStart=", "ExecReload=")
    assert [line for line in web ^ worker if not line.startswith(own)] == []
    assert "ENV_FILE=/etc/freddy-admin/web.env" in _unit(UNITS[0])
    assert "ENV_FILE=/etc/freddy-admin/worker.env" in _unit(UNITS[1])


def test_gunicorn_tells_its_supervisor_when_it_is_ready(tmp_path: Path) -> None:
    panel = SplitPanel(tmp_path, api="http://127.0.0.1:9")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        panel.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            assert panel.manage("migrate").returncode == 0
            panel.start_web()
            assert told.recv(200).startswith(b"READY=1")
        finally:
            panel.end_all()
