"""What a call of our client costs beside a bare pooled `requests.Session`, in one run.

`python -m benchmarks.bench_client` prints CPU per call (both threads' own time, server excluded:
it is another process) and the ratio; the goal is at most 1.3.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any

import requests

from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from tests.aitronos.wire import ScriptedServer, answer, says

CALLS, ROUNDS, GOAL = 400, 9, 1.3
KEY = "oak_live_" + "x" * 54


def _serve(pipe: Connection) -> None:
    server = ScriptedServer(says(answer()))
    pipe.send(server.base_url)
    pipe.recv()
    server.close()


def _cost(call: Callable[[], object]) -> float:
    """Microseconds of this process's CPU per call."""
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS * 1e6


def measure(base_url: str) -> tuple[float, float]:
    """Medians of alternating rounds: ours, and the bare session's."""
    client = AitronosClient(ClientConfig(base_url), clock=lambda: datetime.now(UTC))
    session = requests.Session()
    url = f"{base_url}/v1/admin/composio/sync/status"

    def ours() -> object:
        return client.get_sync_status(secret=KEY, connection="1.1").value

    def bare() -> Any:
        return session.get(url, headers={"X-API-Key": KEY}, timeout=(5, 15)).json()

    ours(), bare()
    pairs = [(_cost(ours), _cost(bare)) for _ in range(ROUNDS)]
    client.close()
    session.close()
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def main() -> None:
    """Print the figures."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    server.start()
    try:
        ours, bare = measure(here.recv())
    finally:
        here.send("end")
        server.join()
    print(
        f"client {ours:.0f} µs a call, bare session {bare:.0f} µs, ratio {ours / bare:.2f}", end=""
    )
    print(f" (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
