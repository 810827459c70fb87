"""A disk that is full: pages are shown, all else says so, and nobody has to start anything anew."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from freddy_admin.sandbox.server import SandboxServer
from tests.flows.panel import EMAIL, PASSWORD, Panel
from tests.flows.waiting import until

FULL = 1_024  # bytes that any file may have: no page of SQLite's log fits any more
SAYS = "The disk of the panel&#x27;s database is full"


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    with SandboxServer() as sandbox:
        panel = Panel(tmp_path, api=sandbox.base_url)
        panel.start()
        yield panel
        panel.stop()


def _disk_of(panel: Panel, most: int) -> None:
    """As if so much room were left, for every process that runs."""
    for pid in panel.processes():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


def _sent(browser: requests.Session, address: str, form: dict[str, str]) -> requests.Response:
    browser.get(address, timeout=120)
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    return browser.post(address, data=form | token, headers={"Referer": address}, timeout=120)


def _stranger() -> requests.Session:
    browser = requests.Session()
    browser.trust_env = False
    return browser


def test_a_full_disk_is_said_and_over_by_itself(panel: Panel) -> None:
    browser, form = panel.signed_in(), {"name": "Root", "time_zone": "UTC", "theme": "system"}
    profile, sign_in = f"{panel.address}/profile/", f"{panel.address}/accounts/login/"
    _disk_of(panel, FULL)
    # Again and again: the worker, which waits now, closes its connection in between.
    for page in ("/", "/profile/", "/people/", "/audit/", "/system/", "/accounts/sessions/") * 8:
        assert browser.get(f"{panel.address}{page}", timeout=120).status_code in {200, 404}, page
    wrong = {"login": EMAIL, "password": "wrong horse battery"}
    for answer in (
        _sent(browser, profile, form),
        _sent(_stranger(), sign_in, wrong),
        _sent(_stranger(), sign_in, wrong | {"password": PASSWORD}),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "20")
        assert SAYS in answer.text
    assert panel.ready()[0] == 200
    assert panel.ready()[1]["parts"]["database"] == "full"
    _disk_of(panel, resource.RLIM_INFINITY)
    assert _sent(browser, profile, form).url == profile
    assert _sent(_stranger(), sign_in, wrong | {"password": PASSWORD}).url == f"{panel.address}/"
    assert until(lambda: set(panel.ready()[1]["parts"].values()) == {"ok"})
