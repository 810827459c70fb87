"""Drill S23: strangers who sign in from ever other networks keep nobody else waiting."""

import select
import signal
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
import requests

from tests.flows.panel import EMAIL, PASSWORD, Panel
from tests.flows.raw import read_answer, request, spoken
from tests.flows.split_panel import SplitPanel

STRANGERS = 60
TOKEN = "a" * 32  # as good as any: the cookie and the field need only be the same
PAGE = request("GET /accounts/login/")


def stranger(number: int) -> bytes:
    """A guess at an account of nobody's, from a /64 that was never here."""
    form = {"login": f"nobody-{number}@example.org", "password": "a guess"}
    body = urlencode(form | {"csrfmiddlewaretoken": TOKEN}).encode()
    head = [
        "Content-Type: application/x-www-form-urlencoded",
        f"Cookie: csrftoken={TOKEN}",
        f"X-Forwarded-For: 2001:db8:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}::1",
        f"Content-Length: {len(body)}",
    ]
    return request("POST /accounts/login/", head, body)


def used_before(panel: Panel) -> requests.Session:
    """A browser in which the administrator signed in, and out again."""
    browser = panel.signed_in()
    browser.headers["Referer"] = f"{panel.address}/accounts/login/"
    form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    browser.post(f"{panel.address}/accounts/logout/", data=form, timeout=120)
    return browser


def sign_in(panel: Panel, browser: requests.Session) -> requests.Response:
    """Once, whatever comes of it."""
    form = {
        "login": EMAIL,
        "password": PASSWORD,
        "csrfmiddlewaretoken": browser.cookies["csrftoken"],
    }
    page = f"{panel.address}/accounts/login/"
    return browser.post(page, data=form, timeout=120, allow_redirects=False)


def failures(panel: SplitPanel) -> int:
    """How many failed sign-ins are written down."""
    rows = panel.rows("SELECT id FROM audit_auditevent WHERE tag = 'sign_in_failed'")
    return len(rows)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SplitPanel]:
    panel = SplitPanel(tmp_path_factory.mktemp("flood"), api="http://127.0.0.1:9")
    panel.env |= {"TRUSTED_PROXIES": "1"}
    try:
        panel.set_up()
        panel.start_web()
        yield panel
        _ends_in_order(panel)
    finally:
        panel.end_all()


def _ends_in_order(panel: SplitPanel) -> None:
    """While strangers wait, too."""
    with ExitStack() as stack:
        for number in range(12):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            stack.enter_context(wire).sendall(stranger(80_000 + number))
        assert panel.web is not None
        panel.web.send_signal(signal.SIGTERM)
        assert panel.web.wait(timeout=120) == 0


def test_a_flood_of_sign_ins_leaves_pages_and_known_browsers_alone(panel: SplitPanel) -> None:
    browser, before = used_before(panel), failures(panel)
    with ExitStack() as stack:
        wires = []
        for number in range(STRANGERS):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            wires.append(stack.enter_context(wire))
            wire.sendall(stranger(number))
        pages = [spoken(panel.port, PAGE).status for _ in range(5)]
        waiting = STRANGERS - len(select.select(wires, [], [], 0)[0])
        known = sign_in(panel, browser).status_code
        told = [read_answer(wire) for wire in wires]
    assert pages == [200] * 5
    assert waiting > 0
    assert known == 302
    counted = Counter(one.status for one in told)
    assert set(counted) == {200, 429}
    for one in told:
        if one.status == 429:
            assert "\r\nRetry-After: 5\r\n" in one.head
            assert "Too many people are signing in at this moment." in one.body
    # What was refused was not looked at: no guess was counted, no event written.
    assert failures(panel) - before == counted[200]
    log = panel.logs[0].read_text()
    assert log.count("Too many sign-ins at once") <= 1
    assert "Too Many Requests" not in log
    assert spoken(panel.port, PAGE).status == 200


def test_requests_behind_one_another_wait_like_all_others(panel: SplitPanel) -> None:
    kept = stranger(70_000).replace(b"Connection: close", b"Connection: keep-alive")
    told = spoken(panel.port, kept * 3 + stranger(70_001))
    assert told.status in {200, 429}
    assert told.answers == 4
