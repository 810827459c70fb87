"""When a GET is asked again, how long it waits before, and what is never repeated."""

import socket

import pytest

from freddy_admin.aitronos import retry_policy
from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    KeyRefused,
    RateLimited,
    RequestTimedOut,
    ServerError,
    UnexpectedStatus,
    UnreadableResponse,
)
from freddy_admin.outbound.resolver import Resolver
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status, sync_status_error
from tests.aitronos.scripted_server import ScriptedConnection, respond_in_turn, response_bytes

Kind = FailureKind


def lost_connection() -> ConnectionFailed:
    return ConnectionFailed(Kind.CONNECTION_LOST)


def retry_delay(
    error: AitronosError,
    attempt: int = 1,
    *,
    remaining: float = 60.0,
    share: float = 1.0,
) -> float | None:
    return retry_policy.retry_delay_seconds(
        error,
        attempt=attempt,
        remaining=remaining,
        share=share,
    )


@pytest.mark.parametrize(
    "error",
    [
        KeyRefused(Kind.KEY_REFUSED, http_status=401, retry_after=1.0),
        UnexpectedStatus(Kind.UNEXPECTED_STATUS, http_status=404),
        UnreadableResponse(Kind.UNREADABLE_ANSWER, http_status=200),
        ServerError(Kind.SERVER_ERROR, http_status=500),
        ServerError(Kind.SERVER_ERROR, http_status=501, retry_after=1.0),
        RequestTimedOut(Kind.READ_TIMEOUT),
        RequestTimedOut(Kind.TOTAL_TIMEOUT),
        ConnectionFailed(Kind.TLS),
        ConnectionFailed(Kind.PROXY_REFUSED),
        RateLimited(Kind.RATE_LIMITED, http_status=429),
        RateLimited(Kind.SPENDING_LIMIT, http_status=429, retry_after=1.0),
    ],
    ids=str,
)
def test_final_error_is_not_retried(error: AitronosError) -> None:
    assert retry_delay(error) is None


@pytest.mark.parametrize("status", [502, 503, 504])
def test_temporary_error_is_retried_twice_after_growing_waits(status: int) -> None:
    error = ServerError(Kind.SERVER_ERROR, http_status=status)
    assert [retry_delay(error, attempt) for attempt in (1, 2, 3)] == [0.25, 0.5, None]
    assert [retry_delay(error, attempt, share=0.0) for attempt in (1, 2)] == [0.125, 0.25]


@pytest.mark.parametrize(
    "kind",
    [
        Kind.NAME_NOT_FOUND,
        Kind.CONNECTION_REFUSED,
        Kind.UNREACHABLE,
        Kind.CONNECTION_LOST,
        Kind.PROXY_FAILED,
    ],
)
def test_failed_connection_is_retried(kind: FailureKind) -> None:
    assert retry_delay(ConnectionFailed(kind)) == 0.25


def test_wait_hint_is_obeyed_where_it_fits_into_the_time_left() -> None:
    for error in (
        RateLimited(Kind.RATE_LIMITED, http_status=429, retry_after=2.0),
        ServerError(Kind.SERVER_ERROR, http_status=503, retry_after=2.0),
    ):
        assert retry_delay(error, remaining=2.1) == 2.0
        assert retry_delay(error, remaining=2.0) is None
        assert retry_delay(error, 3, remaining=60) is None


def test_attempt_without_time_for_it_is_not_made() -> None:
    assert retry_delay(lost_connection(), remaining=0.29) is None
    assert retry_delay(lost_connection(), remaining=0.0) is None


def test_call_succeeds_on_its_third_attempt(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    server = start_server(
        respond_in_turn(response_bytes("", "502 X"), response_bytes("", "504 X"), response_bytes())
    )
    response = fetch_sync_status(make_client(server, total_timeout=5))
    assert (response.info.attempts, recorded_waits) == (3, [0.1875, 0.375])


def test_call_gives_up_after_three_attempts(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    server = start_server(respond_in_turn(response_bytes("", "503 X")))
    error = sync_status_error(make_client(server, total_timeout=5))
    assert (error.attempts, len(server.requests), len(recorded_waits)) == (3, 3, 2)
    assert server.connections == 3


def test_short_wait_hint_of_a_429_is_waited_out(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    server = start_server(
        respond_in_turn(response_bytes("", "429 X", headers={"Retry-After": "2"}), response_bytes())
    )
    assert fetch_sync_status(make_client(server, total_timeout=5)).info.attempts == 2
    assert recorded_waits == [2.0]


def test_long_wait_hint_is_left_to_the_caller(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        respond_in_turn(
            response_bytes("", "429 X", headers={"Retry-After": "60"}), response_bytes()
        )
    )
    error = sync_status_error(make_client(server, total_timeout=5))
    assert (error.retry_after, error.attempts) == (60.0, 1)


@pytest.mark.parametrize("sent_bytes", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_broken_connection_is_retried(
    start_server: StartServer, make_client: MakeClient, sent_bytes: bytes
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        if connection.number == 1:
            connection.send(sent_bytes)
            connection.pause(0.02)
            connection.reset()
        else:
            connection.send(response_bytes())

    assert fetch_sync_status(make_client(start_server(script), total_timeout=5)).info.attempts == 2


def test_refused_connection_is_an_error_after_three_attempts(make_client: MakeClient) -> None:
    error = sync_status_error(make_client("http://127.0.0.1:1", total_timeout=5))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.attempts, error.http_status) == (Kind.CONNECTION_REFUSED, 3, None)


def test_unreachable_address_is_reported_as_unreachable(
    make_client: MakeClient,
) -> None:
    # An address of the wrong family: the system finds no way there.
    resolver = Resolver(lambda _host, _port: [(socket.AF_INET6, "127.0.0.1", 9)])
    error = sync_status_error(make_client("https://api.example", resolver=resolver))
    assert error.kind is Kind.UNREACHABLE


def test_server_that_only_hangs_up_is_a_lost_connection(
    start_server: StartServer, make_client: MakeClient
) -> None:
    error = sync_status_error(
        make_client(start_server(lambda connection: connection.read_request()), total_timeout=5)
    )
    assert (error.kind, error.attempts) == (Kind.CONNECTION_LOST, 3)
