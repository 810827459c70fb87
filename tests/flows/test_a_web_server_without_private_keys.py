"""The web server does all its work with the public half of the master key alone."""

import re
from collections.abc import Iterator

import pytest
import requests

from freddy_admin.sandbox.scenarios import Scenario, key_for
from freddy_admin.sandbox.server import SandboxServer
from tests.flows.split_panel import SplitPanel, new_master_key, surroundings
from tests.flows.waiting import until

ALDER = "/organisations/alder/"
FIRST, SECOND = key_for(Scenario.HEALTHY, "Alder one"), key_for(Scenario.HEALTHY, "Alder two")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path_factory.mktemp("split"), api=sandbox.base_url)
        try:
            panel.set_up()
            panel.start_web()
            panel.start_worker()
            yield panel
        finally:
            panel.end_all()


@pytest.fixture(scope="module")
def browser(panel: SplitPanel) -> requests.Session:
    browser = panel.signed_in()
    panel.send(browser, "/add-organisation/", name="Alder")
    return browser


@pytest.fixture(scope="module")
def key(panel: SplitPanel, browser: requests.Session) -> str:
    """The address of a key that was added with the form and tested by the worker."""
    answer = panel.send(browser, f"{ALDER}keys/add/", label="Main", api_key=FIRST)
    found = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert found, answer.url
    address = found.group()
    assert until(lambda: "Up to date" in panel.page(browser, address)), _log(panel)
    return address


def _log(panel: SplitPanel) -> str:
    return "\n".join(log.read_text()[-3000:] for log in panel.logs)


def test_it_has_no_private_key_under_any_name(panel: SplitPanel, key: str) -> None:
    assert panel.web is not None
    told = surroundings(panel.web.pid)
    assert panel.env["ENCRYPTION_KEYS"].rstrip("=").encode() not in told
    assert b"ENCRYPTION_PUBLIC_KEY" in told
    assert b"ENCRYPTION_KEYS" not in told


def test_a_key_is_added_tested_and_shown_masked(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    page = panel.page(browser, key)
    assert FIRST not in page
    assert FIRST[-4:] in page


def test_a_replaced_key_is_tested_while_the_old_one_works(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.send(browser, f"{key}replace/", api_key=SECOND)
    assert until(lambda: SECOND[-4:] in panel.page(browser, key)), _log(panel)
    assert until(lambda: "data-candidate" not in panel.page(browser, key))


def test_a_refused_key_is_told_and_the_old_one_stays(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.send(browser, f"{key}replace/", api_key="oak_live_nobody_knows_this_key_0123456789")
    assert until(lambda: "refused" in panel.page(browser, key).lower()), _log(panel)


def test_a_sync_is_started_and_its_outcome_told(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.send(browser, f"{key}sync/", mode="full")
    told = "SELECT state FROM sync_order"
    assert until(lambda: panel.rows(told) == [("done",)]), (panel.rows(told), _log(panel))
    assert re.search(r"tools: \d+ new", panel.page(browser, ALDER))


def test_every_page_answers_and_the_system_page_names_the_canary(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    for path in ("/", ALDER, key, f"{ALDER}connectors/", f"{ALDER}auth-configs/", "/audit/"):
        panel.page(browser, path)
    # What another test's worker said of the master key is kept for half a minute.
    fits = "can store keys but not open them"
    assert until(lambda: fits in panel.page(browser, "/system/"), seconds=45)
    assert until(lambda: "opened by" in panel.page(browser, "/system/"), seconds=45)
    assert "stored key" in panel.page(browser, "/system/")


def test_a_worker_with_another_master_key_is_told_on_the_pages_and_by_the_doctor(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    """As after a backup was restored without the master key; nothing stored changes."""
    before, right = _sealed(panel), panel.env["ENCRYPTION_KEYS"]
    panel.end(panel.worker)
    panel.env["ENCRYPTION_KEYS"] = new_master_key()
    try:
        panel.start_worker()
        assert until(lambda: "does not fit the database" in panel.page(browser, "/")), _log(panel)
        assert until(lambda: "No stored key is lost" in panel.page(browser, "/system/"), seconds=45)
        examined = panel.manage("doctor").stdout
        assert "PROBLEM  master key" in examined
        assert "No stored key is lost" in examined
        assert panel.manage("rotate_encryption").returncode == 1
        assert panel.manage("check_now", "--all").returncode == 0
        assert _sealed(panel) == before
    finally:
        panel.end(panel.worker)
        panel.env["ENCRYPTION_KEYS"] = right
        panel.start_worker()
    assert until(lambda: "Up to date" in panel.page(browser, key)), _log(panel)
    assert _sealed(panel) == before


def test_no_process_wrote_a_key_into_its_log(panel: SplitPanel, key: str) -> None:
    for log in panel.logs:
        text = log.read_text()
        assert FIRST[14:-4] not in text
        assert SECOND[14:-4] not in text
        assert panel.env["ENCRYPTION_KEYS"] not in text


def _sealed(panel: SplitPanel) -> list[tuple[object, ...]]:
    return panel.rows("SELECT id, version, master_key_id, ciphertext FROM vault_apikey ORDER BY id")
