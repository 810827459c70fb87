"""A round of checks over an API that takes 200 ms, against the ideal."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.test import override_settings

from freddy_admin.core import clock
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.models import KeySync
from tests.bench.measuring import line

LATENCY = 0.2
GOALS = {32: 1.10, 64: 1.15}


def refresh(*, keys: int, parallel: int) -> None:
    """Check `keys` keys, `parallel` at a time, and report."""
    with _slow_api() as address, override_settings(AITRONOS_API_BASE_URL=address):
        chosen = list(KeySync.objects.order_by("pk").values_list("pk", flat=True)[:keys])
        KeySync.objects.update(next_check_at=clock.now() + timedelta(hours=1))
        KeySync.objects.filter(pk__in=chosen).update(next_check_at=clock.now())
        engine = Engine(parallel=parallel)
        wall, cpu = time.perf_counter(), time.process_time()
        while engine.checks_done < keys:
            engine.tick(wait=0.05)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        engine.stop()
        assert not KeySync.objects.filter(pk__in=chosen).exclude(outcome="good").exists()
    ideal = keys * LATENCY / parallel
    found = f"{wall:5.2f} s  {wall / ideal:5.2f} x"
    line(
        f"{keys:,} checks at 200 ms, {parallel} at a time, against ideal",
        found,
        f"goal {GOALS[parallel]:.2f} x",
    )
    line("  CPU of one check, all included", f"{cpu / keys * 1e3:.2f} ms", "goal 1.6 ms")


@contextmanager
def _slow_api() -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.slow_api", str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as api:
        assert api.stdout is not None
        try:
            yield f"http://127.0.0.1:{api.stdout.readline().strip()}"
        finally:
            api.terminate()
