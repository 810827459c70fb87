"""The worker as a process beside the pages: its start, its memory, and what it costs a reader.

It checks all keys without a pause, 64 at a time, over an API that takes 200 ms. Where the machine
has other work, the system moves it to the core that is less in use, and it is that what a page
waits for: so the ratio without waits for a core is said as well.
"""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

from django.test import Client

from benchmarks.measuring import line
from benchmarks.parts import move, only_core, slow_api
from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.sync.models import KeySync

ROUNDS, VIEWS, GIVEN_UP_AFTER = 5, 15, 60.0


def pages_and_the_worker() -> None:
    """Measure and report; pages are read on core 0."""
    reader = Client(headers={"host": "localhost"})
    reader.force_login(User.objects.get(is_platform_admin=True))
    starts, megabytes = list[tuple[float, float]](), 0.0
    taken = defaultdict[str, list[View]](list)
    with slow_api(core=1) as address, only_core(0):
        for _ in range(ROUNDS):
            taken["idle"].append(_views(reader))
            with _worker(address) as (pid, start):
                starts.append(start)
                for name, core in (("other", 1), ("same", 0)):
                    move(pid, core)
                    taken[name].append(_views(reader))
                megabytes = max(megabytes, _peak(pid))
    other, same = _ratios(taken, "other"), _ratios(taken, "same")
    line("a page while checks run on the other core, against idle", other, "goal 1.2 x")
    line("  on the same core (without waits for it)", same, "goal 2 x")
    wall, cpu = median(one for one, _ in starts), median(cpu for _, cpu in starts)
    found = f"{wall:.1f} s ({cpu:.1f} s of CPU)"
    line("worker, from its start to the first check stored", found, "goal 2 s")
    line("  its largest memory", f"{megabytes:.0f} MB", "goal 90 MB")


class View(NamedTuple):
    """Seconds by the clock on the wall, and those of them not spent waiting for a core."""

    wall: float
    served: float


def _ratios(taken: dict[str, list[View]], name: str) -> str:
    pairs = list(zip(taken[name], taken["idle"], strict=True))
    wall = median(one.wall / idle.wall for one, idle in pairs)
    served = median(one.served / idle.served for one, idle in pairs)
    return f"{wall:.2f} x ({served:.2f} x)"


def _views(reader: Client) -> View:
    """The medians of a few views."""
    views = []
    for _ in range(VIEWS):
        began, waited = time.perf_counter(), _waited()
        assert reader.get("/").status_code == 200
        wall = time.perf_counter() - began
        views.append(View(wall, wall - (_waited() - waited)))
    return View(median(one.wall for one in views), median(one.served for one in views))


def _waited() -> float:
    """Seconds that this thread was ready to run and had no core; 0 where nobody counts them."""
    try:
        counts = Path("/proc/thread-self/schedstat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(counts.split()[1]) / 1e9


@contextmanager
def _worker(address: str) -> Iterator[tuple[int, tuple[float, float]]]:
    """Its process id, and the seconds until its first check was stored: by the wall, of CPU."""
    since = clock.now()
    KeySync.objects.update(next_check_at=since)
    began = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.worker", address]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
        try:
            move(worker.pid, 1)
            _until(lambda: _checked(since))
            yield worker.pid, (time.perf_counter() - began, _cpu(worker.pid))
        finally:
            worker.terminate()


def _checked(since: datetime) -> bool:
    return KeySync.objects.filter(checked_at__gt=since).exists()


def _until(so: Callable[[], bool]) -> None:
    given_up = time.monotonic() + GIVEN_UP_AFTER
    while not so():
        assert time.monotonic() < given_up, "the worker checks nothing"
        time.sleep(0.01)


def _cpu(pid: int) -> float:
    try:
        counts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(counts[11]) + int(counts[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    """The most memory the process had so far, in megabytes; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next(int(row.split()[1]) / 1024 for row in status.splitlines() if "VmHWM" in row)
