"""The caller has the last word: asked with the connection standing, before each first byte."""

from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, FailureKind, Withheld
from freddy_admin.aitronos.types import Answer
from tests.aitronos.calls import EVERY, error_of
from tests.aitronos.certificates import Authority
from tests.aitronos.conftest import KEY, MakeClient, Serve, ask
from tests.aitronos.wire import Talk, answer, good, says
from tests.flows.waiting import until

CALLS: dict[str, dict[str, Any]] = {
    "get_sync_status": {"connection": "1.1"},
    "list_auth_configs": {"connection": "1.1"},
    "list_connectors": {"connection": "1.1"},
    "start_sync": {"full": True, "read_timeout": 4.0},
    "switch_tool": {"tool_key": "gmail", "enabled": False},
}


def called(client: AitronosClient, name: str, may_send: Any) -> Answer[Any]:
    found: Answer[Any] = getattr(client, name)(secret=KEY, may_send=may_send, **CALLS[name])
    return found


def refused(client: AitronosClient, name: str, may_send: Any) -> AitronosError:
    with pytest.raises(AitronosError) as caught:
        called(client, name, may_send)
    return caught.value


def test_every_call_with_a_key_is_here() -> None:
    assert set(CALLS) == {*EVERY, "get_sync_status"}


@pytest.mark.parametrize("name", CALLS)
def test_a_no_sends_nothing_though_the_connection_stands(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    read: list[bytes] = []
    server = serve(lambda talk: read.append(talk.connection.recv(1)))
    stood: list[bool] = []

    def no(_seconds: float) -> bool:
        stood.append(until(lambda: server.connections == 1))
        return False

    error = refused(make_client(server), name, no)
    assert isinstance(error, Withheld)
    assert (error.kind, error.sent, error.attempts) == (FailureKind.WITHHELD, False, 1)
    assert not error.retryable
    assert stood == [True]
    assert until(lambda: read == [b""])


@pytest.mark.parametrize("name", CALLS)
def test_a_yes_is_asked_for_once_with_the_seconds_that_are_left(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    left: list[float] = []
    body = good() if name == "get_sync_status" else answer(EVERY[name][1])
    client = make_client(serve(says(body)))
    called(client, name, lambda seconds: (left.append(seconds), True)[1])
    (seconds,) = left
    # The whole limit of the call bounds what may still go out, not what it usually takes.
    assert 0 < seconds <= 9


def test_each_attempt_asks_anew(serve: Serve, make_client: MakeClient) -> None:
    server, words = serve(says(answer("", "503 X"))), iter([True, True, False])
    error = refused(make_client(server), "get_sync_status", lambda _: next(words))
    assert (error.kind, error.attempts, len(server.requests)) == (FailureKind.WITHHELD, 3, 2)
    assert error.sent  # in an earlier attempt


def test_a_kept_connection_is_asked_for_as_well(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(good()))
    client = make_client(server)
    ask(client)
    error = refused(client, "get_sync_status", lambda _: False)
    assert (error.kind, len(server.requests), server.connections) == ("withheld", 1, 1)


def test_nobody_is_asked_where_there_is_no_connection(make_client: MakeClient) -> None:
    def never(_seconds: float) -> bool:
        raise AssertionError("asked")

    error = refused(make_client("http://127.0.0.1:1"), "start_sync", never)
    assert (error.kind, error.sent) == (FailureKind.CONNECTION_REFUSED, False)


def test_an_answer_that_took_the_calls_whole_time_sends_nothing(
    serve: Serve, make_client: MakeClient
) -> None:
    server, late = serve(says(answer())), [0.0]

    def slow(_seconds: float) -> bool:
        late[0] = 1e6
        return True

    client = make_client(server, monotonic=lambda: late[0])
    error = refused(client, "start_sync", slow)
    server.close()
    assert (error.kind, error.sent, server.requests) == (FailureKind.TOTAL_TIMEOUT, False, [])


def test_what_breaks_while_it_is_asked_sends_nothing(serve: Serve, make_client: MakeClient) -> None:
    server = serve(says(answer()))

    def broken(_seconds: float) -> bool:
        raise RuntimeError("unforeseen")

    error = refused(make_client(server), "start_sync", broken)
    server.close()
    assert (error.sent, server.requests) == (False, [])


def test_behind_tls_it_is_asked_after_the_handshake(
    serve: Serve, make_client: MakeClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    shaken: list[bool] = []

    def script(talk: Talk) -> None:
        shaken.append(True)  # the server's side of the handshake is over by then
        talk.request()

    server = serve(script, tls=authority.context())
    asked: list[bool] = []
    client = make_client(server, ca_file=authority.ca_file)
    error = refused(
        client, "start_sync", lambda _: (asked.append(until(lambda: bool(shaken))), False)[1]
    )
    server.close()
    assert (error.kind, asked, server.requests) == (FailureKind.WITHHELD, [True], [])


def test_without_a_word_of_the_caller_everything_is_sent(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer("", "409 X")))
    assert error_of(EVERY["start_sync"][0], make_client(server)).sent
    assert len(server.requests) == 1
