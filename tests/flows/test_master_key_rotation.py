"""A rotation beside a running panel: killed in the middle, run again, proven with counts."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.crypto.keyring import Keyring
from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.drill_scale import RUN_FULL_DRILLS
from tests.flows.panel_process import ROOT
from tests.flows.split_key_panel import SplitPanel, generate_master_key
from tests.flows.wait import wait_until

KEYS = 1_500 if RUN_FULL_DRILLS else 500
WATCHED = 4  # keys that forms replace meanwhile, and that the sandbox knows


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path, api=sandbox.base_url)
        try:
            panel.migrate_and_create_admin()
            _import_keys(panel)
            yield panel
        finally:
            panel.stop_all()


def _import_keys(panel: SplitPanel) -> None:
    rows = [f"Alder,Key {n},{sandbox_key(Scenario.HEALTHY, f'old {n}')},," for n in range(WATCHED)]
    rows += [f"Birch,Key {n},oak_live_{n:08d}_0123456789abcdefghij,," for n in range(KEYS)]
    file = panel.folder / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    result = panel.manage("import_keys", str(file))
    assert result.returncode == 0, result.stderr
    # The many keys are there to be resealed, not to be checked.
    panel.execute_sql(
        "UPDATE vault_apikey SET paused_at = '2026-01-01' WHERE label LIKE 'Key %' AND id > ?",
        WATCHED,
    )


def _count_keys_under(panel: SplitPanel, master_key_id: str) -> int:
    counts = panel.query_rows(
        "SELECT count(*) FROM vault_apikey WHERE master_key_id = ?", master_key_id
    )
    return int(str(counts[0][0]))


@pytest.mark.drill
def test_killed_rotation_goes_on_and_ends_with_zero_rows_under_the_former_key(
    panel: SplitPanel,
) -> None:
    former_keys = panel.env["ENCRYPTION_KEYS"]
    new = generate_master_key()
    old_id, new_id = Keyring([former_keys]).sealing_id, Keyring([new]).sealing_id
    panel.env["ENCRYPTION_KEYS"] = f"{new},{former_keys}"
    panel.start_web()
    panel.start_worker()
    browser = panel.sign_in()
    keys = [f"/organisations/alder/keys/{number + 1}/" for number in range(WATCHED)]

    _kill_in_the_middle(panel, new_id)
    rows_left = _count_keys_under(panel, old_id)
    assert 0 < rows_left < KEYS + WATCHED
    assert f"of {KEYS + WATCHED:,} sealed anew" in panel.get_page(
        browser, "/system/"
    )  # the rotation reports its progress

    # Forms replace keys and the worker checks them while the second run is at work.
    second_rotation = subprocess.Popen(
        panel.command_line("rotate_encryption"),
        env=panel.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for number, address in enumerate(keys):
        panel.submit_form(
            browser, f"{address}replace/", api_key=sandbox_key(Scenario.HEALTHY, f"new {number}")
        )
    stdout, stderr = second_rotation.communicate(timeout=120)
    assert second_rotation.returncode == 0, stderr
    assert f"Master key {old_id}: 0 rows under the former key; it can go now." in stdout
    assert _count_keys_under(panel, old_id) == 0

    # The former key is taken away: every key still opens, and works.
    panel.stop_all()
    panel.env["ENCRYPTION_KEYS"] = new
    panel.start_web()
    panel.start_worker()
    browser = panel.sign_in()
    for number, address in enumerate(keys):
        ends = sandbox_key(Scenario.HEALTHY, f"new {number}")[-4:]
        assert wait_until(lambda at=address, ends=ends: ends in _get_page(panel, browser, at)), (
            address
        )
        assert wait_until(lambda at=address: "Up to date" in _get_page(panel, browser, at)), address
    examined = panel.manage("doctor").stdout
    assert re.search(r"ok +master key", examined), examined
    assert panel.query_rows("SELECT count(*) FROM vault_masterkeycanary") == [(1,)]


# Resealing this row counts to ten thousand million first.
_HALTING = """
    CREATE VIEW endless AS WITH RECURSIVE numbers(n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 10000000000
    ) SELECT count(*) AS many FROM numbers;
    CREATE TRIGGER halting AFTER UPDATE OF master_key_id ON vault_apikey WHEN NEW.id = {halting_id}
    BEGIN SELECT many FROM endless; END;
"""


def _kill_in_the_middle(panel: SplitPanel, new_id: str) -> None:
    panel.execute_script(_HALTING.format(halting_id=KEYS * 2 // 3))
    rotation = subprocess.Popen(
        panel.command_line("rotate_encryption"),
        env=panel.env,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert wait_until(lambda: _count_keys_under(panel, new_id) > 100)
    os.killpg(rotation.pid, signal.SIGKILL)
    rotation.wait(timeout=120)
    panel.execute_script("DROP TRIGGER halting; DROP VIEW endless;")


def _get_page(panel: SplitPanel, browser: requests.Session, address: str) -> str:
    return panel.get_page(browser, address)
