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
    StopRequested,
    Supervisor,
    find_free_port,
    port_require_free,
)
from tests.flows.wait import wait_until

# Starts a child of its own in its group, writes both process ids, and waits.
PARENT_CODE = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
time.sleep(60)
"""
STUBBORN_CODE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1], "w").write(f"{os.getpid()}\\n")
time.sleep(60)
"""


def _python_command(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-S", "-c", code, *arguments]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def _read_when_written(path: Path) -> str:
    assert wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    return path.read_text()


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(cwd=tmp_path, grace=5)


ENVIRONMENT = dict(os.environ)


def test_end_of_the_supervised_block_ends_children_and_grandchildren(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with supervisor.supervising():
        supervisor.start(
            "parent", _python_command(PARENT_CODE, str(tmp_path / "pids")), env=ENVIRONMENT
        )
        pids = [int(pid) for pid in _read_when_written(tmp_path / "pids").split()]
    assert len(pids) == 2
    assert wait_until(lambda: not any(_is_alive(pid) for pid in pids))


def test_child_that_ends_is_named_and_ends_the_others(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with supervisor.supervising():
        supervisor.start(
            "parent", _python_command(PARENT_CODE, str(tmp_path / "pids")), env=ENVIRONMENT
        )
        _read_when_written(tmp_path / "pids")
        supervisor.start("the worker", _python_command("raise SystemExit(3)"), env=ENVIRONMENT)
        with pytest.raises(ChildEnded, match="the worker ended with code 3"):
            supervisor.watch()
    pids = [int(pid) for pid in _read_when_written(tmp_path / "pids").split()]
    assert wait_until(lambda: not any(_is_alive(pid) for pid in pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_children(
    supervisor: Supervisor, tmp_path: Path, number: signal.Signals
) -> None:
    with supervisor.supervising():
        supervisor.start(
            "parent", _python_command(PARENT_CODE, str(tmp_path / "pids")), env=ENVIRONMENT
        )
        pids = [int(pid) for pid in _read_when_written(tmp_path / "pids").split()]
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequested):
            supervisor.watch()
    assert wait_until(lambda: not any(_is_alive(pid) for pid in pids))


def test_child_that_ignores_sigterm_is_killed_after_the_grace(tmp_path: Path) -> None:
    supervisor = Supervisor(cwd=tmp_path, grace=0.2)
    with supervisor.supervising():
        supervisor.start(
            "stubborn", _python_command(STUBBORN_CODE, str(tmp_path / "pid")), env=ENVIRONMENT
        )
        pid = int(_read_when_written(tmp_path / "pid"))
    assert not _is_alive(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_children_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    child = [sys.executable, "-S", "-c", PARENT_CODE, str(tmp_path / "pids")]
    code = (
        f"import os, sys; sys.path.insert(0, {str(root)!r})\n"
        "from pathlib import Path\n"
        "from freddy_admin.ops.supervisor import Supervisor\n"
        "supervisor = Supervisor(cwd=Path('.'))\n"
        "with supervisor.supervising():\n"
        f"    supervisor.start('child', {child!r}, env=dict(os.environ))\n"
        "    supervisor.watch()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) as process:
        pid = int(_read_when_written(tmp_path / "pids").split()[0])
        process.kill()
    assert wait_until(lambda: not _is_alive(pid))
    # The grandchild is not ours to follow here: its parent had no time to end it.
    os.kill(int(_read_when_written(tmp_path / "pids").split()[1]), signal.SIGKILL)


def test_failing_command_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(ChildEnded, match="preparing"), supervisor.supervising():
        supervisor.run("preparing", _python_command("raise SystemExit(1)"), env=ENVIRONMENT)


def test_finished_command_is_no_longer_supervised(supervisor: Supervisor) -> None:
    with supervisor.supervising():
        supervisor.run("preparing", _python_command("pass"), env=ENVIRONMENT)
        assert supervisor.wait_for(lambda: True, seconds=1)


def test_wait_for_gives_up_in_time(supervisor: Supervisor) -> None:
    with supervisor.supervising():
        assert not supervisor.wait_for(lambda: False, seconds=0.05)


def test_former_signal_handlers_are_restored(supervisor: Supervisor) -> None:
    previous_handler = signal.getsignal(signal.SIGTERM)
    with supervisor.supervising():
        assert signal.getsignal(signal.SIGTERM) is not previous_handler
    assert signal.getsignal(signal.SIGTERM) is previous_handler


def test_output_of_a_child_can_go_to_a_file(supervisor: Supervisor, tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    with supervisor.supervising():
        supervisor.start(
            "talker", _python_command("print('hello', flush=True)"), env=ENVIRONMENT, log=log
        )
        assert wait_until(lambda: log.read_text() == "hello\n")


def test_files_of_children_are_readable_by_this_user_alone(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with supervisor.supervising():
        supervisor.run("writer", _python_command("open('made', 'w').close()"), env=ENVIRONMENT)
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0


def test_taken_port_is_a_sentence() -> None:
    with socket.socket() as other_socket:
        other_socket.bind(("127.0.0.1", 0))
        other_socket.listen()
        port = other_socket.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} cannot be used: Address already in use"):
            port_require_free(port)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_impossible_port_is_a_sentence(port: int) -> None:
    with pytest.raises(PortTaken):
        port_require_free(port)


def test_free_port_passes_the_check() -> None:
    port_require_free(find_free_port())
