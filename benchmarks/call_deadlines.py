"""How long after its deadline a call ends: with drips, floods, silence and response bombs."""

import time
from collections.abc import Mapping
from statistics import median

from benchmarks.timing import print_result
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.conftest import KEY, NOON
from tests.aitronos.scripted_server import ENDLESS_SECONDS, Script, ScriptedServer
from tests.aitronos.test_response_bombs import BOMBS, FLOODS
from tests.aitronos.test_time_limits import DRIPPING_SCRIPTS

TOTAL_TIMEOUT = 0.3
GOAL_SECONDS = 0.25
GOAL = "goal: at most 250 ms"
SILENT: dict[str, Script] = {
    "silence": lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS))
}


def measure_call_deadlines() -> None:
    """Measure and report."""
    _report_scripts("drips and silence", DRIPPING_SCRIPTS | SILENT)
    _report_scripts("floods", FLOODS)
    _report_scripts("bombs", {name: make() for name, (make, _) in BOMBS.items()})


def _report_scripts(kind: str, scripts: Mapping[str, Script]) -> None:
    delays = {name: _time_call(script) - TOTAL_TIMEOUT for name, script in scripts.items()}
    slowest = max(delays, key=lambda name: delays[name])
    result = f"{median(delays.values()) * 1e3:+.0f} ms, {delays[slowest] * 1e3:+.0f} ms"
    print_result(
        f"{kind}, beside a deadline of 300 ms: median, worst",
        result,
        GOAL,
        is_met=delays[slowest] <= GOAL_SECONDS,
    )


def _time_call(script: Script) -> float:
    """The seconds that a call to a server with this script takes."""
    server = ScriptedServer(script)
    config = ClientConfig(server.base_url, connect_timeout=0.2, total_timeout=TOTAL_TIMEOUT)
    client = AitronosClient(config, clock=lambda: NOON)
    started_at = time.monotonic()
    try:
        client.get_sync_status(secret=KEY)
    except AitronosError:
        pass
    seconds = time.monotonic() - started_at
    server.close()
    return seconds
