"""Rounds of checks on one core over an API that takes 200 ms, against the ideal and a bare call.

The bare call is a pooled `requests.Session`: as many threads, the same API, connections that live
on from call to call, a row of the database neither read nor written.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import NamedTuple

import requests
from django.conf import settings
from django.test import override_settings
from requests.adapters import HTTPAdapter

from benchmarks.measuring import line
from benchmarks.parts import LATENCY, only_core, slow_api
from freddy_admin.core import clock
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.models import KeySync

KEYS, ROUNDS = 1_024, 5
GOALS = {32: 1.10, 64: 1.15, 128: 1.25}
TIME_LIMITS = (5, 5)


class Taken(NamedTuple):
    """What a round took, in seconds; `cpu` is of this process alone, the API is another one."""

    wall: float
    cpu: float


def refresh() -> None:
    """Measure at every goal's number of calls at a time, and report."""
    with (
        slow_api(core=1) as address,
        only_core(0),
        override_settings(AITRONOS_API_BASE_URL=address),
    ):
        for parallel, goal in GOALS.items():
            _report(parallel, goal)


def _report(parallel: int, goal: float) -> None:
    _checks(parallel)  # what is new to be told is told
    pairs = [(_checks(parallel), _bare_calls(parallel)) for _ in range(ROUNDS)]
    ideal = KEYS * LATENCY / parallel
    ours = median(one.wall for one, _ in pairs) / ideal
    bare = median(other.wall for _, other in pairs) / ideal
    what = f"{KEYS:,} checks at 200 ms, {parallel} at a time, against ideal"
    line(what, f"{ours:.2f} x (bare {bare:.2f} x)", f"goal {goal:.2f} x")
    cpu = median(one.cpu for one, _ in pairs) / KEYS * 1e3
    ratio = median(one.cpu / other.cpu for one, other in pairs)
    line("  CPU of one check, all included", f"{cpu:.2f} ms", "goal 1.6 ms")
    line("  the same, against a bare pooled call", f"{ratio:.2f} x", "goal 1.3 x")


def _checks(parallel: int) -> Taken:
    chosen = list(KeySync.objects.order_by("pk").values_list("pk", flat=True)[:KEYS])
    KeySync.objects.update(next_check_at=clock.now() + timedelta(hours=1))
    KeySync.objects.filter(pk__in=chosen).update(next_check_at=clock.now())
    engine = Engine(parallel=parallel)
    wall, cpu = time.perf_counter(), time.process_time()
    while engine.checks_done < KEYS:
        engine.tick(wait=0.05)
    taken = Taken(time.perf_counter() - wall, time.process_time() - cpu)
    engine.stop()
    assert not KeySync.objects.filter(pk__in=chosen).exclude(outcome="good").exists()
    return taken


def _bare_calls(parallel: int) -> Taken:
    url = f"{settings.AITRONOS_API_BASE_URL}/v1/admin/composio/sync/status"
    headers = {"X-API-Key": "oak_live_" + "x" * 54}
    with requests.Session() as session, ThreadPoolExecutor(parallel) as threads:
        session.mount("http://", HTTPAdapter(pool_maxsize=parallel))

        def call(_: int) -> object:
            return session.get(url, headers=headers, timeout=TIME_LIMITS).json()

        wall, cpu = time.perf_counter(), time.process_time()
        assert len(list(threads.map(call, range(KEYS)))) == KEYS
        return Taken(time.perf_counter() - wall, time.process_time() - cpu)
