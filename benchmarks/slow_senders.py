"""What others wait for a page while two hundred send a byte a second (drill S29)."""

import signal
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.measuring import line
from tests.flows.panel import Panel
from tests.flows.raw import spoken
from tests.flows.test_slow_senders import LOGIN, SLOWLY, Slow


def slow_senders() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory(prefix="freddy-slow-") as room:
        panel = Panel(Path(room), api="http://127.0.0.1:9")
        panel.start()
        try:
            _page(panel.port)
            for kind, begin in SLOWLY.items():
                _report(panel.port, kind, begin)
        finally:
            panel.stop(signal.SIGTERM)


def _report(port: int, kind: str, begin: bytes) -> None:
    before = _page(port)
    slow = Slow(port, begin)
    try:
        meanwhile = _page(port)
    finally:
        slow.end()
    what = f"sign-in page beside 200 slow senders of: {kind}"
    line(what, f"{meanwhile / before:.2f} x of a quiet one", "goal 2 x")


def _page(port: int) -> float:
    """The median seconds of a page."""
    taken = []
    for _ in range(25):
        began = time.perf_counter()
        assert spoken(port, LOGIN).status == 200
        taken.append(time.perf_counter() - began)
    return median(taken)
