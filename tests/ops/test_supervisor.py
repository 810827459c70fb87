"""The supervisor: real processes, ended together."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from freddy_admin.ops.supervisor import (
    ChildEnded,
    PortTaken,
    Stopped,
    Supervisor,
    port_check,
    port_free,
)
from tests.flows.waiting import until

# Says who it is, starts a child of its own in its group, and waits.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(60)
"""
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write("ready\\n")
time.sleep(60)
"""


def _python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def _written(path: Path) -> str:
    assert until(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text()


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(cwd=tmp_path, grace=5)


ENV = dict(os.environ)


def test_leaving_ends_children_and_what_they_started(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with supervisor.standing_by():
        supervisor.start("parent", _python(PARENT, str(tmp_path / "pids")), env=ENV)
        pids = [int(pid) for pid in _written(tmp_path / "pids").split()]
    assert len(pids) == 2
    assert until(lambda: not any(_alive(pid) for pid in pids))


def test_a_child_that_ends_is_named_and_takes_the_others_along(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with supervisor.standing_by():
        supervisor.start("parent", _python(PARENT, str(tmp_path / "pids")), env=ENV)
        _written(tmp_path / "pids")
        supervisor.start("the worker", _python("raise SystemExit(3)"), env=ENV)
        with pytest.raises(ChildEnded, match="the worker ended with code 3"):
            supervisor.watch()
    pids = [int(pid) for pid in _written(tmp_path / "pids").split()]
    assert until(lambda: not any(_alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything(
    supervisor: Supervisor, tmp_path: Path, number: signal.Signals
) -> None:
    with supervisor.standing_by():
        supervisor.start("parent", _python(PARENT, str(tmp_path / "pids")), env=ENV)
        pids = [int(pid) for pid in _written(tmp_path / "pids").split()]
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            supervisor.watch()
    assert until(lambda: not any(_alive(pid) for pid in pids))


def test_a_stubborn_child_is_killed_after_the_grace(tmp_path: Path) -> None:
    supervisor = Supervisor(cwd=tmp_path, grace=0.2)
    with supervisor.standing_by():
        supervisor.start("stubborn", _python(STUBBORN, str(tmp_path / "ready")), env=ENV)
        _written(tmp_path / "ready")
        (pid,) = [child.pid for child in supervisor._children.values()]
    assert not _alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_end_when_the_supervisor_is_killed_outright(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    child = [sys.executable, "-S", "-c", PARENT, str(tmp_path / "pids")]
    code = (
        f"import os, sys; sys.path.insert(0, {str(root)!r})\n"
        "from pathlib import Path\n"
        "from freddy_admin.ops.supervisor import Supervisor\n"
        "supervisor = Supervisor(cwd=Path('.'))\n"
        "with supervisor.standing_by():\n"
        f"    supervisor.start('child', {child!r}, env=dict(os.environ))\n"
        "    supervisor.watch()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as process:
        pid = int(_written(tmp_path / "pids").split()[0])
        process.kill()
    assert until(lambda: not _alive(pid))
    # The grandchild is not ours to follow here: its parent had no time to end it.
    os.kill(int(_written(tmp_path / "pids").split()[1]), signal.SIGKILL)


def test_a_step_that_fails_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ChildEnded, match="preparing"), supervisor.standing_by():
        supervisor.run("preparing", _python("raise SystemExit(1)"), env=ENV)


def test_a_step_that_works_is_forgotten(supervisor: Supervisor) -> None:
    with supervisor.standing_by():
        supervisor.run("preparing", _python("pass"), env=ENV)
        assert supervisor.wait_for(lambda: True, seconds=1)


def test_waiting_gives_up_in_time(supervisor: Supervisor) -> None:
    with supervisor.standing_by():
        assert not supervisor.wait_for(lambda: False, seconds=0.05)


def test_former_signal_handlers_come_back(supervisor: Supervisor) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with supervisor.standing_by():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_output_can_go_to_a_file(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    with supervisor.standing_by():
        supervisor.start("talker", _python("print('hello', flush=True)"), env=ENV, log=log)
        assert until(lambda: log.read_text() == "hello\n")


def test_what_children_write_is_for_this_user_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    with supervisor.standing_by():
        supervisor.run("writer", _python("open('made', 'w').close()"), env=ENV)
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


def test_a_taken_port_is_a_sentence() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} cannot be used: Address already in use"):
            port_check(port)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_an_impossible_port_is_a_sentence(port: int) -> None:
    with pytest.raises(PortTaken):
        port_check(port)


def test_a_free_port_can_be_used() -> None:
    port_check(port_free())
