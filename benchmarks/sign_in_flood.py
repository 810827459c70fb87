"""How long others wait for a page while strangers sign in from many networks (drill S23).

`python -m benchmarks.sign_in_flood PORT` is the flood, in a process of its own.
"""

import itertools
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from statistics import median

import requests

from benchmarks.timing import print_ratio, print_result
from tests.flows.panel_process import PanelProcess
from tests.flows.raw_http import send_raw_request
from tests.flows.test_sign_in_flood import known_browser, sign_in, stranger_sign_in_request

STRANGERS, SECONDS = 32, 20.0


def measure_sign_in_flood() -> None:
    """Time pages with and without a flood of sign-ins and print the ratios."""
    with tempfile.TemporaryDirectory(prefix="freddy-flood-") as folder:
        panel = PanelProcess(Path(folder), api="http://127.0.0.1:9")
        panel.env |= {"WEB_CONCURRENCY": "2", "TRUSTED_PROXIES": "1"}
        panel.start()
        try:
            _report_flood(panel)
        finally:
            panel.stop(signal.SIGTERM)


def _report_flood(panel: PanelProcess) -> None:
    session, browser = panel.sign_in(), known_browser(panel)
    quiet_times = _time_pages(panel, session, seconds=SECONDS / 4)
    command = [sys.executable, "-m", __name__, str(panel.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as flood:
        assert flood.stdin is not None
        assert flood.stdout is not None
        flood.stdout.readline()
        started_at = time.perf_counter()
        known_result = (
            f"{sign_in(panel, browser).status_code} in {time.perf_counter() - started_at:.1f} s"
        )
        busy_times = _time_pages(panel, session, seconds=SECONDS)
        flood.stdin.close()
        status_counts = flood.stdout.read().decode().strip()
    label = f"overview beside {STRANGERS} who sign in without end: median"
    result = (
        f"{median(busy_times) / median(quiet_times):.2f} x of {median(quiet_times) * 1e3:.0f} ms"
    )
    ratio = median(busy_times) / median(quiet_times)
    print_result(label, result, "goal 2 x", is_met=ratio <= 2)
    print_ratio("  its slowest view", max(busy_times), 2.5, unit="s")
    print_result(
        "  a browser used before signs in",
        known_result,
        "goal 302",
        is_met=known_result[:3] == "302",
    )
    print_result("  what the strangers were told", status_counts)


def _time_pages(panel: PanelProcess, session: requests.Session, *, seconds: float) -> list[float]:
    """The seconds of each page view, one after the other with a pause between them."""
    times, ends_at = [], time.monotonic() + seconds
    while time.monotonic() < ends_at or len(times) < 20:
        started_at = time.perf_counter()
        assert session.get(f"{panel.address}/", timeout=120).status_code == 200
        times.append(time.perf_counter() - started_at)
        time.sleep(0.05)
    return times


def _run_flood(port: int) -> None:
    """Sign in until standard input ends, then print how often each status was answered."""
    numbers, status_counts, stopped = itertools.count(), Counter[int](), threading.Event()

    def sign_in_repeatedly() -> None:
        while not stopped.is_set():
            status_counts[
                send_raw_request(port, stranger_sign_in_request(next(numbers))).status
            ] += 1

    threads = [threading.Thread(target=sign_in_repeatedly) for _ in range(STRANGERS)]
    for thread in threads:
        thread.start()
    while sum(status_counts.values()) < STRANGERS // 8:
        time.sleep(0.05)
    print("flooding", flush=True)
    sys.stdin.read()
    stopped.set()
    for thread in threads:
        thread.join()
    print(", ".join(f"{count} x {status}" for status, count in sorted(status_counts.items())))


if __name__ == "__main__":
    _run_flood(int(sys.argv[1]))
