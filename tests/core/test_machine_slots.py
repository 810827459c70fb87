"""Slots that all processes of a machine share: never more are held, and none is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from freddy_admin.core.machine_slots import MachineSlots
from tests.drills import drill_share
from tests.flows.waiting import until

HOLDER = """
import sys
from pathlib import Path
from freddy_admin.core.machine_slots import MachineSlots
assert MachineSlots("x", count=1, folder=Path(sys.argv[1])).take(first=True) is not None
print("taken", flush=True)
sys.stdin.read()
"""
# Threads that take a slot as often as asked, and count who else is inside by files of their own.
MANY = """
import os, sys, threading
from pathlib import Path
from freddy_admin.core.machine_slots import MachineSlots
folder, inside, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
slots, most = MachineSlots("x", count=2, folder=folder), [0]
def run(number):
    mark = inside / f"{os.getpid()}-{number}"
    for _ in range(times):
        while (slot := slots.take(first=number % 2 == 0)) is None:
            os.sched_yield()
        mark.touch()
        most.append(len(list(inside.iterdir())))
        mark.unlink()
        os.close(slot)
print("ready", flush=True)
sys.stdin.readline()
threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(max(most), len(most) - 1)
"""


def started(script: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process that runs this, once it has said its first word."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.mark.drill
def test_processes_and_their_threads_never_hold_more_than_there_are(tmp_path: Path) -> None:
    inside, times = tmp_path / "inside", drill_share(400)
    inside.mkdir()
    processes = [started(MANY, tmp_path, inside, times) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [int(taken) for _, taken in said] == [4 * times] * 3
    assert 1 <= max(int(most) for most, _ in said) <= 2


@pytest.mark.drill
def test_a_killed_holder_gives_its_slot_back(tmp_path: Path) -> None:
    slots = MachineSlots("x", count=1, folder=tmp_path)
    for _ in range(drill_share(20)):
        holder = started(HOLDER, tmp_path)
        assert slots.take(first=True) is None
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        slot = slots.take(first=False)
        assert slot is not None
        os.close(slot)


def test_nobody_takes_a_slot_before_those_who_go_first(tmp_path: Path) -> None:
    slots = MachineSlots("x", count=1, folder=tmp_path)
    with slots.going_first() as one, slots.going_first() as other:
        one.ask()
        other.ask()
        assert slots.take(first=False) is None
        one.close()
        assert slots.take(first=False) is None
        slot = slots.take(first=True)
        assert slot is not None
        os.close(slot)
    assert slots.take(first=False) is not None


def test_all_slots_are_used(tmp_path: Path) -> None:
    slots = MachineSlots("x", count=3, folder=tmp_path)
    taken = [slots.take(first=False) for _ in range(4)]
    assert [slot is not None for slot in taken] == [True, True, True, False]


def test_another_users_processes_may_read_the_files_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        MachineSlots("x", count=2, folder=tmp_path).examine()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"x-0": 0o644, "x-1": 0o644, "x-first": 0o644}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_users_process_shares_the_slots() -> None:
    name = f"freddy-test-{os.getpid()}"
    slots = MachineSlots(name, count=1)
    slot = slots.take(first=True)
    try:
        assert slot is not None
        assert _taken_by_nobody(slots) is False
        os.close(slot)
        assert _taken_by_nobody(slots) is True
    finally:
        for path in slots.folder.glob(f"{name}-*"):
            path.unlink()


def _taken_by_nobody(slots: MachineSlots) -> bool:
    child = os.fork()
    if child == 0:
        os.setuid(65_534)
        os._exit(0 if slots.take(first=False) is None else 1)
    return os.waitpid(child, 0)[1] != 0


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    slots = MachineSlots("x", count=2, folder=tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        slots.take(first=False)
    with pytest.raises(OSError, match="missing"):
        slots.examine()
    with slots.going_first() as going:
        going.ask()


def test_a_link_and_a_pipe_that_somebody_put_there_lead_nowhere(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (tmp_path / "x-0").symlink_to(other)
    os.mkfifo(tmp_path / "x-1")
    slots = MachineSlots("x", count=2, folder=tmp_path)
    taken = [slots.take(first=True) for _ in range(2)]
    assert [slot is not None for slot in taken] == [True, False]
    assert not other.exists()


def test_a_stopped_holder_keeps_its_slot_until_it_goes_on(tmp_path: Path) -> None:
    slots, holder = MachineSlots("x", count=1, folder=tmp_path), started(HOLDER, tmp_path)
    holder.send_signal(signal.SIGSTOP)
    assert slots.take(first=True) is None
    holder.send_signal(signal.SIGCONT)
    holder.communicate("")
    assert until(lambda: slots.take(first=True) is not None)
