"""Who runs where: the API on one core, what is measured on the other."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

LATENCY = 0.2
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def slow_api(*, core: int) -> Iterator[str]:
    """The address of an API of its own process that answers after `LATENCY` seconds."""
    command = [sys.executable, "-m", "benchmarks.slow_api", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        try:
            move(api.pid, core)
            yield f"http://127.0.0.1:{api.stdout.readline().strip()}"
        finally:
            api.terminate()


@contextmanager
def only_core(core: int) -> Iterator[None]:
    """This thread, and those that it begins in the block, run on one core."""
    move(0, core)
    try:
        yield
    finally:
        if CORES:
            os.sched_setaffinity(0, CORES)


def move(pid: int, core: int) -> None:
    """Let all threads of a process (0: this thread) run on one core, where there are so many."""
    if core >= len(CORES):
        return
    for thread in _threads(pid):
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(thread, {CORES[core]})


def _threads(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")] if pid else [0]
