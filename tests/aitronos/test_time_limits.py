"""However the other side holds a call up, it ends at its deadline."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import pytest

from freddy_admin.aitronos.deadline import WATCHDOG
from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    KeyRefused,
    TimedOut,
)
from freddy_admin.aitronos.resolving import Address, Resolver
from tests.aitronos.calls import CHANGES, Call, error_of
from tests.aitronos.conftest import (
    BOUNDED,
    KEY,
    LIMITS,
    PATIENT,
    Failed,
    MakeClient,
    Serve,
    ask,
    failure,
)
from tests.aitronos.wire import ENDLESS, Script, Talk, answer, says
from tests.flows.waiting import until

T = TypeVar("T")
TOTAL: float = LIMITS["total_timeout"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    """Short ones: they are what this is about."""
    return LIMITS


def drips(first: bytes, piece: bytes, every: float = 0.02) -> Script:
    def script(talk: Talk) -> None:
        talk.request()
        talk.send(first)
        talk.drip(piece, every)

    return script


class Hands:
    """A clock that moves by what a client waits, and by nothing else."""

    def __init__(self) -> None:
        self.at, self.each_wait_takes = 0.0, 0.0

    def __call__(self) -> float:
        return self.at

    def wait(self, _seconds: float) -> None:
        self.at += self.each_wait_takes


def timed(call: Callable[[], AitronosError]) -> tuple[AitronosError, float]:
    started = time.monotonic()
    error = call()
    return error, time.monotonic() - started


HOLDING_UP = {
    "status line": drips(b"", b"H"),
    "headers": drips(HEAD + b"X-Slow: ", b"a"),
    "many headers": drips(HEAD, b"A: b\r\n"),
    "interim answers": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": drips(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "good body, then white space": drips(HEAD + b"\r\n" + answer().partition(b"\r\n\r\n")[2], b" "),
    "chunks": drips(CHUNKED, b"1\r\n \r\n"),
    "a chunk's size": drips(CHUNKED, b"0"),
    "trailers": drips(CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n"),
}


def all_at_once(calls: dict[str, Callable[[], T]]) -> dict[str, T]:
    """Side by side, so that patient limits take no longer than hasty ones in a row."""
    with ThreadPoolExecutor(len(calls)) as pool:
        ends = {name: pool.submit(call) for name, call in calls.items()}
    return {name: end.result() for name, end in ends.items()}


def test_a_drip_ends_at_the_total_deadline(failed: Failed) -> None:
    def held_up(how: str) -> tuple[AitronosError, float]:
        return timed(lambda: failed(HOLDING_UP[how]))

    ends = all_at_once({how: partial(held_up, how) for how in HOLDING_UP})
    told = {how: (error.kind, error.attempts) for how, (error, _) in ends.items()}
    assert told == dict.fromkeys(HOLDING_UP, (FailureKind.TOTAL_TIMEOUT, 1))
    for error, seconds in ends.values():
        assert isinstance(error, TimedOut)
        assert TOTAL - 0.01 <= error.elapsed_ms / 1000 <= seconds < BOUNDED


@pytest.mark.parametrize("name", CHANGES)
def test_a_drip_ends_what_changes_something_as_well_and_it_may_have_been_done(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    calls: dict[str, Call] = {
        # Its total is its read limit and what a connection may take beside it.
        "start_sync": lambda one: one.start_sync(secret=KEY, full=True, read_timeout=1.0),
        "switch_tool": lambda one: one.switch_tool(secret=KEY, tool_key="a", enabled=True),
    }

    def held_up(how: str) -> tuple[AitronosError, float, int]:
        server = serve(HOLDING_UP[how])
        client = make_client(server, connect_timeout=0.5)
        error, seconds = timed(lambda: error_of(calls[name], client))
        return error, seconds, len(server.requests)

    ends = all_at_once({how: partial(held_up, how) for how in HOLDING_UP})
    told = {how: (error.kind, error.sent, sent) for how, (error, _, sent) in ends.items()}
    assert told == dict.fromkeys(HOLDING_UP, (FailureKind.TOTAL_TIMEOUT, True, 1))
    assert all(TOTAL - 0.01 <= seconds < BOUNDED for _, seconds, _ in ends.values())
    assert not WATCHDOG._watched


def test_an_endless_body_ends_at_the_cap(failed: Failed) -> None:
    error = failed(drips(HEAD + b"\r\n", b"x" * 65536, 0.0), **PATIENT)
    assert (error.field, error.kind) == ("body", FailureKind.UNREADABLE_ANSWER)


def test_silence_ends_at_the_read_limit_and_is_not_repeated(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(lambda talk: (talk.request(), talk.pause(ENDLESS)))
    client = make_client(server, read_timeout=0.3, total_timeout=60)
    error, seconds = timed(lambda: failure(client))
    assert isinstance(error, TimedOut)
    assert (error.kind, error.attempts) == (FailureKind.READ_TIMEOUT, 1)
    assert 0.29 <= seconds < BOUNDED
    assert len(server.asked(1)) == 1


def test_silence_amid_the_body_is_a_read_time_out_as_well(failed: Failed) -> None:
    error = failed(says(answer()[:-3]), read_timeout=0.3, total_timeout=60)
    assert error.kind is FailureKind.READ_TIMEOUT


def test_a_refusal_whose_body_drips_is_a_refusal_at_the_deadline(failed: Failed) -> None:
    script = drips(b"HTTP/1.1 401 X\r\nContent-Length: 500\r\n\r\n", b" ")
    error, seconds = timed(lambda: failed(script))
    assert isinstance(error, KeyRefused)
    assert seconds < BOUNDED


def test_a_refusal_whose_head_drips_is_none_yet(failed: Failed) -> None:
    assert isinstance(failed(drips(b"HTTP/1.1 401 X\r\nA: ", b"b")), TimedOut)


@pytest.fixture
def deaf() -> Iterator[tuple[str, int]]:
    """An address whose queue is full: a connection to it neither fails nor comes about."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=0)
    callers = [socket.socket() for _ in range(4)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(listening.getsockname())
    yield listening.getsockname()
    for one in (*callers, listening):
        one.close()


def test_no_connection_ends_at_the_connect_limit_over_all_addresses(
    deaf: tuple[str, int], make_client: MakeClient
) -> None:
    address: Address = (socket.AF_INET, *deaf)
    client = make_client(
        f"https://api.example:{deaf[1]}",
        resolver=Resolver(lambda _host, _port: [address] * 5),
        connect_timeout=0.1,
        total_timeout=60,
    )
    error, seconds = timed(lambda: failure(client))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.attempts) == (FailureKind.CONNECT_TIMEOUT, 3)
    assert seconds < BOUNDED


def test_a_silent_address_leaves_time_for_the_next(
    deaf: tuple[str, int], serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer()))
    addresses: list[Address] = [(2, *deaf), (2, "127.0.0.1", server.port)]
    client = make_client(
        "http://localhost",
        resolver=Resolver(lambda _host, _port: addresses),
        **PATIENT | {"connect_timeout": 1},
    )
    assert ask(client).info.attempts == 1


def test_attempts_to_connect_share_the_total_time(
    deaf: tuple[str, int], make_client: MakeClient
) -> None:
    client = make_client(f"http://127.0.0.1:{deaf[1]}", connect_timeout=60, total_timeout=0.5)
    error, seconds = timed(lambda: failure(client))
    assert (error.kind, error.attempts) == (FailureKind.TOTAL_TIMEOUT, 1)
    assert seconds < BOUNDED


def test_a_slow_name_ends_at_the_connect_limit(make_client: MakeClient) -> None:
    found = threading.Event()
    resolver = Resolver(lambda _host, _port: (found.wait(ENDLESS) and []) or [])
    client = make_client("https://api.example", resolver=resolver, connect_timeout=0.1)
    error, seconds = timed(lambda: failure(client))
    found.set()
    assert error.kind in {FailureKind.CONNECT_TIMEOUT, FailureKind.TOTAL_TIMEOUT}
    assert seconds < BOUNDED


def test_waits_and_attempts_share_the_total_time(serve: Serve, make_client: MakeClient) -> None:
    hands = Hands()
    server = serve(says(answer("", "503 X")))
    client = make_client(server, monotonic=hands, sleep=hands.wait, **PATIENT)
    hands.each_wait_takes = PATIENT["total_timeout"] - 0.1
    error = failure(client)
    assert (error.http_status, error.attempts, len(server.requests)) == (503, 2, 2)


def test_64_calls_at_once_all_end_in_time_and_leave_nothing_behind(
    serve: Serve, make_client: MakeClient
) -> None:
    scripts = list(HOLDING_UP.values())
    server = serve(lambda talk: scripts[talk.number % len(scripts)](talk))
    client = make_client(server)
    before = len(os.listdir("/proc/self/fd"))

    def call(number: int) -> float:
        return timed(lambda: failure(client, f"{number}.1"))[1]

    with ThreadPoolExecutor(64) as pool:
        seconds = list(pool.map(call, range(64)))
    assert max(seconds) < BOUNDED
    assert not WATCHDOG._watched
    server.close()
    client.close()
    assert until(lambda: len(os.listdir("/proc/self/fd")) <= before)


def test_a_good_call_after_a_cut_one_is_good(serve: Serve, make_client: MakeClient) -> None:
    first = HOLDING_UP["body"]
    server = serve(lambda talk: (first if talk.number == 1 else says(answer()))(talk))
    client = make_client(server)
    assert isinstance(failure(client), TimedOut)
    assert ask(client).value.total_tools == 42


def test_a_drip_on_a_kept_connection_ends_at_the_deadline_as_well(
    serve: Serve, make_client: MakeClient
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        talk.send(answer())
        HOLDING_UP["body"](talk)

    server = serve(script)
    client = make_client(server)
    ask(client)
    error, seconds = timed(lambda: failure(client))
    assert (error.kind, server.connections) == (FailureKind.TOTAL_TIMEOUT, 1)
    assert seconds < BOUNDED


def test_a_forked_child_has_a_watchdog_of_its_own(serve: Serve, make_client: MakeClient) -> None:
    ask(make_client(serve(says(answer()))))
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, b"no" if WATCHDOG._thread or WATCHDOG._watched else b"afresh")
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.read() == b"afresh"
    os.wait()
