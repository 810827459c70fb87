"""Sign-ins wait in two lanes without a thread: those of browsers used before, and all others."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from freddy_admin.accounts.signing_in.known_devices import device_remember, device_remembered
from freddy_admin.ops.patience import Lane
from freddy_admin.ops.sign_in_lane import KNOWN, STRANGERS, lane_of
from freddy_admin.ops.web_server import PanelWorker
from tests.flows.raw import read_answer

ADA = "ada@example.org"


@pytest.fixture
def cookie() -> str:
    """Of a browser that ada used."""
    request = RequestFactory().get("/")
    device_remember(request, ADA)
    return device_remembered(request, HttpResponse()).cookies["known-device"].value


def sign_in(email: str = ADA, *, target: str = "/accounts/login/", cookie: str = "") -> bytes:
    body = urlencode({"login": email, "password": "words"})
    head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; known-device={cookie}"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_a_browser_used_by_this_very_person_is_known(cookie: str) -> None:
    assert lane_of(sign_in(cookie=cookie)) == KNOWN
    assert lane_of(sign_in(" Ada@Example.org", cookie=cookie)) == KNOWN
    assert lane_of(sign_in("eve@example.org", cookie=cookie)) == STRANGERS
    assert lane_of(sign_in(cookie=cookie[:-1])) == STRANGERS
    assert lane_of(sign_in(cookie="~".join(["x:y:z"] * 400))) == STRANGERS
    assert lane_of(sign_in()) == STRANGERS


@pytest.mark.parametrize(
    "target",
    [
        "/accounts/login/?next=/",
        "http://localhost/accounts/login/",
        "/accounts/l%6fgin/",
        quote("/accounts/login/", safe=""),
    ],
)
def test_the_address_of_the_sign_in_is_known_in_other_spellings(target: str) -> None:
    assert lane_of(sign_in(target=target)) == STRANGERS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"POST ",
        b"POST \r\n\r\n",
        b"POST http://[ HTTP/1.1\r\n\r\n",
        b"GET /accounts/login/ HTTP/1.1\r\n\r\n",
        b"POST /accounts/logout/ HTTP/1.1\r\n\r\n",
        sign_in(target="/accounts/login/x"),
    ],
)
def test_all_other_bytes_have_no_lane(data: bytes) -> None:
    assert lane_of(data) == ""


@pytest.mark.parametrize(
    "body", [b"", b"login=%ff%00", b"\xff" * 99, b"a=&" * 30_000 + b"login=\xed"]
)
def test_whatever_a_body_holds_is_a_strangers(body: bytes) -> None:
    head = b"POST /accounts/login/ HTTP/1.1\r\nCookie: known-device=\xff~:\r\nno colon\r\n\r\n"
    assert lane_of(head + body) == STRANGERS


class Begun(PanelWorker):
    """The worker with small lanes; which requests got a thread is noted instead."""

    lanes = {STRANGERS: Lane(at_once=2, places=3, seconds=600.0), KNOWN: Lane(1, 9, 30.0)}


@pytest.fixture
def begun() -> Iterator[list[Any]]:
    noted: list[Any] = []
    with patch.object(ThreadWorker, "enqueue_req", lambda _, conn: noted.append(conn)):
        yield noted


@pytest.fixture
def worker() -> Iterator[Begun]:
    worker = Begun(1, 1, [], None, 30, Config(), None)
    worker.nr_conns = 99
    yield worker
    worker.tmp.close()


class Connection(SimpleNamespace):
    """As gunicorn's: each is itself alone."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


Came = Callable[[bytes], tuple[Connection, socket.socket]]


@pytest.fixture
def came(worker: Begun) -> Iterator[Came]:
    """Lets this arrive over a connection of its own: that, and its other end."""
    ends: list[socket.socket] = []

    def arrive(data: bytes) -> tuple[Connection, socket.socket]:
        here, there = socket.socketpair()
        ends.extend((here, there))
        there.sendall(data)
        conn = Connection(sock=here, close=here.close, data_ready=False)
        worker._line_up(conn, data, time.monotonic())
        return conn, there

    yield arrive
    for end in ends:
        end.close()


def test_a_few_strangers_have_a_thread_and_the_next_is_let_in_for_one_that_is_done(
    worker: Begun, came: Came, begun: list[Any]
) -> None:
    conns = [came(sign_in())[0] for _ in range(4)]
    assert begun == conns[:2]
    done: Future[bool] = Future()
    done.set_result(True)
    with patch.object(ThreadWorker, "finish_request"):
        worker.finish_request(conns[0], done)
    assert begun == conns[:3]


def test_who_waited_for_long_is_let_through_one_at_a_time(
    worker: Begun, came: Came, begun: list[Any]
) -> None:
    conns, now = [came(sign_in())[0] for _ in range(5)], time.monotonic()
    worker._let_through(STRANGERS, now)
    assert begun == conns[:2]
    worker._let_through(STRANGERS, now + 601)
    worker._let_through(STRANGERS, now + 602)
    assert begun == conns[:3]
    del worker.working[conns[2]]
    worker._let_through(STRANGERS, now + 601.01)  # not so soon after the one before
    assert begun == conns[:3]
    worker._let_through(STRANGERS, now + 603)
    assert begun == conns[:4]


@pytest.mark.parametrize(("alive", "later"), [(True, 1_201), (False, 0)])
def test_who_waits_in_vain_is_told_so(
    worker: Begun, came: Came, begun: list[Any], alive: bool, later: int
) -> None:
    ends = [came(sign_in())[1] for _ in range(5)]
    worker.alive = alive
    worker._let_through(STRANGERS, time.monotonic() + later)
    for there in ends[2:]:
        assert read_answer(there).status == 429
    assert len(begun) == 2
    assert worker.nr_conns == 96


def test_other_requests_and_known_browsers_pass_the_strangers_by(
    worker: Begun, came: Came, begun: list[Any], cookie: str
) -> None:
    strangers = [came(sign_in())[0] for _ in range(5)]
    page = came(b"GET / HTTP/1.1\r\n\r\n")[0]
    known = came(sign_in(cookie=cookie))[0]
    assert begun == [*strangers[:2], page, known]


@pytest.mark.parametrize(
    ("accept", "kind"), [("text/html", "text/html; charset=utf-8"), ("application/json",) * 2]
)
def test_where_no_place_to_wait_is_left_the_answer_comes_at_once(
    worker: Begun, came: Came, begun: list[Any], accept: str, kind: str
) -> None:
    for _ in range(5):
        came(sign_in())
    data = sign_in().replace(b"Host:", f"Accept: {accept}\r\nHost:".encode())
    _conn, there = came(data)
    told = read_answer(there)
    lines = told.head.split("\r\n")
    assert lines[0] == "HTTP/1.1 429 Too Many Requests"
    assert {"Retry-After: 5", f"Content-Type: {kind}", "Connection: close"} <= set(lines)
    assert {"X-Frame-Options: DENY", "Cache-Control: private, no-store"} <= set(lines)
    assert f"Content-Length: {len(told.body)}" in lines
    assert "Too many people are signing in at this moment." in told.body
    assert worker.nr_conns == 98
    assert len(begun) == 2
