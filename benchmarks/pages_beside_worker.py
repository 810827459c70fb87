"""The worker as a process beside the pages: its start, its memory, and what it costs a reader.

It checks all keys without a pause, 64 at a time, over an API that takes 200 ms. Where the machine
has other work, the system may move the worker to the core that serves the page: so the ratio
without waits for a core is printed as well.
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

from benchmarks.cpu_cores import move_process_to_core, pin_to_core, run_slow_api
from benchmarks.timing import print_ratio, print_result
from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.sync.models import SyncStatus

ROUNDS, VIEWS_PER_ROUND, FIRST_CHECK_TIMEOUT = 5, 15, 60.0
STEADY_CHECKS_PER_SECOND, STEADY_SECONDS = 10_000 / 300, 20.0


def measure_pages_beside_worker() -> None:
    """Time pages, on core 0, with and without a worker, and print the ratios."""
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get(is_platform_admin=True))
    start_times, megabytes = list[tuple[float, float]](), 0.0
    times_by_core = defaultdict[str, list[PageTime]](list)
    with run_slow_api(core=1) as address, pin_to_core(0):
        for _ in range(ROUNDS):
            times_by_core["idle"].append(_time_pages(client))
            with _run_worker(address) as (pid, start_time):
                start_times.append(start_time)
                for name, core in (("other", 1), ("same", 0)):
                    move_process_to_core(pid, core)
                    times_by_core[name].append(_time_pages(client))
                megabytes = max(megabytes, _peak_memory_megabytes(pid))
    other_core = _page_ratios(times_by_core, "other")
    same_core = _page_ratios(times_by_core, "same")
    print_result(
        "a page while checks run on the other core, against idle",
        _format_ratios(*other_core),
        "goal 1.2 x",
        is_met=other_core[0] <= 1.2,
    )
    print_result(
        "  on the same core (without waits for it)",
        _format_ratios(*same_core),
        "goal 1.8 x",
        is_met=same_core[0] <= 1.8,
    )
    wall = median(wall for wall, _ in start_times)
    cpu = median(cpu for _, cpu in start_times)
    result = f"{wall:.1f} s ({cpu:.1f} s of CPU)"
    print_result(
        "worker, from its start to the first check stored", result, "goal 2 s", is_met=wall <= 2
    )
    print_ratio("  its largest memory", megabytes, 95, unit="MB")


def measure_steady_state() -> None:
    """The worker's share of a core where as many checks fall due as of 10,000 keys at 300 s."""
    keys = SyncStatus.objects.count()
    period = keys / STEADY_CHECKS_PER_SECOND
    with run_slow_api(core=1) as address, _run_worker(address, check_seconds=period) as (pid, _):
        # Until every key was checked once, they are due together.
        time.sleep(period)
        used, started_at = _cpu_seconds(pid), time.perf_counter()
        time.sleep(STEADY_SECONDS)
        share = (_cpu_seconds(pid) - used) / (time.perf_counter() - started_at)
    print_ratio("worker at 33 checks a second, share of a core", share * 100, 6, unit="%")


class PageTime(NamedTuple):
    """The wall-clock seconds of a page, and those of them not spent waiting for a core."""

    wall: float
    served: float


def _page_ratios(times_by_core: dict[str, list[PageTime]], name: str) -> tuple[float, float]:
    """Against idle: by the clock, and without waits for a core."""
    pairs = list(zip(times_by_core[name], times_by_core["idle"], strict=True))
    wall = median(busy.wall / idle.wall for busy, idle in pairs)
    served = median(busy.served / idle.served for busy, idle in pairs)
    return wall, served


def _format_ratios(wall: float, served: float) -> str:
    return f"{wall:.2f} x ({served:.2f} x)"


def _time_pages(client: Client) -> PageTime:
    """The medians of a few page views."""
    page_times = []
    for _ in range(VIEWS_PER_ROUND):
        started_at, core_wait = time.perf_counter(), _core_wait_seconds()
        assert client.get("/").status_code == 200
        wall = time.perf_counter() - started_at
        page_times.append(PageTime(wall, wall - (_core_wait_seconds() - core_wait)))
    return PageTime(
        median(page_time.wall for page_time in page_times),
        median(page_time.served for page_time in page_times),
    )


def _core_wait_seconds() -> float:
    """Seconds that this thread waited for a core so far; 0 where the system does not count them."""
    try:
        counts = Path("/proc/thread-self/schedstat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(counts.split()[1]) / 1e9


@contextmanager
def _run_worker(
    api_url: str, *, check_seconds: float = 1.0
) -> Iterator[tuple[int, tuple[float, float]]]:
    """The worker's process id, and the wall and CPU seconds until it stored its first check."""
    since = clock.now()
    SyncStatus.objects.update(next_check_at=since)
    started_at = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.benchmark_worker", api_url, str(check_seconds)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as worker:
        try:
            move_process_to_core(worker.pid, 1)
            _wait_until(lambda: _is_any_key_checked(since))
            yield worker.pid, (time.perf_counter() - started_at, _cpu_seconds(worker.pid))
        finally:
            worker.terminate()


def _is_any_key_checked(since: datetime) -> bool:
    return SyncStatus.objects.filter(checked_at__gt=since).exists()


def _wait_until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + FIRST_CHECK_TIMEOUT
    while not condition():
        assert time.monotonic() < ends_at, "the worker checks nothing"
        time.sleep(0.01)


def _cpu_seconds(pid: int) -> float:
    try:
        counts = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(counts[11]) + int(counts[12])) / os.sysconf("SC_CLK_TCK")


def _peak_memory_megabytes(pid: int) -> float:
    """The most memory the process had so far, in megabytes; 0 where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next(int(row.split()[1]) / 1024 for row in status.splitlines() if "VmHWM" in row)
