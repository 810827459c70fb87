"""Drill S29: two hundred who send a byte a second do not keep the others waiting."""

import select
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.drills import drill_share
from tests.flows.panel import Panel
from tests.flows.raw import request, spoken
from tests.flows.waiting import until

SLOW, OTHERS = 200, drill_share(100)
LOGIN = request("GET /accounts/login/")
COOKIE = "Cookie: csrftoken=" + "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"
HEAD = b"GET /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
SMALL = request("POST /accounts/login/", [FORM, COOKIE, "Content-Length: 5000"], b"login=")
LARGE = request("POST /accounts/login/", [FORM, COOKIE, "Content-Length: 900000"], b"x" * 80_000)
SLOWLY = {"nothing": b"", "head": HEAD, "small": SMALL, "large": LARGE}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    panel = Panel(tmp_path_factory.mktemp("slow"), api="http://127.0.0.1:9")
    panel.start()
    yield panel
    assert panel.stop(signal.SIGTERM) == 0


class Slow:
    """So many connections that send this at once, and then a byte a second."""

    def __init__(self, port: int, begin: bytes) -> None:
        self._over = threading.Event()
        self.wires = [
            socket.create_connection(("127.0.0.1", port), timeout=120) for _ in range(SLOW)
        ]
        for wire in self.wires:
            wire.setblocking(False)
            with suppress(BlockingIOError):
                wire.send(begin)
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self) -> None:
        while not self._over.wait(1):
            for wire in self.wires:
                with suppress(OSError):
                    wire.send(b"x")

    def waiting(self) -> int:
        """How many have been told nothing yet."""
        return SLOW - len(select.select(self.wires, [], [], 0)[0])

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        for wire in self.wires:
            wire.close()


@pytest.mark.drill
@pytest.mark.parametrize("begin", SLOWLY.values(), ids=SLOWLY)
def test_the_others_are_served_as_if_nobody_was_slow(panel: Panel, begin: bytes) -> None:
    slow = Slow(panel.port, begin)
    try:
        answers = [spoken(panel.port, LOGIN).status for _ in range(OTHERS)]
        waiting = slow.waiting()
    finally:
        slow.end()
    assert answers == [200] * OTHERS
    # None of the others had to wait until the slow ones, far more than there are threads, were cut
    # off. The bench measures how long they waited.
    assert waiting == SLOW


def test_who_never_closes_keeps_nobody_waiting(panel: Panel) -> None:
    with ExitStack() as stack:
        for _ in range(SLOW):
            wire = socket.create_connection(("127.0.0.1", panel.port), timeout=120)
            stack.enter_context(wire).sendall(request("GET /healthz"))
        # Two seconds for each of them, one after the other, would be minutes.
        answers = [spoken(panel.port, LOGIN) for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5


def test_an_answer_arrives_where_more_was_sent_than_is_read(panel: Panel) -> None:
    told = spoken(panel.port, request("GET /healthz") + b"x" * 50_000)
    assert told.status == 200
    assert told.body


def test_who_is_too_slow_is_told_so_and_cut_off(panel: Panel) -> None:
    with socket.create_connection(("127.0.0.1", panel.port), timeout=120) as wire:
        wire.sendall(HEAD)
        assert until(lambda: bool(select.select([wire], [], [], 0)[0]), seconds=100)
        assert wire.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_request_in_pieces_is_answered_once_it_is_there(panel: Panel) -> None:
    pieces = [LOGIN[:20], LOGIN[20:40], LOGIN[40:]]
    with socket.create_connection(("127.0.0.1", panel.port), timeout=120) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            wire.sendall(piece)
            select.select([wire], [], [], 0.1)
        assert wire.recv(100).startswith(b"HTTP/1.1 200 ")


def test_requests_behind_one_another_are_all_answered(panel: Panel) -> None:
    kept = request("GET /healthz", ["Connection: keep-alive"])
    told = spoken(panel.port, kept * 3 + request("GET /healthz"))
    assert (told.status, told.answers) == (200, 4)


def test_a_large_body_is_read(panel: Panel) -> None:
    body = b"login=" + b"x" * 900_000
    head = [FORM, COOKIE, f"Content-Length: {len(body)}"]
    told = spoken(panel.port, request("POST /accounts/login/", head, body))
    assert told.status == 403  # read, and found to have no token
