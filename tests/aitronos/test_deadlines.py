"""The one thread that cuts connections: at the right time, the right ones, once."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from freddy_admin.aitronos.connections import GuardedHTTPConnection
from freddy_admin.aitronos.deadline import WATCHDOG, Deadline
from tests.aitronos.conftest import BOUNDED

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    here, there = socket.socketpair()
    here.settimeout(60)
    yield here, there
    here.close()
    there.close()


def test_a_connection_is_cut_when_its_time_is_over(pair: Pair) -> None:
    deadline = Deadline(0.05)
    deadline.guard(pair[0])
    started = time.monotonic()
    assert pair[0].recv(1) == b""
    assert 0.04 <= time.monotonic() - started < BOUNDED
    assert (deadline.passed, deadline.remaining) == (True, 0.0)
    deadline.release()


def test_a_later_call_with_less_time_is_cut_first(pair: Pair) -> None:
    later = Deadline(600)
    later.guard(pair[1])
    sooner = Deadline(0.02)
    sooner.guard(pair[0])
    assert pair[0].recv(1) == b""
    assert (sooner.passed, later.passed) == (True, False)
    later.release()
    sooner.release()
    assert not WATCHDOG._watched


def test_a_released_connection_lives_on(pair: Pair) -> None:
    deadline = Deadline(0.3)
    deadline.guard(pair[0])
    deadline.release()
    threading.Event().wait(0.4)
    pair[1].send(b"x")
    assert (pair[0].recv(1), deadline.passed) == (b"x", False)


def test_cutting_what_ended_by_itself_does_no_harm(pair: Pair) -> None:
    deadline = Deadline(30)
    with socket.socket() as unconnected:
        deadline.guard(unconnected)
        deadline.cut()
    deadline.release()
    deadline.cut()
    assert deadline.passed


def test_a_second_connection_of_a_call_takes_the_firsts_place(pair: Pair) -> None:
    deadline = Deadline(0.3)
    deadline.guard(pair[1])
    deadline.guard(pair[0])
    assert pair[0].recv(1) == b""
    deadline.release()


def test_a_connection_cannot_be_made_without_a_deadline() -> None:
    connection = GuardedHTTPConnection("127.0.0.1", 1)
    with pytest.raises(RuntimeError, match="within an exchange"):
        connection.connect()
