"""Sign-ins wait in two lanes without a thread: those of browsers used before, and all others."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from selectors import DefaultSelector
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, urlencode

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from freddy_admin.accounts.auth.known_devices import (
    known_device_mark_request,
    known_device_set_cookie,
)
from freddy_admin.ops.gunicorn_worker import (
    KNOWN_DEVICE_LANE,
    STRANGER_LANE,
    PanelWorker,
    sign_in_request_lane,
)
from freddy_admin.ops.slow_clients import RequestLane
from tests.flows.raw_http import read_raw_response

ADA = "ada@example.org"


@pytest.fixture
def cookie() -> str:
    """The known-device cookie of a browser that ada used."""
    request = RequestFactory().get("/")
    known_device_mark_request(request, ADA)
    return known_device_set_cookie(request, HttpResponse()).cookies["known-device"].value


def sign_in(email: str = ADA, *, target: str = "/accounts/login/", cookie: str = "") -> bytes:
    body = urlencode({"login": email, "password": "words"})
    head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nCookie: a=b; known-device={cookie}"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def test_browser_used_by_this_person_has_the_known_device_lane(cookie: str) -> None:
    assert sign_in_request_lane(sign_in(cookie=cookie)) == KNOWN_DEVICE_LANE
    assert sign_in_request_lane(sign_in(" Ada@Example.org", cookie=cookie)) == KNOWN_DEVICE_LANE
    assert sign_in_request_lane(sign_in("eve@example.org", cookie=cookie)) == STRANGER_LANE
    assert sign_in_request_lane(sign_in(cookie=cookie[:-1])) == STRANGER_LANE
    assert sign_in_request_lane(sign_in(cookie="~".join(["x:y:z"] * 400))) == STRANGER_LANE
    assert sign_in_request_lane(sign_in()) == STRANGER_LANE


@pytest.mark.parametrize(
    "target",
    [
        "/accounts/login/?next=/",
        "http://localhost/accounts/login/",
        "/accounts/l%6fgin/",
        quote("/accounts/login/", safe=""),
    ],
)
def test_other_spellings_of_the_sign_in_address_have_a_lane(target: str) -> None:
    assert sign_in_request_lane(sign_in(target=target)) == STRANGER_LANE


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
def test_other_requests_have_no_lane(data: bytes) -> None:
    assert sign_in_request_lane(data) == ""


@pytest.mark.parametrize(
    "body", [b"", b"login=%ff%00", b"\xff" * 99, b"a=&" * 30_000 + b"login=\xed"]
)
def test_sign_in_with_any_body_has_the_stranger_lane(body: bytes) -> None:
    head = b"POST /accounts/login/ HTTP/1.1\r\nCookie: known-device=\xff~:\r\nno colon\r\n\r\n"
    assert sign_in_request_lane(head + body) == STRANGER_LANE


class RecordingWorker(PanelWorker):
    """The worker with small lanes; `started_connections` records which requests got a thread."""

    lanes = {
        STRANGER_LANE: RequestLane(max_running=2, max_queued=3, max_wait_seconds=600.0),
        KNOWN_DEVICE_LANE: RequestLane(1, 9, 30.0),
    }


@pytest.fixture
def started_connections() -> Iterator[list[Any]]:
    started: list[Any] = []
    with patch.object(ThreadWorker, "enqueue_req", lambda _, conn: started.append(conn)):
        yield started


@pytest.fixture
def worker() -> Iterator[RecordingWorker]:
    worker = RecordingWorker(1, 1, [], None, 30, Config(), None)
    worker.nr_conns, worker.poller = 99, DefaultSelector()
    yield worker
    worker.poller.close()
    worker.tmp.close()


DispatchLater = Callable[[float], None]


@pytest.fixture
def dispatch_later(worker: RecordingWorker, monkeypatch: pytest.MonkeyPatch) -> DispatchLater:
    """One turn of gunicorn's loop, so many seconds after the test began."""
    begun_at = time.monotonic()

    def dispatch(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: begun_at + seconds)
        worker.wait_for_and_dispatch_events(0)

    return dispatch


class Connection(SimpleNamespace):
    """A connection as gunicorn has it: equal to itself alone."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


Connect = Callable[[bytes], tuple[Connection, socket.socket]]


@pytest.fixture
def connect(worker: RecordingWorker) -> Iterator[Connect]:
    """Sends bytes over a new connection; returns the connection and the client's end of it."""
    sockets: list[socket.socket] = []

    def arrive(data: bytes) -> tuple[Connection, socket.socket]:
        worker_end, client_end = socket.socketpair()
        sockets.extend((worker_end, client_end))
        client_end.sendall(data)
        conn = Connection(sock=worker_end, close=worker_end.close, data_ready=False, parser=None)
        worker.enqueue_req(conn)
        return conn, client_end

    yield arrive
    for sock in sockets:
        sock.close()


def test_next_stranger_starts_when_a_running_one_is_done(
    worker: RecordingWorker, connect: Connect, started_connections: list[Any]
) -> None:
    conns = [connect(sign_in())[0] for _ in range(4)]
    assert started_connections == conns[:2]
    future: Future[bool] = Future()
    future.set_result(True)
    with patch.object(ThreadWorker, "finish_request"):
        worker.finish_request(conns[0], future)
    assert started_connections == conns[:3]


def test_strangers_that_waited_for_long_start_one_at_a_time(
    worker: RecordingWorker,
    connect: Connect,
    started_connections: list[Any],
    dispatch_later: DispatchLater,
) -> None:
    conns = [connect(sign_in())[0] for _ in range(5)]
    dispatch_later(0)
    assert started_connections == conns[:2]
    dispatch_later(610)
    dispatch_later(611)
    assert started_connections == conns[:3]
    del worker.running_requests[conns[2]]
    # Not so soon after the one before.
    dispatch_later(610.01)
    assert started_connections == conns[:3]
    dispatch_later(612)
    assert started_connections == conns[:4]


@pytest.mark.parametrize(("alive", "seconds_later"), [(True, 1_210), (False, 0)])
def test_sign_in_that_waited_in_vain_gets_a_429(
    worker: RecordingWorker,
    connect: Connect,
    started_connections: list[Any],
    dispatch_later: DispatchLater,
    alive: bool,
    seconds_later: int,
) -> None:
    client_ends = [connect(sign_in())[1] for _ in range(5)]
    worker.alive = alive
    dispatch_later(seconds_later)
    for client_end in client_ends[2:]:
        assert read_raw_response(client_end).status == 429
    assert len(started_connections) == 2
    assert worker.nr_conns == 96


def test_other_requests_and_known_devices_overtake_strangers(
    worker: RecordingWorker, connect: Connect, started_connections: list[Any], cookie: str
) -> None:
    stranger_conns = [connect(sign_in())[0] for _ in range(5)]
    page = connect(b"GET / HTTP/1.1\r\n\r\n")[0]
    known_conn = connect(sign_in(cookie=cookie))[0]
    assert started_connections == [*stranger_conns[:2], page, known_conn]


@pytest.mark.parametrize(
    ("accept", "kind"), [("text/html", "text/html; charset=utf-8"), ("application/json",) * 2]
)
def test_sign_in_at_a_full_lane_gets_a_429_at_once(
    worker: RecordingWorker,
    connect: Connect,
    started_connections: list[Any],
    accept: str,
    kind: str,
) -> None:
    for _ in range(5):
        connect(sign_in())
    data = sign_in().replace(b"Host:", f"Accept: {accept}\r\nHost:".encode())
    _conn, client_end = connect(data)
    response = read_raw_response(client_end)
    lines = response.head.split("\r\n")
    assert lines[0] == "HTTP/1.1 429 Too Many Requests"
    assert {"Retry-After: 5", f"Content-Type: {kind}", "Connection: close"} <= set(lines)
    assert {"X-Frame-Options: DENY", "Cache-Control: private, no-store"} <= set(lines)
    assert f"Content-Length: {len(response.body)}" in lines
    assert "Too many people are signing in at this moment." in response.body
    assert worker.nr_conns == 98
    assert len(started_connections) == 2
