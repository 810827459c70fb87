"""`may_send` decides with the connection standing, before the first byte of each attempt."""

from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError, FailureKind, RequestWithheld
from freddy_admin.aitronos.types import ApiResponse
from tests.aitronos.api_calls import ALL_CALLS, error_of
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import KEY, MakeClient, StartServer
from tests.aitronos.scripted_server import (
    ScriptedConnection,
    respond_in_turn,
    response_bytes,
    sync_status_bytes,
)
from tests.flows.wait import wait_until

CALLS: dict[str, dict[str, Any]] = {
    "get_sync_status": {},
    "list_auth_configs": {},
    "list_connectors": {},
    "start_sync": {"full": True, "read_timeout": 4.0},
    "switch_tool": {"tool_key": "gmail", "enabled": False},
}


def call_client(client: AitronosClient, name: str, may_send: Any) -> ApiResponse[Any]:
    response: ApiResponse[Any] = getattr(client, name)(secret=KEY, may_send=may_send, **CALLS[name])
    return response


def call_error(client: AitronosClient, name: str, may_send: Any) -> AitronosError:
    with pytest.raises(AitronosError) as excinfo:
        call_client(client, name, may_send)
    return excinfo.value


def test_every_call_with_a_key_takes_may_send() -> None:
    assert set(CALLS) == {*ALL_CALLS, "get_sync_status"}


@pytest.mark.parametrize("name", CALLS)
def test_refusal_of_may_send_sends_nothing_over_the_open_connection(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    received_bytes: list[bytes] = []
    server = start_server(lambda connection: received_bytes.append(connection.sock.recv(1)))
    connection_stood: list[bool] = []

    def refuse(_seconds: float) -> bool:
        connection_stood.append(wait_until(lambda: server.connections == 1))
        return False

    error = call_error(make_client(server), name, refuse)
    assert isinstance(error, RequestWithheld)
    assert (error.kind, error.request_sent, error.attempts) == (FailureKind.WITHHELD, False, 1)
    assert connection_stood == [True]
    assert wait_until(lambda: received_bytes == [b""])


@pytest.mark.parametrize("name", CALLS)
def test_may_send_is_called_once_with_the_seconds_left(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    seconds_left: list[float] = []
    body = sync_status_bytes() if name == "get_sync_status" else response_bytes(ALL_CALLS[name][1])
    client = make_client(start_server(respond_in_turn(body)))
    call_client(client, name, lambda seconds: (seconds_left.append(seconds), True)[1])
    (seconds,) = seconds_left
    # The whole limit of the call bounds what may still go out, not what it usually takes.
    assert 0 < seconds <= 9


def test_may_send_is_called_for_each_attempt(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes("", "503 X")))
    permissions = iter([True, True, False])
    error = call_error(make_client(server), "get_sync_status", lambda _: next(permissions))
    assert (error.kind, error.attempts, len(server.requests)) == (FailureKind.WITHHELD, 3, 2)
    assert error.request_sent  # in an earlier attempt


def test_may_send_is_not_called_without_a_connection(make_client: MakeClient) -> None:
    def never(_seconds: float) -> bool:
        raise AssertionError("asked")

    error = call_error(make_client("http://127.0.0.1:1"), "start_sync", never)
    assert (error.kind, error.request_sent) == (FailureKind.CONNECTION_REFUSED, False)


def test_may_send_that_took_the_whole_timeout_sends_nothing(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server, now = start_server(respond_in_turn(response_bytes())), [0.0]

    def slow(_seconds: float) -> bool:
        now[0] = 1e6
        return True

    client = make_client(server, monotonic=lambda: now[0])
    error = call_error(client, "start_sync", slow)
    server.close()
    assert (error.kind, error.request_sent, server.requests) == (
        FailureKind.TOTAL_TIMEOUT,
        False,
        [],
    )


def test_exception_in_may_send_sends_nothing(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))

    def broken(_seconds: float) -> bool:
        raise RuntimeError("unforeseen")

    error = call_error(make_client(server), "start_sync", broken)
    server.close()
    assert (error.request_sent, server.requests) == (False, [])


def test_may_send_is_called_after_the_tls_handshake(
    start_server: StartServer, make_client: MakeClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = CertificateAuthority(tmp_path_factory.mktemp("authority"))
    handshakes: list[bool] = []

    def script(connection: ScriptedConnection) -> None:
        handshakes.append(True)  # the server's side of the handshake is over by then
        connection.read_request()

    server = start_server(script, tls=authority.server_context())
    asked_after_handshake: list[bool] = []
    client = make_client(server, ca_file=authority.ca_file)
    error = call_error(
        client,
        "start_sync",
        lambda _: (asked_after_handshake.append(wait_until(lambda: bool(handshakes))), False)[1],
    )
    server.close()
    assert (error.kind, asked_after_handshake, server.requests) == (
        FailureKind.WITHHELD,
        [True],
        [],
    )


def test_call_without_may_send_is_sent(start_server: StartServer, make_client: MakeClient) -> None:
    server = start_server(respond_in_turn(response_bytes("", "409 X")))
    assert error_of(ALL_CALLS["start_sync"][0], make_client(server)).request_sent
    assert len(server.requests) == 1
