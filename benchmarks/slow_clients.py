"""How long others wait for a page while 200 clients send a byte a second (drill S29)."""

import signal
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.timing import print_ratio
from tests.flows.panel_process import PanelProcess
from tests.flows.raw_http import send_raw_request
from tests.flows.test_slow_clients import LOGIN, REQUEST_STARTS, SlowClient


def measure_slow_clients() -> None:
    """Time a page with and without slow clients of each kind and print the ratios."""
    with tempfile.TemporaryDirectory(prefix="freddy-slow-") as folder:
        panel = PanelProcess(Path(folder), api="http://127.0.0.1:9")
        panel.start()
        try:
            _time_page(panel.port)
            for kind, request_start in REQUEST_STARTS.items():
                _report_kind(panel.port, kind, request_start)
        finally:
            panel.stop(signal.SIGTERM)


def _report_kind(port: int, kind: str, request_start: bytes) -> None:
    quiet_time = _time_page(port)
    slow_client = SlowClient(port, request_start)
    try:
        busy_time = _time_page(port)
    finally:
        slow_client.end()
    label = f"sign-in page beside 200 slow senders of: {kind}"
    print_ratio(label, busy_time / quiet_time, 2)


def _time_page(port: int) -> float:
    """The median seconds of 25 page views."""
    times = []
    for _ in range(25):
        started_at = time.perf_counter()
        assert send_raw_request(port, LOGIN).status == 200
        times.append(time.perf_counter() - started_at)
    return median(times)
