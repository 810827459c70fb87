"""When a GET is asked again, how long it waits before, and what is never repeated."""

import pytest

from freddy_admin.aitronos import retry
from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    KeyRefused,
    RateLimited,
    ServerError,
    TimedOut,
    UnexpectedStatus,
    UnreadableAnswer,
)
from tests.aitronos.conftest import MakeClient, Serve, ask, failure
from tests.aitronos.wire import Talk, answer, says

Kind = FailureKind


def lost() -> ConnectionFailed:
    return ConnectionFailed(Kind.CONNECTION_LOST)


def wait(
    error: AitronosError,
    attempt: int = 1,
    *,
    remaining: float = 60.0,
    reused: bool = False,
    share: float = 1.0,
) -> float | None:
    return retry.wait_before_retry(
        error, attempt=attempt, remaining=remaining, reused=reused, share=share
    )


@pytest.mark.parametrize(
    "error",
    [
        KeyRefused(Kind.KEY_REFUSED, http_status=401, retry_after=1.0),
        UnexpectedStatus(Kind.UNEXPECTED_STATUS, http_status=404),
        UnreadableAnswer(Kind.UNREADABLE_ANSWER, http_status=200),
        ServerError(Kind.SERVER_ERROR, http_status=500),
        ServerError(Kind.SERVER_ERROR, http_status=501, retry_after=1.0),
        TimedOut(Kind.READ_TIMEOUT),
        TimedOut(Kind.TOTAL_TIMEOUT),
        ConnectionFailed(Kind.TLS),
        RateLimited(Kind.RATE_LIMITED, http_status=429),
        RateLimited(Kind.SPENDING_LIMIT, http_status=429, retry_after=1.0),
    ],
    ids=str,
)
def test_what_is_not_repeated(error: AitronosError) -> None:
    assert wait(error) is None
    assert wait(error, reused=True) is None


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_passing_trouble_is_repeated_twice_after_growing_waits(status: int) -> None:
    error = ServerError(Kind.SERVER_ERROR, http_status=status)
    assert [wait(error, attempt) for attempt in (1, 2, 3)] == [0.25, 0.5, None]
    assert [wait(error, attempt, share=0.0) for attempt in (1, 2)] == [0.125, 0.25]


@pytest.mark.parametrize(
    "kind", [Kind.NAME_NOT_FOUND, Kind.CONNECTION_REFUSED, Kind.UNREACHABLE, Kind.CONNECTION_LOST]
)
def test_a_connection_that_failed_is_tried_again(kind: FailureKind) -> None:
    assert wait(ConnectionFailed(kind)) == 0.25


def test_a_connection_that_died_while_idle_is_replaced_at_once_but_once() -> None:
    assert wait(lost(), reused=True) == 0.0
    assert wait(lost(), 2, reused=True) == 0.5


def test_a_wait_hint_is_obeyed_where_it_fits_into_the_time_left() -> None:
    for error in (
        RateLimited(Kind.RATE_LIMITED, http_status=429, retry_after=2.0),
        ServerError(Kind.SERVER_ERROR, http_status=503, retry_after=2.0),
    ):
        assert wait(error, remaining=2.1) == 2.0
        assert wait(error, remaining=2.0) is None
        assert wait(error, 3, remaining=60) is None


def test_nothing_is_tried_without_time_for_it() -> None:
    assert wait(lost(), remaining=0.29) is None
    assert wait(lost(), remaining=0.0, reused=True) is None


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (lost(), True),
        (ConnectionFailed(Kind.TLS), False),
        (RateLimited(Kind.RATE_LIMITED), True),
        (ServerError(Kind.SERVER_ERROR), True),
        (KeyRefused(Kind.KEY_REFUSED), False),
        (TimedOut(Kind.READ_TIMEOUT), False),
    ],
    ids=str,
)
def test_an_error_says_whether_asking_again_may_help(error: AitronosError, retryable: bool) -> None:
    assert error.retryable is retryable


def test_a_call_ends_well_on_its_third_attempt(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    server = serve(says(answer("", "502 X"), answer("", "504 X"), answer()))
    answered = ask(make_client(server, total_timeout=5))
    assert (answered.info.attempts, waits) == (3, [0.1875, 0.375])


def test_a_call_gives_up_after_three_attempts(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    server = serve(says(answer("", "503 X")))
    error = failure(make_client(server, total_timeout=5))
    assert (error.attempts, len(server.requests), len(waits)) == (3, 3, 2)
    assert server.connections == 3


def test_a_short_hint_of_a_429_is_waited_out(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    server = serve(says(answer("", "429 X", headers={"Retry-After": "2"}), answer()))
    assert ask(make_client(server, total_timeout=5)).info.attempts == 2
    assert waits == [2.0]


def test_a_long_hint_is_left_to_the_caller(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer("", "429 X", headers={"Retry-After": "60"}), answer()))
    error = failure(make_client(server, total_timeout=5))
    assert (error.retry_after, error.attempts, error.retryable) == (60.0, 1, True)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"])
def test_a_broken_connection_is_tried_again(
    serve: Serve, make_client: MakeClient, sent: bytes
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        if talk.number == 1:
            talk.send(sent)
            talk.pause(0.02)
            talk.reset()
        else:
            talk.send(answer())

    assert ask(make_client(serve(script), total_timeout=5)).info.attempts == 2


def test_a_refused_connection_is_said_so_after_three_attempts(make_client: MakeClient) -> None:
    error = failure(make_client("http://127.0.0.1:1", total_timeout=5))
    assert isinstance(error, ConnectionFailed)
    assert (error.kind, error.attempts, error.http_status) == (Kind.CONNECTION_REFUSED, 3, None)


def test_an_unreachable_address_is_said_so(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*_: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("freddy_admin.aitronos.connections._connected", connected)
    assert failure(make_client("http://127.0.0.1:1")).kind is Kind.UNREACHABLE


def test_a_server_that_only_hangs_up_is_a_lost_connection(
    serve: Serve, make_client: MakeClient
) -> None:
    error = failure(make_client(serve(lambda talk: talk.request()), total_timeout=5))
    assert (error.kind, error.attempts) == (Kind.CONNECTION_LOST, 3)
