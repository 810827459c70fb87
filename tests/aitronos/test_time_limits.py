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

from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    KeyRefused,
    RequestTimedOut,
)
from freddy_admin.outbound.resolver import Address, Resolver
from tests.aitronos.api_calls import OPERATION_CALLS, Call, error_of
from tests.aitronos.conftest import (
    BOUNDED_SECONDS,
    KEY,
    PATIENT_LIMITS,
    SHORT_LIMITS,
    GetError,
    MakeClient,
    StartServer,
    fetch_sync_status,
    sync_status_error,
)
from tests.aitronos.scripted_server import (
    ENDLESS_SECONDS,
    Script,
    ScriptedConnection,
    respond_in_turn,
    response_bytes,
)
from tests.flows.wait import wait_until

T = TypeVar("T")
TOTAL: float = SHORT_LIMITS["total_timeout"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    """Short limits: they are what this module tests."""
    return SHORT_LIMITS


def dripping_script_of(head: bytes, chunk: bytes, interval: float = 0.02) -> Script:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(head)
        connection.send_forever(chunk, interval)

    return script


class WaitingClock:
    """A clock that moves by what a client waits, and by nothing else."""

    def __init__(self) -> None:
        self.seconds, self.each_wait_takes = 0.0, 0.0

    def __call__(self) -> float:
        return self.seconds

    def pause(self, _seconds: float) -> None:
        self.seconds += self.each_wait_takes


def time_call(call: Callable[[], AitronosError]) -> tuple[AitronosError, float]:
    started_at = time.monotonic()
    error = call()
    return error, time.monotonic() - started_at


DRIPPING_SCRIPTS = {
    "status line": dripping_script_of(b"", b"H"),
    "headers": dripping_script_of(HEAD + b"X-Slow: ", b"a"),
    "many headers": dripping_script_of(HEAD, b"A: b\r\n"),
    "interim answers": dripping_script_of(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": dripping_script_of(HEAD + b"Content-Length: 5000\r\n\r\n", b" "),
    "good body, then white space": dripping_script_of(
        HEAD + b"\r\n" + response_bytes().partition(b"\r\n\r\n")[2], b" "
    ),
    "chunks": dripping_script_of(CHUNKED, b"1\r\n \r\n"),
    "a chunk's size": dripping_script_of(CHUNKED, b"0"),
    "trailers": dripping_script_of(CHUNKED + b"2\r\n{}\r\n0\r\n", b"A: b\r\n"),
}


def run_concurrently(calls: dict[str, Callable[[], T]]) -> dict[str, T]:
    """Results of concurrent calls, by name; in a row, the limits would add up."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = {name: pool.submit(call) for name, call in calls.items()}
    return {name: future.result() for name, future in futures.items()}


def test_dripping_response_ends_at_the_total_deadline(get_error: GetError) -> None:
    def time_error(fault: str) -> tuple[AitronosError, float]:
        return time_call(lambda: get_error(DRIPPING_SCRIPTS[fault]))

    results = run_concurrently({fault: partial(time_error, fault) for fault in DRIPPING_SCRIPTS})
    kinds = {fault: (error.kind, error.attempts) for fault, (error, _) in results.items()}
    assert kinds == dict.fromkeys(DRIPPING_SCRIPTS, (FailureKind.TOTAL_TIMEOUT, 1))
    for error, seconds in results.values():
        assert isinstance(error, RequestTimedOut)
        assert TOTAL - 0.01 <= error.elapsed_ms / 1000 <= seconds < BOUNDED_SECONDS


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_dripping_response_to_an_operation_ends_as_sent(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    calls: dict[str, Call] = {
        # Its total is its read limit and what a connection may take beside it.
        "start_sync": lambda client: client.start_sync(secret=KEY, full=True, read_timeout=1.0),
        "switch_tool": lambda client: client.switch_tool(secret=KEY, tool_key="a", enabled=True),
    }

    def time_error(fault: str) -> tuple[AitronosError, float, int]:
        server = start_server(DRIPPING_SCRIPTS[fault])
        client = make_client(server, connect_timeout=0.5)
        error, seconds = time_call(lambda: error_of(calls[name], client))
        return error, seconds, len(server.requests)

    results = run_concurrently({fault: partial(time_error, fault) for fault in DRIPPING_SCRIPTS})
    kinds = {
        fault: (error.kind, error.request_sent, request_count)
        for fault, (error, _, request_count) in results.items()
    }
    assert kinds == dict.fromkeys(DRIPPING_SCRIPTS, (FailureKind.TOTAL_TIMEOUT, True, 1))
    assert all(TOTAL - 0.01 <= seconds < BOUNDED_SECONDS for _, seconds, _ in results.values())


def test_endless_body_ends_at_the_body_limit(get_error: GetError) -> None:
    error = get_error(dripping_script_of(HEAD + b"\r\n", b"x" * 65536, 0.0), **PATIENT_LIMITS)
    assert (error.field, error.kind) == ("body", FailureKind.UNREADABLE_ANSWER)


def test_silent_server_ends_at_the_read_limit_without_a_retry(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS))
    )
    client = make_client(server, read_timeout=0.3, total_timeout=60)
    error, seconds = time_call(lambda: sync_status_error(client))
    assert isinstance(error, RequestTimedOut)
    assert (error.kind, error.attempts) == (FailureKind.READ_TIMEOUT, 1)
    assert 0.29 <= seconds < BOUNDED_SECONDS
    assert len(server.wait_for_requests(1)) == 1


def test_silence_amid_the_body_is_a_read_timeout(get_error: GetError) -> None:
    error = get_error(respond_in_turn(response_bytes()[:-3]), read_timeout=0.3, total_timeout=60)
    assert error.kind is FailureKind.READ_TIMEOUT


def test_401_with_a_dripping_body_is_a_refused_key_at_the_deadline(get_error: GetError) -> None:
    script = dripping_script_of(b"HTTP/1.1 401 X\r\nContent-Length: 500\r\n\r\n", b" ")
    error, seconds = time_call(lambda: get_error(script))
    assert isinstance(error, KeyRefused)
    assert seconds < BOUNDED_SECONDS


def test_401_with_a_dripping_head_is_a_timeout(get_error: GetError) -> None:
    assert isinstance(
        get_error(dripping_script_of(b"HTTP/1.1 401 X\r\nA: ", b"b")), RequestTimedOut
    )


@pytest.fixture
def silent_address() -> Iterator[tuple[str, int]]:
    """An address whose queue is full: a connection to it neither fails nor comes about."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    callers = [socket.socket() for _ in range(4)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(listener.getsockname())
    yield listener.getsockname()
    for sock in (*callers, listener):
        sock.close()


def test_connect_limit_covers_all_addresses(
    silent_address: tuple[str, int], make_client: MakeClient
) -> None:
    address: Address = (socket.AF_INET, *silent_address)
    client = make_client(
        f"https://api.example:{silent_address[1]}",
        resolver=Resolver(lambda _host, _port: [address] * 5),
        connect_timeout=0.1,
        total_timeout=60,
    )
    error, seconds = time_call(lambda: sync_status_error(client))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.attempts) == (FailureKind.CONNECT_TIMEOUT, 3)
    assert seconds < BOUNDED_SECONDS


def test_silent_address_leaves_time_for_the_next(
    silent_address: tuple[str, int], start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    addresses: list[Address] = [(2, *silent_address), (2, "127.0.0.1", server.port)]
    client = make_client(
        "http://localhost",
        resolver=Resolver(lambda _host, _port: addresses),
        **PATIENT_LIMITS | {"connect_timeout": 1},
    )
    assert fetch_sync_status(client).info.attempts == 1


def test_connect_attempts_share_the_total_timeout(
    silent_address: tuple[str, int], make_client: MakeClient
) -> None:
    client = make_client(
        f"http://127.0.0.1:{silent_address[1]}", connect_timeout=60, total_timeout=0.5
    )
    error, seconds = time_call(lambda: sync_status_error(client))
    assert (error.kind, error.attempts) == (FailureKind.TOTAL_TIMEOUT, 1)
    assert seconds < BOUNDED_SECONDS


def test_slow_name_lookup_ends_at_the_connect_limit(make_client: MakeClient) -> None:
    released = threading.Event()
    resolver = Resolver(lambda _host, _port: (released.wait(ENDLESS_SECONDS) and []) or [])
    client = make_client("https://api.example", resolver=resolver, connect_timeout=0.1)
    error, seconds = time_call(lambda: sync_status_error(client))
    released.set()
    assert error.kind in {FailureKind.CONNECT_TIMEOUT, FailureKind.TOTAL_TIMEOUT}
    assert seconds < BOUNDED_SECONDS


def test_waits_and_attempts_share_the_total_timeout(
    start_server: StartServer, make_client: MakeClient
) -> None:
    waiting_clock = WaitingClock()
    server = start_server(respond_in_turn(response_bytes("", "503 X")))
    client = make_client(
        server, monotonic=waiting_clock, sleep=waiting_clock.pause, **PATIENT_LIMITS
    )
    waiting_clock.each_wait_takes = PATIENT_LIMITS["total_timeout"] - 0.1
    error = sync_status_error(client)
    assert (error.http_status, error.attempts, len(server.requests)) == (503, 2, 2)


def test_64_concurrent_calls_end_in_time_and_leave_nothing_open(
    start_server: StartServer, make_client: MakeClient
) -> None:
    scripts = list(DRIPPING_SCRIPTS.values())
    server = start_server(lambda connection: scripts[connection.number % len(scripts)](connection))
    client = make_client(server)
    descriptors_before = len(os.listdir("/proc/self/fd"))

    def call(number: int) -> float:
        return time_call(lambda: sync_status_error(client))[1]

    with ThreadPoolExecutor(64) as pool:
        seconds = list(pool.map(call, range(64)))
    assert max(seconds) < BOUNDED_SECONDS
    server.close()
    assert wait_until(lambda: len(os.listdir("/proc/self/fd")) <= descriptors_before)


def test_call_after_a_cut_call_succeeds(start_server: StartServer, make_client: MakeClient) -> None:
    dripping_script = DRIPPING_SCRIPTS["body"]
    server = start_server(
        lambda connection: (
            dripping_script if connection.number == 1 else respond_in_turn(response_bytes())
        )(connection)
    )
    client = make_client(server)
    assert isinstance(sync_status_error(client), RequestTimedOut)
    assert fetch_sync_status(client).value.total_tools == 42
