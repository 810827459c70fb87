"""Rounds of checks on one core over an API that takes 200 ms, against the ideal and a bare call.

The bare call is one of a pooled `requests.Session`: as many threads, the same API, connections
that stay open from call to call, and no database.
"""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.test import override_settings
from requests.adapters import HTTPAdapter

from benchmarks.bare_view import time_bare_view
from benchmarks.cpu_cores import API_LATENCY, pin_to_core, run_slow_api
from benchmarks.timing import print_ratio, print_result, time_side_by_side
from freddy_admin.core import clock
from freddy_admin.outbound.tls import create_tls_context
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.aitronos.certificates import CertificateAuthority

KEYS, ROUNDS = 1_024, 5
GOALS = {32: 1.10, 64: 1.15, 128: 1.25}
TLS_PARALLEL, TLS_GOAL_AGAINST_BARE_VIEW = 64, 9.0
GOALS_AGAINST_BARE_VIEW = {32: 5.4, 64: 4.5, 128: 4.0}
TIME_LIMITS = (5, 5)


class RoundTime(NamedTuple):
    """The seconds of a round; `cpu` is of this process alone, as the API is another process."""

    wall: float
    cpu: float


def measure_check_throughput() -> None:
    """Time rounds with each number of parallel checks and print the ratios."""
    with (
        run_slow_api(core=1) as address,
        pin_to_core(0),
        override_settings(AITRONOS_API_BASE_URL=address, ROOT_URLCONF="benchmarks.bare_view"),
    ):
        for parallel, goal in GOALS.items():
            _report_throughput(parallel, goal)


def measure_checks_over_tls(folder: str) -> None:
    """CPU of a check whose call begins with a handshake, as every one does: none is handed on."""
    authority = CertificateAuthority(Path(folder))
    authority.server_context()
    (certificate_file,) = Path(folder).glob("server*.pem")
    with (
        run_slow_api(core=1, certificate_file=str(certificate_file)) as address,
        pin_to_core(0),
        override_settings(
            AITRONOS_API_BASE_URL=address,
            OUTBOUND_CA_FILE=authority.ca_file,
            ROOT_URLCONF="benchmarks.bare_view",
        ),
    ):
        _time_checks(TLS_PARALLEL)
        calls = {"handshake": _create_handshake(address, authority.ca_file)}
        ratios, times, handshakes = list[float](), list[float](), list[float]()
        for _ in range(ROUNDS):
            bare, handshake = time_bare_view(), time_side_by_side(calls, rounds=200)["handshake"]
            times.append(_time_checks(TLS_PARALLEL).cpu / KEYS)
            ratios.append(times[-1] / bare)
            handshakes.append(handshake / bare)
    label = f"CPU of one check over TLS, {TLS_PARALLEL} at a time, against a bare view"
    print_ratio(label, median(ratios), TLS_GOAL_AGAINST_BARE_VIEW)
    print_result("  the same, by itself", f"{median(times) * 1e3:.2f} ms")
    # Each check has a connection of its own: OpenSSL's part of it, which no code of ours lowers.
    print_ratio("  of it the handshake alone, by Python's ssl", median(handshakes))


def _create_handshake(address: str, ca_file: str) -> Callable[[], None]:
    """What opens a connection over TLS to this address, as the client does, and closes it."""
    context, parts = create_tls_context(ca_file), urlsplit(address)
    assert parts.hostname is not None
    host, port = parts.hostname, parts.port

    def shake_hands() -> None:
        with socket.create_connection((host, port)) as connection:
            context.wrap_socket(connection, server_hostname=host).close()

    return shake_hands


def _report_throughput(parallel: int, goal: float) -> None:
    _time_checks(parallel)  # a first round, which records new history
    pairs = [(_time_checks(parallel), _time_bare_calls(parallel)) for _ in range(ROUNDS)]
    ideal = KEYS * API_LATENCY / parallel
    ratio = median(checks.wall for checks, _ in pairs) / ideal
    bare_ratio = median(bare_calls.wall for _, bare_calls in pairs) / ideal
    label = f"{KEYS:,} checks at 200 ms, {parallel} at a time, against ideal"
    print_result(
        label,
        f"{ratio:.2f} x (bare {bare_ratio:.2f} x)",
        f"goal {goal:.2f} x",
        is_met=ratio <= goal,
    )
    cpu = median(checks.cpu for checks, _ in pairs) / KEYS * 1e3
    cpu_ratio = median(checks.cpu / bare_calls.cpu for checks, bare_calls in pairs)
    label = "  CPU of one check, all included, against a bare view"
    print_ratio(label, cpu / 1e3 / time_bare_view(), GOALS_AGAINST_BARE_VIEW[parallel])
    print_result("  the same, by itself and against a bare call", f"{cpu:.2f} ms {cpu_ratio:.2f} x")


def _time_checks(parallel: int) -> RoundTime:
    key_ids = list(SyncStatus.objects.order_by("pk").values_list("pk", flat=True)[:KEYS])
    SyncStatus.objects.update(next_check_at=clock.now() + timedelta(hours=1))
    SyncStatus.objects.filter(pk__in=key_ids).update(next_check_at=clock.now())
    loop = WorkerLoop(parallel=parallel)
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    while loop.checks_done < KEYS:
        loop.tick(wait=0.05)
    round_time = RoundTime(time.perf_counter() - wall_start, time.process_time() - cpu_start)
    loop.stop()
    assert not SyncStatus.objects.filter(pk__in=key_ids).exclude(outcome="good").exists()
    return round_time


def _time_bare_calls(parallel: int) -> RoundTime:
    url = f"{settings.AITRONOS_API_BASE_URL}/v1/admin/composio/sync/status"
    headers = {"X-API-Key": "oak_live_" + "x" * 54}
    with requests.Session() as session, ThreadPoolExecutor(parallel) as threads:
        session.mount("http://", HTTPAdapter(pool_maxsize=parallel))

        def call(_: int) -> object:
            return session.get(url, headers=headers, timeout=TIME_LIMITS).json()

        wall_start, cpu_start = time.perf_counter(), time.process_time()
        assert len(list(threads.map(call, range(KEYS)))) == KEYS
        return RoundTime(time.perf_counter() - wall_start, time.process_time() - cpu_start)
