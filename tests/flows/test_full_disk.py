"""A disk that is full: pages are shown, all else says so, and nobody has to start anything anew."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.sandbox_server import SandboxServer
from tests.flows.panel_process import EMAIL, PASSWORD, PanelProcess
from tests.flows.wait import wait_until

FULL = 1_024  # bytes that any file may have: no page of SQLite's log fits any more
SAYS = "The disk of the panel&#x27;s database is full"


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[PanelProcess]:
    with SandboxServer() as sandbox:
        panel = PanelProcess(tmp_path, api=sandbox.base_url)
        panel.create_database()
        panel.start()
        yield panel
        panel.stop()


def _limit_file_size(panel: PanelProcess, limit: int) -> None:
    """Limit the size of files of every running process, as if the disk were full."""
    for pid in panel.process_ids():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


def _submit_form(
    browser: requests.Session, address: str, form: dict[str, str]
) -> requests.Response:
    browser.get(address, timeout=120)
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    return browser.post(address, data=form | token, headers={"Referer": address}, timeout=120)


def _new_browser() -> requests.Session:
    browser = requests.Session()
    browser.trust_env = False
    return browser


def test_full_disk_is_reported_and_recovers_by_itself(panel: PanelProcess) -> None:
    browser, form = panel.sign_in(), {"name": "Root", "time_zone": "UTC", "theme": "system"}
    profile, sign_in = f"{panel.address}/profile/", f"{panel.address}/accounts/login/"
    _limit_file_size(panel, FULL)
    # Again and again: the worker, which waits now, closes its connection in between.
    for page in ("/", "/profile/", "/people/", "/audit/", "/system/", "/accounts/sessions/") * 8:
        assert browser.get(f"{panel.address}{page}", timeout=120).status_code in {200, 404}, page
    wrong_fields = {"login": EMAIL, "password": "wrong horse battery"}
    for answer in (
        _submit_form(browser, profile, form),
        _submit_form(_new_browser(), sign_in, wrong_fields),
        _submit_form(_new_browser(), sign_in, wrong_fields | {"password": PASSWORD}),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
        assert SAYS in answer.text
    assert panel.get_readiness()[0] == 200
    assert panel.get_readiness()[1]["parts"]["database"] == "full"
    _limit_file_size(panel, resource.RLIM_INFINITY)
    assert _submit_form(browser, profile, form).url == profile
    assert (
        _submit_form(_new_browser(), sign_in, wrong_fields | {"password": PASSWORD}).url
        == f"{panel.address}/"
    )
    assert wait_until(lambda: set(panel.get_readiness()[1]["parts"].values()) == {"ok"})
