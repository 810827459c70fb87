"""How long after its deadline a call ends, whatever holds it up: drips, floods, silence, bombs."""

import time
from collections.abc import Mapping
from statistics import median

from benchmarks.measuring import line
from freddy_admin.aitronos.client import AitronosClient, ClientConfig
from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.conftest import KEY, NOON
from tests.aitronos.test_bombs import BOMBS, FLOODS
from tests.aitronos.test_time_limits import HOLDING_UP
from tests.aitronos.wire import ENDLESS, Script, ScriptedServer

TOTAL = 0.3
GOAL = "goal: at most 250 ms"
SILENT: dict[str, Script] = {"silence": lambda talk: (talk.request(), talk.pause(ENDLESS))}


def deadlines() -> None:
    """Measure and report."""
    _report("drips and silence", HOLDING_UP | SILENT)
    _report("floods", FLOODS)
    _report("bombs", {name: make() for name, (make, _) in BOMBS.items()})


def _report(what: str, scripts: Mapping[str, Script]) -> None:
    late = {name: _seconds(script) - TOTAL for name, script in scripts.items()}
    worst = max(late, key=lambda name: late[name])
    found = f"{median(late.values()) * 1e3:+.0f} ms, {late[worst] * 1e3:+.0f} ms"
    line(f"{what}, beside a deadline of 300 ms: median, worst", found, GOAL)


def _seconds(script: Script) -> float:
    """How long a call of this server takes."""
    server = ScriptedServer(script)
    config = ClientConfig(server.base_url, connect_timeout=0.2, total_timeout=TOTAL)
    client = AitronosClient(config, clock=lambda: NOON)
    began = time.monotonic()
    try:
        client.get_sync_status(secret=KEY, connection="1.1")
    except AitronosError:
        pass
    seconds = time.monotonic() - began
    server.close()
    client.close()
    return seconds
