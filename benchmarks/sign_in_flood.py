"""What others wait for a page while strangers sign in from ever other networks (drill S23).

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

from benchmarks.measuring import line
from tests.flows.panel import Panel
from tests.flows.raw import spoken
from tests.flows.test_sign_in_flood import sign_in, stranger, used_before

STRANGERS, SECONDS = 32, 20.0


def sign_in_flood() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="freddy-flood-") as room:
        panel = Panel(Path(room), api="http://127.0.0.1:9")
        panel.env |= {"WEB_CONCURRENCY": "2", "TRUSTED_PROXIES": "1"}
        panel.start()
        try:
            _report(panel)
        finally:
            panel.stop(signal.SIGTERM)


def _report(panel: Panel) -> None:
    reader, browser = panel.signed_in(), used_before(panel)
    quiet = _pages(panel, reader, seconds=SECONDS / 4)
    command = [sys.executable, "-m", __name__, str(panel.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as flood:
        assert flood.stdin is not None
        assert flood.stdout is not None
        flood.stdout.readline()
        began = time.perf_counter()
        known = f"{sign_in(panel, browser).status_code} in {time.perf_counter() - began:.1f} s"
        busy = _pages(panel, reader, seconds=SECONDS)
        flood.stdin.close()
        answers = flood.stdout.read().decode().strip()
    what = f"overview beside {STRANGERS} who sign in without end: median"
    found = f"{median(busy) / median(quiet):.2f} x of {median(quiet) * 1e3:.0f} ms"
    line(what, found, "goal 2 x")
    line("  its slowest view", f"{max(busy):.2f} s", "goal 2.5 s")
    line("  a browser used before signs in", known, "goal 302")
    line("  what the strangers were told", answers)


def _pages(panel: Panel, reader: requests.Session, *, seconds: float) -> list[float]:
    """Seconds of each view, one after the other with a pause, as a person has it."""
    taken, ends = [], time.monotonic() + seconds
    while time.monotonic() < ends or len(taken) < 20:
        began = time.perf_counter()
        assert reader.get(f"{panel.address}/", timeout=120).status_code == 200
        taken.append(time.perf_counter() - began)
        time.sleep(0.05)
    return taken


def _flood(port: int) -> None:
    """Sign in until standard input ends, then say how often what was answered."""
    numbers, told, over = itertools.count(), Counter[int](), threading.Event()

    def one() -> None:
        while not over.is_set():
            told[spoken(port, stranger(next(numbers))).status] += 1

    threads = [threading.Thread(target=one) for _ in range(STRANGERS)]
    for thread in threads:
        thread.start()
    while sum(told.values()) < STRANGERS // 8:
        time.sleep(0.05)
    print("flooding", flush=True)
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()
    print(", ".join(f"{count} x {status}" for status, count in sorted(told.items())))


if __name__ == "__main__":
    _flood(int(sys.argv[1]))
