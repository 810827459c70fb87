"""The one thread that cuts connections: at the right time, the right ones, once."""

import gc
import socket
import time
import weakref
from collections.abc import Iterator

import pytest

from freddy_admin.outbound.connection import DeadlineHTTPConnection
from freddy_admin.outbound.deadline import Deadline
from tests.aitronos.conftest import BOUNDED_SECONDS
from tests.flows.wait import wait_until

SocketPair = tuple[socket.socket, socket.socket]


@pytest.fixture
def socket_pair() -> Iterator[SocketPair]:
    client_end, server_end = socket.socketpair()
    client_end.settimeout(60)
    yield client_end, server_end
    client_end.close()
    server_end.close()


def test_connection_is_cut_when_its_deadline_expires(socket_pair: SocketPair) -> None:
    deadline = Deadline(0.05)
    deadline.watch_connection(socket_pair[0])
    started_at = time.monotonic()
    assert socket_pair[0].recv(1) == b""
    assert 0.04 <= time.monotonic() - started_at < BOUNDED_SECONDS
    assert (deadline.expired, deadline.remaining) == (True, 0.0)
    deadline.unwatch_connection()


def test_later_deadline_with_less_time_is_cut_first(socket_pair: SocketPair) -> None:
    long_deadline = Deadline(600)
    long_deadline.watch_connection(socket_pair[1])
    short_deadline = Deadline(0.02)
    short_deadline.watch_connection(socket_pair[0])
    assert socket_pair[0].recv(1) == b""
    assert (short_deadline.expired, long_deadline.expired) == (True, False)
    long_deadline.unwatch_connection()
    short_deadline.unwatch_connection()


def test_deadline_of_a_call_that_is_over_is_forgotten(socket_pair: SocketPair) -> None:
    deadline = Deadline(600)
    deadline.watch_connection(socket_pair[0])
    deadline.unwatch_connection()
    remembered = weakref.ref(deadline)
    del deadline
    # Not before the watchdog has looked at what it watches.
    gc.collect()
    assert wait_until(lambda: remembered() is None)


def test_released_connection_lives_on(socket_pair: SocketPair) -> None:
    deadline, later_deadline = Deadline(0.05), Deadline(0.06)
    deadline.watch_connection(socket_pair[0])
    deadline.unwatch_connection()
    with socket.socket() as other_connection:
        later_deadline.watch_connection(other_connection)
        assert wait_until(lambda: later_deadline.expired)
        later_deadline.unwatch_connection()
    socket_pair[1].send(b"x")
    assert (socket_pair[0].recv(1), deadline.expired) == (b"x", False)


def test_cutting_an_ended_connection_does_no_harm(socket_pair: SocketPair) -> None:
    deadline = Deadline(30)
    with socket.socket() as unconnected:
        deadline.watch_connection(unconnected)
        deadline.cut_connection()
    deadline.unwatch_connection()
    deadline.cut_connection()
    assert deadline.expired


def test_second_connection_of_a_deadline_replaces_the_first(socket_pair: SocketPair) -> None:
    deadline = Deadline(0.3)
    deadline.watch_connection(socket_pair[1])
    deadline.watch_connection(socket_pair[0])
    assert socket_pair[0].recv(1) == b""
    deadline.unwatch_connection()


def test_connection_cannot_be_made_without_a_deadline() -> None:
    connection = DeadlineHTTPConnection("127.0.0.1", 1)
    with pytest.raises(RuntimeError, match="within an exchange"):
        connection.connect()


@pytest.mark.parametrize(
    ("seconds_taken", "answer", "is_allowed"),
    [(0, True, True), (0, False, False), (9, True, False)],
)
def test_request_goes_out_if_the_caller_allows_it_and_time_is_left(
    seconds_taken: float, answer: bool, is_allowed: bool
) -> None:
    """The asking takes of the call's own time."""
    times, asked = [100.0], list[float]()

    def may_send(remaining: float) -> bool:
        asked.append(remaining)
        times[0] += seconds_taken
        return answer

    deadline = Deadline(5, monotonic=lambda: times[0], may_send=may_send)
    assert deadline.is_sending_allowed() is is_allowed
    assert asked == [5]
    assert Deadline(5).is_sending_allowed()
