"""Drill S23: a flood of sign-ins from ever new networks keeps nobody else waiting."""

import select
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
import requests

from tests.flows.panel_process import EMAIL, PASSWORD, PanelProcess
from tests.flows.raw_http import build_raw_request, read_raw_response, send_raw_request
from tests.flows.split_key_panel import SplitPanel

STRANGERS = 60
TOKEN = "a" * 32  # any value: cookie and field need only be equal
PAGE = build_raw_request("GET /accounts/login/")


def stranger_sign_in_request(number: int) -> bytes:
    """A sign-in to an unknown account, from an IPv6 /64 that was never seen."""
    form = {"login": f"nobody-{number}@example.org", "password": "a guess"}
    body = urlencode(form | {"csrfmiddlewaretoken": TOKEN}).encode()
    head = [
        "Content-Type: application/x-www-form-urlencoded",
        f"Cookie: csrftoken={TOKEN}",
        f"X-Forwarded-For: 2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1",
        f"Content-Length: {len(body)}",
    ]
    return build_raw_request("POST /accounts/login/", head, body)


def known_browser(panel: PanelProcess) -> requests.Session:
    """A browser in which the administrator signed in, and out again."""
    browser = panel.sign_in()
    browser.headers["Referer"] = f"{panel.address}/accounts/login/"
    form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.post(f"{panel.address}/accounts/logout/", data=form, timeout=120)
    return browser


def sign_in(panel: PanelProcess, browser: requests.Session) -> requests.Response:
    """Sign in once; the response, whatever its status."""
    form = {
        "login": EMAIL,
        "password": PASSWORD,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    page = f"{panel.address}/accounts/login/"
    return browser.post(page, data=form, timeout=120, allow_redirects=False)


def failed_sign_in_count(panel: SplitPanel) -> int:
    """The number of audited failed sign-ins."""
    rows = panel.query_rows("SELECT id FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    return len(rows)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    panel = SplitPanel(tmp_path_factory.mktemp("flood"), api="http://127.0.0.1:9")
    panel.env |= {"TRUSTED_PROXIES": "1"}
    try:
        panel.migrate_and_create_admin()
        panel.start_web()
        yield panel
        _stop_while_sign_ins_wait(panel)
    finally:
        panel.stop_all()


def _stop_while_sign_ins_wait(panel: SplitPanel) -> None:
    """Stop the panel while sign-ins wait in the queue; it must end in order."""
    with ExitStack() as stack:
        for number in range(12):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            stack.enter_context(wire).sendall(stranger_sign_in_request(80_000 + number))
        assert panel.web is not None
        panel.web.send_signal(signal.SIGTERM)
        assert panel.web.wait(timeout=120) == 0


def test_a_flood_of_sign_ins_leaves_pages_and_known_browsers_alone(panel: SplitPanel) -> None:
    browser, failures_before = known_browser(panel), failed_sign_in_count(panel)
    with ExitStack() as stack:
        wires = []
        for number in range(STRANGERS):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            wires.append(stack.enter_context(wire))
            wire.sendall(stranger_sign_in_request(number))
        pages = [send_raw_request(panel.port, PAGE).status for _ in range(5)]
        waiting = STRANGERS - len(select.select(wires, [], [], 0)[0])
        known_status = sign_in(panel, browser).status_code
        responses = [read_raw_response(wire) for wire in wires]
    assert pages == [200] * 5
    assert waiting > 0
    assert known_status == 302
    counted = Counter(response.status for response in responses)
    assert set(counted) == {200, 429}
    for response in responses:
        if response.status == 429:
            assert "\r\nRetry-After: 5\r\n" in response.head
            assert "Too many people are signing in at this moment." in response.body
    # Refused sign-ins were not checked: no guess was counted, no event written.
    assert failed_sign_in_count(panel) - failures_before == counted[200]
    log = panel.logs[0].read_text()
    assert log.count("Too many sign-ins at once") <= 1
    assert "Too Many Requests" not in log
    assert send_raw_request(panel.port, PAGE).status == 200


def test_pipelined_requests_wait_like_all_others(panel: SplitPanel) -> None:
    request_bytes = stranger_sign_in_request(70_000).replace(
        b"Connection: close", b"Connection: keep-alive"
    )
    response = send_raw_request(panel.port, request_bytes * 3 + stranger_sign_in_request(70_001))
    assert response.status in {200, 429}
    assert response.answers == 4
