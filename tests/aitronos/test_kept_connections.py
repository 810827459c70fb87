"""Connections are kept for the same key alone, a bounded number of them, and only good ones."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.aitronos.adapters import KeyAdapter
from freddy_admin.aitronos.pools import Pools
from tests.aitronos.conftest import MakeClient, Serve, ask, failure
from tests.aitronos.wire import GOOD, Script, Talk, answer, says


def test_calls_of_one_key_share_a_connection_and_those_of_another_do_not(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer()))
    client = make_client(server)
    for connection in ("1.1", "1.1", "1.1"):
        ask(client, connection)
    assert server.connections == 1
    for connection in ("1.2", "2.1", "1.2", "2.1"):
        ask(client, connection)
    assert server.connections == 3


def test_the_public_route_shares_a_connection_with_no_key(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer(), answer({"status": "ok"})))
    client = make_client(server)
    ask(client, "")
    client.get_health()
    assert server.connections == 2


def closes_after(first: bytes) -> Callable[[Talk], None]:
    def script(talk: Talk) -> None:
        while talk.request():
            talk.send(first if len(talk.server.requests) == 1 else answer())

    return script


BODY = json.dumps(GOOD).encode()
EXTRAORDINARY: dict[str, bytes] = {
    "a refusal": answer("", "401 X"),
    "an unreadable answer": answer("{}"),
    "extra bytes": answer() + b"x",
    "a second answer": answer() + answer(),
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
    % (len(BODY), BODY),
    "a 204 with a body": answer("{}", "204 X"),
    "too long a body": answer("{" + " " * 1_000_001),
}


@pytest.mark.parametrize("what", EXTRAORDINARY)
def test_anything_out_of_the_ordinary_closes_its_connection(
    serve: Serve, make_client: MakeClient, what: str
) -> None:
    server = serve(closes_after(EXTRAORDINARY[what]))
    client = make_client(server)
    try:
        ask(client)
    except Exception:  # noqa: BLE001  what came of it is another test's matter
        pass
    assert ask(client).value.total_tools == 42
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_that_died_while_idle_is_replaced_without_a_word(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        talk.send(answer())

    server = serve(script)
    client = make_client(server)
    assert [ask(client).value.total_tools for _ in range(3)] == [42, 42, 42]
    assert waits in ([], [0.0], [0.0, 0.0])


def test_a_connection_that_dies_with_the_next_request_is_replaced_at_once(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        talk.send(answer())
        talk.request()
        talk.reset() if talk.number == 1 else talk.send(answer())

    client = make_client(serve(script))
    assert ask(client).info.attempts == 1
    assert ask(client).info.attempts == 2
    assert waits == [0.0]


def test_a_new_connection_is_not_replaced_at_once(
    serve: Serve, make_client: MakeClient, waits: list[float]
) -> None:
    def script(talk: Talk) -> None:
        talk.request()
        if talk.number > 1:
            talk.send(answer())

    assert ask(make_client(serve(script), total_timeout=2)).info.attempts == 2
    assert waits == [0.1875]


def test_no_connection_outlives_its_client(serve: Serve, make_client: MakeClient) -> None:
    ended: list[bool] = []

    def script(talk: Talk) -> None:
        says(answer())(talk)
        ended.append(not talk.server.stopped.is_set())

    server = serve(script)
    client = make_client(server)
    for number in range(3):
        ask(client, f"{number}.1")
    client.close()
    server.join(3)
    assert ended == [True, True, True]


class Adapter(KeyAdapter):
    """Knows whether it was closed."""

    closed = False

    def __init__(self) -> None:
        super().__init__(None)

    def close(self) -> None:
        self.closed = True


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pools(clock: Clock) -> Any:
    return Pools(Adapter, kept=3, monotonic=clock)


def test_the_longest_idle_of_too_many_connections_is_closed(pools: Any) -> None:
    adapters = {name: pools.take(name) for name in "abcd"}
    for name, adapter in adapters.items():
        pools.give(name, adapter)
    assert [adapter.closed for adapter in adapters.values()] == [True, False, False, False]
    assert pools.take("a") is not adapters["a"]
    assert pools.take("d") is adapters["d"]


def test_an_adapter_in_use_is_not_handed_out_again(pools: Any) -> None:
    first = pools.take("a")
    second = pools.take("a")
    assert first is not second
    pools.give("a", first)
    pools.give("a", second)
    assert (first.closed, second.closed) == (True, False)


def test_an_old_idle_connection_is_closed_by_the_next_call_of_any_key(
    pools: Any, clock: Clock
) -> None:
    adapter = pools.take("a")
    pools.give("a", adapter)
    clock.at = 59.0
    pools.give("b", pools.take("b"))
    clock.at = 61.0
    pools.take("c")
    assert adapter.closed
    assert not pools.take("b").closed


def test_what_comes_back_after_the_end_is_closed(pools: Any) -> None:
    adapter = pools.take("a")
    pools.close()
    pools.give("a", adapter)
    assert adapter.closed
    assert pools.take("a") is not adapter


def test_another_key_under_the_same_name_gets_another_connection(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer()))
    client = make_client(server)
    for key in ("oak_live_one", "oak_live_two", "oak_live_one", " oak_live_two\n"):
        ask(client, "1.1", key)
    assert server.connections == 2


def test_two_keys_never_share_an_adapter(pools: Any) -> None:
    pools.give("a", pools.take("a"))
    taken = [pools.take(name) for name in ("a", "b", None, "")]
    assert len(set(map(id, taken))) == 4


def test_an_error_in_a_call_of_one_key_leaves_the_connection_of_another(
    serve: Serve, make_client: MakeClient
) -> None:
    script: Script = says(answer(), answer("", "401 X"), answer())
    server = serve(script)
    client = make_client(server)
    ask(client, "1.1")
    failure(client, "2.1")
    ask(client, "1.1")
    assert server.connections == 2
