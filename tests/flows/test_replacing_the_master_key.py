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
from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.panel import ROOT
from tests.flows.split_panel import SplitPanel, new_master_key
from tests.flows.waiting import until

KEYS = 1_500
WATCHED = 4  # keys that forms replace meanwhile, and that have an answer at the imitation


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path, api=sandbox.base_url)
        try:
            panel.set_up()
            _import(panel)
            yield panel
        finally:
            panel.end_all()


def _import(panel: SplitPanel) -> None:
    rows = [f"Alder,Key {n},{key_for(Scenario.HEALTHY, f'old {n}')},," for n in range(WATCHED)]
    rows += [f"Birch,Key {n},oak_live_{n:08d}_0123456789abcdefghij,," for n in range(KEYS)]
    file = panel.room / "keys.csv"
    file.write_text("\n".join(["organisation,label,api_key,organization_id,tags", *rows]))
    ended = panel.manage("import_keys", str(file))
    assert ended.returncode == 0, ended.stderr
    # The many are there to be sealed anew, not to be checked.
    panel.write(
        "UPDATE vault_apikey SET paused_at = '2026-01-01' WHERE label LIKE 'Key %' AND id > ?",
        WATCHED,
    )


def _under(panel: SplitPanel, master_key_id: str) -> int:
    counts = panel.rows("SELECT count(*) FROM vault_apikey WHERE master_key_id = ?", master_key_id)
    return int(str(counts[0][0]))


def test_a_rotation_that_is_killed_goes_on_and_ends_with_zero_rows_under_the_former_key(
    panel: SplitPanel,
) -> None:
    old = panel.env["ENCRYPTION_KEYS"]
    new = new_master_key()
    old_id, new_id = Keyring([old]).sealing_id, Keyring([new]).sealing_id
    panel.env["ENCRYPTION_KEYS"] = f"{new},{old}"
    panel.start_web()
    panel.start_worker()
    browser = panel.signed_in()
    keys = [f"/organisations/alder/keys/{number + 1}/" for number in range(WATCHED)]

    _kill_in_the_middle(panel, new_id)
    left = _under(panel, old_id)
    assert 0 < left < KEYS + WATCHED
    assert "of 1,504 sealed anew" in panel.page(browser, "/system/")  # how far it came is told

    # Forms replace keys and the worker checks them while the second run is at work.
    second = subprocess.Popen(
        panel._command("rotate_encryption"),
        env=panel.env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for number, address in enumerate(keys):
        panel.send(
            browser, f"{address}replace/", api_key=key_for(Scenario.HEALTHY, f"new {number}")
        )
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert f"Master key {old_id}: 0 rows under the former key; it can go now." in out
    assert _under(panel, old_id) == 0

    # The former key is taken away: every key still opens, and works.
    panel.end_all()
    panel.env["ENCRYPTION_KEYS"] = new
    panel.start_web()
    panel.start_worker()
    browser = panel.signed_in()
    for number, address in enumerate(keys):
        ends = key_for(Scenario.HEALTHY, f"new {number}")[-4:]
        assert until(lambda at=address, ends=ends: ends in _page(panel, browser, at)), address
        assert until(lambda at=address: "Up to date" in _page(panel, browser, at)), address
    examined = panel.manage("doctor").stdout
    assert re.search(r"ok +master key", examined), examined
    assert panel.rows("SELECT count(*) FROM vault_masterkeycanary") == [(1,)]


# Whoever seals this row anew counts to ten thousand million first.
_HALTING = """
    CREATE VIEW endless AS WITH RECURSIVE numbers(n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 10000000000
    ) SELECT count(*) AS many FROM numbers;
    CREATE TRIGGER halting AFTER UPDATE OF master_key_id ON vault_apikey WHEN NEW.id = 1000
    BEGIN SELECT many FROM endless; END;
"""


def _kill_in_the_middle(panel: SplitPanel, new_id: str) -> None:
    panel.script(_HALTING)
    first = subprocess.Popen(
        panel._command("rotate_encryption"),
        env=panel.env,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert until(lambda: _under(panel, new_id) > 100)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait(timeout=120)
    panel.script("DROP TRIGGER halting; DROP VIEW endless;")


def _page(panel: SplitPanel, browser: requests.Session, address: str) -> str:
    return panel.page(browser, address)
