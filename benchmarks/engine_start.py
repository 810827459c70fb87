"""How soon a worker on the engine begins what a person asked for; by the clock, with PostgreSQL.

From before the request's transaction, in one process, to the moment at which the API, in another
one, has the head of the call. Skipped, and said so, where PostgreSQL is not installed.
"""

from pathlib import Path
from statistics import median

import psycopg

from benchmarks.timing import print_ratio, print_result
from tests.flows.engine_panel import (
    EnginePanel,
    migrated_postgres_server,
    running_engine_panel,
    steady_figures,
)
from tests.flows.scripted_api import ScriptedApi, serve_scripted_api
from tests.flows.wait import wait_until
from tests.servers import postgres_missing_reason

REQUESTS, GOAL_SECONDS = 60, 0.1
LABEL = "check now to the first byte at the API (engine), median"
# A key that was checked a moment ago is not checked again for a button.
MAKE_CHECKS_OLDER = "UPDATE sync_syncstatus SET checked_at = checked_at - interval '1 minute'"


def measure_engine_start(folder: str) -> None:
    """Measure and report."""
    if reason := postgres_missing_reason():
        print_result(LABEL, "skipped", reason)
        return
    panel_folder = Path(folder) / "engine"
    panel_folder.mkdir()
    with (
        serve_scripted_api(ScriptedApi(steady_figures)) as api,
        migrated_postgres_server() as server,
        running_engine_panel(panel_folder, api=api.address, server=server) as panel,
    ):
        panel.prepare(REQUESTS)
        with psycopg.connect(panel.env["DATABASE_URL"], autocommit=True) as database:
            database.execute(MAKE_CHECKS_OLDER)
        delays = sorted(_time_request(panel, api, number) for number in range(REQUESTS))
    print_ratio(LABEL, median(delays), GOAL_SECONDS, unit="s")
    print_result("  the slowest but one of twenty", f"{delays[-REQUESTS // 20]:.2f} s")


def _time_request(panel: EnginePanel, api: ScriptedApi, number: int) -> float:
    """The seconds from one request to its call."""
    secret = f"oak_live_{number:012}"
    former_at = api.checked_at[secret]
    asked_at = panel.ask_for_check(panel.key_ids_by_label[f"Key {number}"])
    assert wait_until(lambda: api.checked_at[secret] > former_at)
    return api.checked_at[secret] - asked_at
