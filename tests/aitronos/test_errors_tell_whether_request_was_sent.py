"""An error says that nothing was sent where that is certain, and there alone."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from freddy_admin.aitronos.errors import AitronosError, FailureKind
from freddy_admin.outbound.resolver import Address, Resolver
from tests.aitronos.api_calls import ALL_CALLS, OPERATION_CALLS, error_of
from tests.aitronos.certificates import CertificateAuthority
from tests.aitronos.conftest import (
    KEY,
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

FAULTS_AFTER_SENDING: dict[str, Script] = {
    "silence": lambda connection: (connection.read_request(), connection.pause(ENDLESS_SECONDS)),
    "hang up": lambda connection: connection.read_request(),
    "reset": lambda connection: (connection.read_request(), connection.reset()),
    "reset, unread": lambda connection: (connection.sock.recv(1), connection.reset()),
    "no HTTP": lambda connection: (connection.read_request(), connection.send(b"garbage\r\n\r\n")),
    "a part of a head": lambda connection: (
        connection.read_request(),
        connection.send(b"HTTP/1.1 200 OK\r\nA: "),
    ),
    "a part of a body": lambda connection: (
        connection.read_request(),
        connection.send(response_bytes()[:-9]),
    ),
    **{
        str(status): respond_in_turn(response_bytes("", f"{status} X"))
        for status in (302, 401, 403, 404, 409, 422)
    },
    **{
        str(status): respond_in_turn(response_bytes("", f"{status} X"))
        for status in (429, 500, 502, 503, 504)
    },
    "not JSON": respond_in_turn(response_bytes("<html>")),
}


@pytest.fixture
def limits() -> dict[str, Any]:
    """With the time to try a GET again; silence alone is not waited for."""
    return {"connect_timeout": 5, "read_timeout": 0.2, "total_timeout": 60}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port whose queue is full: a connection to it neither fails nor comes about."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    callers = [socket.socket() for _ in range(4)]
    for caller in callers:
        caller.setblocking(False)
        caller.connect_ex(listener.getsockname())
    yield listener.getsockname()[1]
    for sock in (*callers, listener):
        sock.close()


def call_error(client: Any, name: str, read_timeout: float = 0.2) -> AitronosError:
    if name == "start_sync":
        return error_of(
            lambda client: client.start_sync(secret=KEY, full=True, read_timeout=read_timeout),
            client,
        )
    return error_of(ALL_CALLS[name][0], client)


@pytest.mark.parametrize("name", ALL_CALLS)
@pytest.mark.parametrize("fault", FAULTS_AFTER_SENDING)
def test_request_that_left_us_may_have_arrived(
    start_server: StartServer, make_client: MakeClient, fault: str, name: str
) -> None:
    assert (
        call_error(make_client(start_server(FAULTS_AFTER_SENDING[fault])), name).request_sent
        is True
    )


@pytest.mark.parametrize("name", ALL_CALLS)
def test_unsendable_key_is_not_sent(
    start_server: StartServer, make_client: MakeClient, name: str
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    error = error_of(ALL_CALLS[name][0], make_client(server), "two words")
    assert (error.kind, error.request_sent, server.connections) == ("invalid_secret", False, 0)


@pytest.mark.parametrize("name", ALL_CALLS)
def test_refused_connection_sends_nothing(make_client: MakeClient, name: str) -> None:
    error = call_error(make_client("http://127.0.0.1:1"), name)
    assert (error.kind, error.request_sent) == (FailureKind.CONNECTION_REFUSED, False)
    assert error.attempts == (1 if name in OPERATION_CALLS else 3)


@pytest.mark.parametrize("name", ALL_CALLS)
def test_unknown_host_name_is_sent_nothing(make_client: MakeClient, name: str) -> None:
    client = make_client("https://api.example", resolver=Resolver(lambda _host, _port: []))
    error = call_error(client, name)
    assert (error.kind, error.request_sent) == (FailureKind.NAME_NOT_FOUND, False)


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_unreachable_network_is_sent_nothing(make_client: MakeClient, name: str) -> None:
    # An address of the wrong family: the system finds no way there.
    unreachable_address: Address = (socket.AF_INET6, "127.0.0.1", 9)
    client = make_client(
        "https://api.example", resolver=Resolver(lambda _host, _port: [unreachable_address])
    )
    error = call_error(client, name)
    assert (error.kind, error.request_sent) == (FailureKind.UNREACHABLE, False)


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_connection_that_was_never_accepted_sends_nothing(
    silent_port: int, make_client: MakeClient, name: str
) -> None:
    error = call_error(
        make_client(f"http://127.0.0.1:{silent_port}", connect_timeout=0.1), name, read_timeout=60
    )
    assert (error.kind, error.request_sent) == (FailureKind.CONNECT_TIMEOUT, False)


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_server_with_an_untrusted_certificate_is_sent_nothing(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority, name: str
) -> None:
    server = start_server(respond_in_turn(response_bytes()), tls=authority.server_context())
    error = call_error(make_client(server), name)
    assert (error.kind, error.request_sent, server.requests) == (FailureKind.TLS, False, [])


@pytest.mark.parametrize(
    "end_connection",
    [
        ScriptedConnection.reset,
        lambda _: None,
        lambda connection: connection.pause(ENDLESS_SECONDS),
        lambda connection: connection.send(b"HTTP/1.1 2"),
    ],
    ids=["reset", "closed", "silence", "no TLS"],
)
@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_failed_handshake_sends_nothing(
    start_server: StartServer,
    make_client: MakeClient,
    authority: CertificateAuthority,
    end_connection: Any,
    name: str,
) -> None:
    server = start_server(
        lambda connection: (connection.sock.recv(65_536), end_connection(connection))
    )
    base_url = server.base_url.replace("http:", "https:")
    client = make_client(base_url, ca_file=authority.ca_file, connect_timeout=0.3)
    error = call_error(client, name, read_timeout=60)
    assert (error.request_sent, error.attempts) == (False, 1)
    assert wait_until(lambda: server.connections == 1)


@pytest.mark.parametrize("name", OPERATION_CALLS)
def test_request_over_tls_that_left_us_may_have_arrived(
    start_server: StartServer, make_client: MakeClient, authority: CertificateAuthority, name: str
) -> None:
    def send_garbage(connection: ScriptedConnection) -> None:
        connection.read_request()
        os.write(connection.sock.fileno(), b"no TLS record at all")

    for script in (send_garbage, lambda connection: connection.read_request()):
        server = start_server(script, tls=authority.server_context())
        error = call_error(make_client(server, ca_file=authority.ca_file), name)
        assert (error.request_sent, len(server.requests)) == (True, 1)
        assert error.kind in {FailureKind.TLS, FailureKind.CONNECTION_LOST}


class ExpiringClock:
    """A clock that jumps past every deadline after `last_call` calls."""

    def __init__(self, last_call: int) -> None:
        self.calls, self.last_call = 0, last_call

    def __call__(self) -> float:
        self.calls += 1
        return 0.0 if self.calls <= self.last_call else 1e6


@pytest.mark.parametrize("name", OPERATION_CALLS)
@pytest.mark.parametrize("clock_calls", range(2, 8))
def test_request_is_not_sent_after_its_deadline(
    start_server: StartServer, make_client: MakeClient, name: str, clock_calls: int
) -> None:
    server = start_server(respond_in_turn(response_bytes("", "503 X")))
    error = call_error(
        make_client(server, connect_timeout=5, monotonic=ExpiringClock(clock_calls)), name
    )
    if clock_calls <= 4:
        assert (error.kind, error.request_sent) == (FailureKind.TOTAL_TIMEOUT, False)
    server.close()
    assert error.request_sent or server.requests == []


def test_get_counts_as_sent_if_one_of_its_attempts_was_sent(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes("", "503 X")))
    client = make_client(server, sleep=lambda _: server.close())
    error = sync_status_error(client)
    assert (error.kind, error.attempts) == (FailureKind.CONNECTION_REFUSED, 3)
    assert (error.request_sent, len(server.requests)) == (True, 1)


def test_error_counts_as_sent_by_default() -> None:
    assert AitronosError(FailureKind.SERVER_ERROR).request_sent is True
    assert AitronosError(FailureKind.SERVER_ERROR, request_sent=False).request_sent is False


def test_request_sent_of_one_call_does_not_reach_the_next(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    fetch_sync_status(make_client(server))
    assert sync_status_error(make_client("http://127.0.0.1:1")).request_sent is False
