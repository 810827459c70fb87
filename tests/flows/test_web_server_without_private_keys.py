"""The web server does all its work with the public half of the master key alone."""

import re
from collections.abc import Iterator

import pytest
import requests

from freddy_admin.sandbox.key_scenarios import Scenario, sandbox_key
from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.split_key_panel import SplitPanel, generate_master_key, read_process_environment
from tests.flows.wait import wait_until

ALDER = "/organisations/alder/"
FIRST = sandbox_key(Scenario.HEALTHY, "Alder one")
SECOND = sandbox_key(Scenario.HEALTHY, "Alder two")


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    with SandboxServer() as sandbox:
        panel = SplitPanel(tmp_path_factory.mktemp("split"), api=sandbox.base_url)
        try:
            panel.migrate_and_create_admin()
            panel.start_web()
            panel.start_worker()
            yield panel
        finally:
            panel.stop_all()


@pytest.fixture(scope="module")
def browser(panel: SplitPanel) -> requests.Session:
    browser = panel.sign_in()
    panel.submit_form(browser, "/add-organisation/", name="Alder")
    return browser


@pytest.fixture(scope="module")
def key(panel: SplitPanel, browser: requests.Session) -> str:
    """The path of a key that was added with the form and tested by the worker."""
    answer = panel.submit_form(browser, f"{ALDER}keys/add/", label="Main", api_key=FIRST)
    match = re.search(r"/organisations/alder/keys/\d+/", answer.url)
    assert match, answer.url
    address = match.group()
    assert wait_until(lambda: "Up to date" in panel.get_page(browser, address)), _read_logs(panel)
    return address


def _read_logs(panel: SplitPanel) -> str:
    return "\n".join(log.read_text()[-3000:] for log in panel.logs)


def test_web_process_has_no_private_key_under_any_name(panel: SplitPanel, key: str) -> None:
    assert panel.web is not None
    environment = read_process_environment(panel.web.pid)
    assert panel.env["ENCRYPTION_KEYS"].rstrip("=").encode() not in environment
    assert b"ENCRYPTION_PUBLIC_KEY" in environment
    assert b"ENCRYPTION_KEYS" not in environment


def test_a_key_is_added_tested_and_shown_masked(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    page = panel.get_page(browser, key)
    assert FIRST not in page
    assert FIRST[-4:] in page


def test_a_replaced_key_is_tested_while_the_old_one_works(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.submit_form(browser, f"{key}replace/", api_key=SECOND)
    assert wait_until(lambda: SECOND[-4:] in panel.get_page(browser, key)), _read_logs(panel)
    assert wait_until(lambda: "data-candidate" not in panel.get_page(browser, key))


def test_refused_key_is_shown_and_the_old_one_stays(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.submit_form(
        browser, f"{key}replace/", api_key="oak_live_nobody_knows_this_key_0123456789"
    )
    assert wait_until(lambda: "refused" in panel.get_page(browser, key).lower()), _read_logs(panel)


def test_sync_is_started_and_its_result_shown(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    panel.submit_form(browser, f"{key}sync/", mode="full")
    sql = "SELECT state FROM sync_remoteoperation"
    assert wait_until(lambda: panel.query_rows(sql) == [("done",)]), (
        panel.query_rows(sql),
        _read_logs(panel),
    )
    assert re.search(r"tools: \d+ new", panel.get_page(browser, ALDER))


def test_every_page_answers_and_the_system_page_names_the_canary(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    for path in ("/", ALDER, key, f"{ALDER}connectors/", f"{ALDER}auth-configs/", "/audit/"):
        panel.get_page(browser, path)
    # The worker tests a new canary within a minute.
    sentence = "can store keys but not open them"
    assert wait_until(lambda: sentence in panel.get_page(browser, "/system/"))
    assert wait_until(lambda: "opened by" in panel.get_page(browser, "/system/"))
    assert "stored key" in panel.get_page(browser, "/system/")


def test_worker_with_another_master_key_is_reported_on_pages_and_by_the_doctor(
    panel: SplitPanel, browser: requests.Session, key: str
) -> None:
    """A worker without the right master key, as after a restored backup, changes nothing stored."""
    sealed_before, private_keys = _sealed_rows(panel), panel.env["ENCRYPTION_KEYS"]
    panel.stop_process(panel.worker)
    panel.env["ENCRYPTION_KEYS"] = generate_master_key()
    try:
        panel.start_worker()
        assert wait_until(lambda: "does not fit the database" in panel.get_page(browser, "/")), (
            _read_logs(panel)
        )
        assert wait_until(lambda: "No stored key is lost" in panel.get_page(browser, "/system/"))
        examined = panel.manage("doctor").stdout
        assert "PROBLEM  master key" in examined
        assert "No stored key is lost" in examined
        assert panel.manage("rotate_encryption").returncode == 1
        assert panel.manage("check_now", "--all").returncode == 0
        assert _sealed_rows(panel) == sealed_before
    finally:
        panel.stop_process(panel.worker)
        panel.env["ENCRYPTION_KEYS"] = private_keys
        panel.start_worker()
    assert wait_until(lambda: "Up to date" in panel.get_page(browser, key)), _read_logs(panel)
    assert _sealed_rows(panel) == sealed_before


def test_no_process_wrote_a_key_into_its_log(panel: SplitPanel, key: str) -> None:
    for log in panel.logs:
        text = log.read_text()
        assert FIRST[14:-4] not in text
        assert SECOND[14:-4] not in text
        assert panel.env["ENCRYPTION_KEYS"] not in text


def _sealed_rows(panel: SplitPanel) -> list[tuple[object, ...]]:
    return panel.query_rows(
        "SELECT id, version, master_key_id, ciphertext FROM vault_apikey ORDER BY id"
    )
