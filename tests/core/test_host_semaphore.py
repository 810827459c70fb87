"""A semaphore of all processes of a machine: never too many slots are held, and none is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from freddy_admin.core.host_semaphore import HostSemaphore
from tests.drill_scale import drill_count
from tests.flows.wait import wait_until

HOLD_ONE_SLOT_SCRIPT = """
import sys
from pathlib import Path
from freddy_admin.core.host_semaphore import HostSemaphore
assert HostSemaphore("x", count=1, folder=Path(sys.argv[1])).acquire(priority=True) is not None
print("taken", flush=True)
sys.stdin.read()
"""
# Threads that acquire a slot as often as told, and count the holders by files of their own.
ACQUIRE_OFTEN_SCRIPT = """
import os, sys, threading
from pathlib import Path
from freddy_admin.core.host_semaphore import HostSemaphore
folder, inside, times = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
slots, most = HostSemaphore("x", count=2, folder=folder), [0]
def run(number):
    mark = inside / f"{os.getpid()}-{number}"
    for _ in range(times):
        while (slot := slots.acquire(priority=number % 2 == 0)) is None:
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


def start_process(script: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process that runs this script, once it has printed its first line."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.mark.drill
def test_processes_and_their_threads_never_hold_too_many_slots(tmp_path: Path) -> None:
    inside, times = tmp_path / "inside", drill_count(400)
    inside.mkdir()
    processes = [start_process(ACQUIRE_OFTEN_SCRIPT, tmp_path, inside, times) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=300)[0].split() for process in processes]
    assert [int(count) for _, count in outputs] == [4 * times] * 3
    assert 1 <= max(int(maximum) for maximum, _ in outputs) <= 2


@pytest.mark.drill
def test_a_killed_holder_releases_its_slot(tmp_path: Path) -> None:
    slots = HostSemaphore("x", count=1, folder=tmp_path)
    for _ in range(drill_count(20)):
        holder = start_process(HOLD_ONE_SLOT_SCRIPT, tmp_path)
        assert slots.acquire(priority=True) is None
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        slot = slots.acquire(priority=False)
        assert slot is not None
        os.close(slot)


def test_nobody_acquires_a_slot_before_a_priority_waiter(tmp_path: Path) -> None:
    slots = HostSemaphore("x", count=1, folder=tmp_path)
    with slots.priority_waiter() as first_waiter, slots.priority_waiter() as second_waiter:
        first_waiter.announce()
        second_waiter.announce()
        assert slots.acquire(priority=False) is None
        first_waiter.close()
        assert slots.acquire(priority=False) is None
        slot = slots.acquire(priority=True)
        assert slot is not None
        os.close(slot)
    assert slots.acquire(priority=False) is not None


def test_all_slots_can_be_acquired(tmp_path: Path) -> None:
    slots = HostSemaphore("x", count=3, folder=tmp_path)
    acquired = [slots.acquire(priority=False) for _ in range(4)]
    assert [slot is not None for slot in acquired] == [True, True, True, False]


def test_other_users_may_read_the_lock_files_whatever_the_umask(tmp_path: Path) -> None:
    former_umask = os.umask(0o077)
    try:
        HostSemaphore("x", count=2, folder=tmp_path).validate_lock_files()
    finally:
        os.umask(former_umask)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"x-0": 0o644, "x-1": 0o644, "x-first": 0o644}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_process_of_another_user_shares_the_slots() -> None:
    name = f"freddy-test-{os.getpid()}"
    slots = HostSemaphore(name, count=1)
    slot = slots.acquire(priority=True)
    try:
        assert slot is not None
        assert _is_free_for_another_process(slots) is False
        os.close(slot)
        assert _is_free_for_another_process(slots) is True
    finally:
        for path in slots.folder.glob(f"{name}-*"):
            path.unlink()


def _is_free_for_another_process(slots: HostSemaphore) -> bool:
    child = os.fork()
    if child == 0:
        os.setuid(65_534)
        os._exit(0 if slots.acquire(priority=False) is None else 1)
    return os.waitpid(child, 0)[1] != 0


def test_an_unusable_folder_raises_an_error(tmp_path: Path) -> None:
    slots = HostSemaphore("x", count=2, folder=tmp_path / "missing")
    with pytest.raises(OSError, match="missing"):
        slots.acquire(priority=False)
    with pytest.raises(OSError, match="missing"):
        slots.validate_lock_files()
    with slots.priority_waiter() as waiter:
        waiter.announce()


def test_a_link_and_a_pipe_in_place_of_a_lock_file_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "other"
    (tmp_path / "x-0").symlink_to(target)
    os.mkfifo(tmp_path / "x-1")
    slots = HostSemaphore("x", count=2, folder=tmp_path)
    acquired = [slots.acquire(priority=True) for _ in range(2)]
    assert [slot is not None for slot in acquired] == [True, False]
    assert not target.exists()


def test_a_stopped_holder_keeps_its_slot_until_it_continues(tmp_path: Path) -> None:
    slots = HostSemaphore("x", count=1, folder=tmp_path)
    holder = start_process(HOLD_ONE_SLOT_SCRIPT, tmp_path)
    holder.send_signal(signal.SIGSTOP)
    assert slots.acquire(priority=True) is None
    holder.send_signal(signal.SIGCONT)
    holder.communicate("")
    assert wait_until(lambda: slots.acquire(priority=True) is not None)
