"""Drill S29: two hundred clients that send a byte a second keep no other waiting."""

import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.drill_scale import drill_count
from tests.flows.panel_process import PanelProcess
from tests.flows.raw_http import build_raw_request, send_raw_request
from tests.flows.wait import wait_until

SLOW, OTHERS = 200, drill_count(100)
LOGIN = build_raw_request("GET /accounts/login/")
COOKIE = "Cookie: csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"
HEAD = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SMALL = build_raw_request(
    "POST /accounts/login/", [FORM, COOKIE, "Content-Length: 5000"], b"login="
)
LARGE = build_raw_request(
    "POST /accounts/login/", [FORM, COOKIE, "Content-Length: 900000"], b"x" * 80_000
)
REQUEST_STARTS = {"nothing": b"", "head": HEAD, "small": SMALL, "large": LARGE}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PanelProcess]:
    panel = PanelProcess(tmp_path_factory.mktemp("slow"), api="http://127.0.0.1:9")
    panel.create_database()
    panel.start()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0


class SlowClient:
    """`number` connections that send `start` at once, and then a byte a second."""

    def __init__(self, port: int, begin: bytes) -> None:
        self._is_closing = threading.Event()
        self.wires = [
            socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(SLOW)
        ]
        for wire in self.wires:
            wire.setblocking(False)
            with suppress(BlockingIOError):
                wire.send(begin)
        self._thread = threading.Thread(target=self._send_bytes_slowly, daemon=True)
        self._thread.start()

    def _send_bytes_slowly(self) -> None:
        while not self._is_closing.wait(1):
            for wire in self.wires:
                with suppress(OSError):
                    wire.send(b"x")

    def waiting(self) -> int:
        """How many connections have received nothing yet."""
        return SLOW - len(select.select(self.wires, [], [], 0)[0])

    def end(self) -> None:
        self._is_closing.set()
        self._thread.join()
        for wire in self.wires:
            wire.close()


@pytest.mark.drill
@pytest.mark.parametrize("begin", REQUEST_STARTS.values(), ids=REQUEST_STARTS)
def test_other_clients_are_served_as_if_nobody_was_slow(panel: PanelProcess, begin: bytes) -> None:
    slow = SlowClient(panel.port, begin)
    try:
        answers = [send_raw_request(panel.port, LOGIN).status for _ in range(OTHERS)]
        waiting = slow.waiting()
    finally:
        slow.end()
    assert answers == [200] * OTHERS
    # No other client had to wait until the slow ones, far more than there are threads, were cut
    # off. The benchmark measures how long they waited.
    assert waiting == SLOW


def test_client_that_never_closes_keeps_nobody_waiting(panel: PanelProcess) -> None:
    with ExitStack() as stack:
        for _ in range(SLOW):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            stack.enter_context(wire).sendall(build_raw_request("GET /healthz"))
        # Two seconds for each slow client, one after the other, would be minutes.
        answers = [send_raw_request(panel.port, LOGIN) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5


def test_response_arrives_where_more_was_sent_than_is_read(panel: PanelProcess) -> None:
    response = send_raw_request(panel.port, build_raw_request("GET /healthz") + b"x" * 50_000)
    assert response.status == 200
    assert response.body


def test_too_slow_client_is_told_so_and_cut_off(panel: PanelProcess) -> None:
    with socket.create_connection(("127.0.0.1", panel.port), timeout=120) as wire:
        wire.sendall(HEAD)
        assert wait_until(lambda: bool(select.select([wire], [], [], 0)[0]), seconds=100)
        assert wire.recv(100).startswith(b"HTTP/1.1 408 ")


def test_request_in_pieces_is_answered_once_complete(panel: PanelProcess) -> None:
    pieces = [LOGIN[:20], LOGIN[20:40], LOGIN[40:]]
    with socket.create_connection(("127.0.0.1", panel.port), timeout=120) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            wire.sendall(piece)
            select.select([wire], [], [], 0.1)
        assert wire.recv(100).startswith(b"HTTP/1.1 200 ")


def test_pipelined_requests_are_all_answered(panel: PanelProcess) -> None:
    request_bytes = build_raw_request("GET /healthz", ["Connection: keep-alive"])
    response = send_raw_request(panel.port, request_bytes * 3 + build_raw_request("GET /healthz"))
    assert (response.status, response.answers) == (200, 4)


def test_a_large_body_is_read(panel: PanelProcess) -> None:
    body = b"login=" + b"x" * 900_000
    head = [FORM, COOKIE, f"Content-Length: {len(body)}"]
    response = send_raw_request(panel.port, build_raw_request("POST /accounts/login/", head, body))
    assert response.status == 403  # read, and found to have no token
