"""Runs the API on one CPU core and what is measured on another."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

API_LATENCY = 0.2  # seconds
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@contextmanager
def run_slow_api(*, core: int, certificate_file: str = "") -> Iterator[str]:
    """The URL of an API in a process of its own that answers after `API_LATENCY` seconds.

    With a certificate (and its key, in one file) it answers over TLS.
    """
    command = [sys.executable, "-m", "benchmarks.slow_api", str(API_LATENCY)]
    command += [certificate_file] if certificate_file else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        try:
            move_process_to_core(api.pid, core)
            scheme = "https" if certificate_file else "http"
            yield f"{scheme}://127.0.0.1:{api.stdout.readline().strip()}"
        finally:
            api.terminate()


@contextmanager
def pin_to_core(core: int) -> Iterator[None]:
    """Inside the block, this thread and those that it starts run on one core."""
    move_process_to_core(0, core)
    try:
        yield
    finally:
        if CORES:
            os.sched_setaffinity(0, CORES)


def move_process_to_core(pid: int, core: int) -> None:
    """Move all threads of a process (0: this thread) to one core; nothing without such a core."""
    if core >= len(CORES):
        return
    for thread in _thread_ids(pid):
        with suppress(ProcessLookupError):  # the thread ended meanwhile
            os.sched_setaffinity(thread, {CORES[core]})


def _thread_ids(pid: int) -> list[int]:
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")] if pid else [0]
