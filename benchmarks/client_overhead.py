"""What a call of the client costs beside one of a bare `requests.get`, in one run.

Each has a connection of its own, as a scheduled check has. `python -m benchmarks.client_overhead`
prints CPU per call (both threads' own time, server excluded: it is another process) and the ratio;
the goal is at most 1.3.
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
from tests.aitronos.scripted_server import ScriptedServer, respond_in_turn, response_bytes

CALLS, ROUNDS, GOAL = 400, 9, 1.3
KEY = "oak_live_" + "x" * 54


def _run_server(pipe: Connection) -> None:
    server = ScriptedServer(respond_in_turn(response_bytes()))
    pipe.send(server.base_url)
    pipe.recv()
    server.close()


def _cpu_per_call(call: Callable[[], object]) -> float:
    """Microseconds of this process's CPU time per call."""
    started = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - started) / CALLS * 1e6


def measure_client_overhead(base_url: str) -> tuple[float, float]:
    """Median microseconds per call, over alternating rounds: the client's, the bare call's."""
    client = AitronosClient(ClientConfig(base_url), clock=lambda: datetime.now(UTC))
    url = f"{base_url}/v1/admin/composio/sync/status"

    def client_call() -> object:
        return client.get_sync_status(secret=KEY).value

    def bare_call() -> Any:
        return requests.get(url, headers={"X-API-Key": KEY}, timeout=(5, 15)).json()

    client_call(), bare_call()
    pairs = [(_cpu_per_call(client_call), _cpu_per_call(bare_call)) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(
        pair[1] for pair in pairs
    )


def main() -> None:
    """Print the figures."""
    parent_pipe, child_pipe = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_run_server, args=(child_pipe,))
    server.start()
    try:
        client_time, bare_time = measure_client_overhead(parent_pipe.recv())
    finally:
        parent_pipe.send("end")
        server.join()
    ratio = client_time / bare_time
    print(f"client {client_time:.0f} µs a call, bare call {bare_time:.0f} µs, ", end="")
    print(f"ratio {ratio:.2f} (goal: at most {GOAL})")


if __name__ == "__main__":
    main()
