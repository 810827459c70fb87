"""The systemd units are valid and strict, and gunicorn notifies systemd when it is ready."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.flows.split_key_panel import SplitPanel

ROOT = Path(__file__).resolve().parents[2]
UNITS = ("freddy-web.service", "freddy-worker.service")
ANALYZE = shutil.which("systemd-analyze")
systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")


def _read_unit(name: str) -> str:
    return (ROOT / "deploy" / name).read_text()


@pytest.fixture(params=UNITS)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit file, with its programs present at the paths it names."""
    for program in ("gunicorn", "python"):
        path = tmp_path / ".venv" / "bin" / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    file = tmp_path / request.param
    file.write_text(_read_unit(request.param).replace("/opt/freddy-admin", str(tmp_path)))
    return file


def _run_systemd_analyze(*arguments: str) -> str:
    result = subprocess.run([str(ANALYZE), *arguments], capture_output=True, text=True, check=False)
    return f"{result.returncode} {result.stderr}".strip()


@systemd
def test_systemd_verifies_the_units(unit: Path) -> None:
    assert _run_systemd_analyze("verify", "--man=no", str(unit)) == "0"


@systemd
def test_systemd_units_are_little_exposed(unit: Path) -> None:
    # Exposure of 0 to 100; a unit without any of these lines has over 90.
    assert _run_systemd_analyze("security", "--offline=true", "--threshold=25", str(unit)) == "0"


@pytest.mark.parametrize("name", UNITS)
def test_crash_leaves_no_core_dump(name: str) -> None:
    lines = _read_unit(name).split("[Service]")[1].splitlines()
    assert [line for line in lines if line.startswith("LimitCORE")] == ["LimitCORE=0"]


def test_both_units_have_the_same_restrictions() -> None:
    web, worker = (set(_read_unit(name).split("[Service]")[1].splitlines()) for name in UNITS)
    own_lines = ("Type=", "User=", "Environment=", "ExecStart=", "ExecReload=")
    assert [line for line in web ^ worker if not line.startswith(own_lines)] == []
    assert "ENV_FILE=/etc/freddy-admin/web.env" in _read_unit(UNITS[0])
    assert "ENV_FILE=/etc/freddy-admin/worker.env" in _read_unit(UNITS[1])


def test_gunicorn_notifies_systemd_when_it_is_ready(tmp_path: Path) -> None:
    panel = SplitPanel(tmp_path, api="http://127.0.0.1:9")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify_socket:
        notify_socket.bind(str(tmp_path / "notify"))
        notify_socket.settimeout(20)
        panel.env["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            panel.create_database()
            panel.start_web()
            assert notify_socket.recv(200).startswith(b"READY=1")
        finally:
            panel.stop_all()
