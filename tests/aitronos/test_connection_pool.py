"""Connections are kept for the same key alone, a bounded number of them, and only good ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.aitronos.connection_pool import KeyConnectionPool, KeyHTTPAdapter
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status, sync_status_error
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    Script,
    ScriptedConnection,
    respond_in_turn,
    response_bytes,
)


def test_connection_is_shared_by_the_calls_of_one_key_alone(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    client = make_client(server)
    for connection in ("1.1", "1.1", "1.1"):
        fetch_sync_status(client, connection)
    assert server.connections == 1
    for connection in ("1.2", "2.1", "1.2", "2.1"):
        fetch_sync_status(client, connection)
    assert server.connections == 3


def test_public_route_shares_a_connection_with_no_key(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes(), response_bytes({"status": "ok"})))
    client = make_client(server)
    fetch_sync_status(client, "")
    client.get_health()
    assert server.connections == 2


def respond_first_with(response: bytes) -> Callable[[ScriptedConnection], None]:
    def script(connection: ScriptedConnection) -> None:
        while connection.read_request():
            connection.send(response if len(connection.server.requests) == 1 else response_bytes())

    return script


BODY = json.dumps(GOOD_BODY).encode()
EXTRAORDINARY_RESPONSES: dict[str, bytes] = {
    "a refusal": response_bytes("", "401 X"),
    "an unreadable answer": response_bytes("{}"),
    "extra bytes": response_bytes() + b"x",
    "a second answer": response_bytes() + response_bytes(),
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (len(BODY), BODY),
    "a 204 with a body": response_bytes("{}", "204 X"),
    "too long a body": response_bytes("{" + " " * 1_000_001),
}


@pytest.mark.parametrize("response", EXTRAORDINARY_RESPONSES)
def test_extraordinary_response_closes_its_connection(
    start_server: StartServer, make_client: MakeClient, response: str
) -> None:
    server = start_server(respond_first_with(EXTRAORDINARY_RESPONSES[response]))
    client = make_client(server)
    try:
        fetch_sync_status(client)
    except Exception:  # noqa: BLE001  what came of it is another test's matter
        pass
    assert fetch_sync_status(client).value.total_tools == 42
    assert (server.connections, len(server.requests)) == (2, 2)


def test_connection_closed_while_idle_is_replaced_without_an_error(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(response_bytes())

    server = start_server(script)
    client = make_client(server)
    assert [fetch_sync_status(client).value.total_tools for _ in range(3)] == [42, 42, 42]
    assert recorded_waits in ([], [0.0], [0.0, 0.0])


def test_connection_broken_by_the_next_request_is_replaced_at_once(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(response_bytes())
        connection.read_request()
        connection.reset() if connection.number == 1 else connection.send(response_bytes())

    client = make_client(start_server(script))
    assert fetch_sync_status(client).info.attempts == 1
    assert fetch_sync_status(client).info.attempts == 2
    assert recorded_waits == [0.0]


def test_new_connection_is_not_replaced_at_once(
    start_server: StartServer, make_client: MakeClient, recorded_waits: list[float]
) -> None:
    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        if connection.number > 1:
            connection.send(response_bytes())

    assert fetch_sync_status(make_client(start_server(script), total_timeout=2)).info.attempts == 2
    assert recorded_waits == [0.1875]


def test_connections_do_not_outlive_their_client(
    start_server: StartServer, make_client: MakeClient
) -> None:
    closed_connections: list[bool] = []

    def script(connection: ScriptedConnection) -> None:
        respond_in_turn(response_bytes())(connection)
        closed_connections.append(not connection.server.stopped.is_set())

    server = start_server(script)
    client = make_client(server)
    for number in range(3):
        fetch_sync_status(client, f"{number}.1")
    client.close()
    server.wait_for_connections_end(3)
    assert closed_connections == [True, True, True]


class Adapter(KeyHTTPAdapter):
    """An adapter that records whether it was closed."""

    closed = False

    def __init__(self) -> None:
        super().__init__(None)

    def close(self) -> None:
        self.closed = True


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(clock: Clock) -> Any:
    return KeyConnectionPool(Adapter, max_idle=3, monotonic=clock)


def test_longest_idle_of_too_many_connections_is_closed(pool: Any) -> None:
    adapters = {name: pool.acquire(name) for name in "abcd"}
    for name, adapter in adapters.items():
        pool.release(name, adapter)
    assert [adapter.closed for adapter in adapters.values()] == [True, False, False, False]
    assert pool.acquire("a") is not adapters["a"]
    assert pool.acquire("d") is adapters["d"]


def test_adapter_in_use_is_not_acquired_again(pool: Any) -> None:
    response = pool.acquire("a")
    second = pool.acquire("a")
    assert response is not second
    pool.release("a", response)
    pool.release("a", second)
    assert (response.closed, second.closed) == (True, False)


def test_expired_idle_connection_is_closed_by_the_next_call_of_any_key(
    pool: Any, clock: Clock
) -> None:
    adapter = pool.acquire("a")
    pool.release("a", adapter)
    clock.seconds = 59.0
    pool.release("b", pool.acquire("b"))
    clock.seconds = 61.0
    pool.acquire("c")
    assert adapter.closed
    assert not pool.acquire("b").closed


def test_adapter_released_after_close_is_closed(pool: Any) -> None:
    adapter = pool.acquire("a")
    pool.close()
    pool.release("a", adapter)
    assert adapter.closed
    assert pool.acquire("a") is not adapter


def test_other_key_under_the_same_name_gets_another_connection(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes()))
    client = make_client(server)
    for key in ("oak_live_one", "oak_live_two", "oak_live_one", " oak_live_two\n"):
        fetch_sync_status(client, "1.1", key)
    assert server.connections == 2


def test_two_keys_never_share_an_adapter(pool: Any) -> None:
    pool.release("a", pool.acquire("a"))
    adapters = [pool.acquire(name) for name in ("a", "b", None, "")]
    assert len(set(map(id, adapters))) == 4


def test_error_of_one_key_keeps_the_connection_of_another(
    start_server: StartServer, make_client: MakeClient
) -> None:
    script: Script = respond_in_turn(
        response_bytes(), response_bytes("", "401 X"), response_bytes()
    )
    server = start_server(script)
    client = make_client(server)
    fetch_sync_status(client, "1.1")
    sync_status_error(client, "2.1")
    fetch_sync_status(client, "1.1")
    assert server.connections == 2
