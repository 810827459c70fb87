"""No response of one tenant ever reaches another, whatever the other side sends."""

import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.api_calls import (
    AUTH_CONFIGS_BODY,
    CONNECTOR_PAGE_BODY,
    SYNC_STARTED_BODY,
    TOOL_SWITCHED_BODY,
    Call,
    list_auth_configs,
    list_connectors,
    start_sync,
    switch_tool,
)
from tests.aitronos.conftest import MakeClient, StartServer, fetch_sync_status, sync_status_error
from tests.aitronos.scripted_server import (
    GOOD_BODY,
    Script,
    ScriptedConnection,
    request_key,
    respond_in_turn,
    response_bytes,
)

ROUNDS, THREADS = 200, 32
DELAY = 0.002
MEDIA = b"Content-Type: application/json\r\n"
Reaction = Callable[[ScriptedConnection, bytes], None]


def _key_number(request: bytes) -> int:
    return int(request_key(request).rpartition("_")[2])


# By a part of the request line: what is answered, the figure in it, and the call that asks.
CALLS: dict[bytes, tuple[dict[str, Any], str, Call]] = {
    b"sync/status": (GOOD_BODY, "total_tools", fetch_sync_status),
    b"auth-configs": (AUTH_CONFIGS_BODY, "total", list_auth_configs),
    b"available": (CONNECTOR_PAGE_BODY, "total", list_connectors),
    b"POST": (SYNC_STARTED_BODY, "tools_synced", start_sync),
    b"PATCH": (TOOL_SWITCHED_BODY, "tool_id", switch_tool),
}


def _own_response(request: bytes) -> bytes:
    """The response that belongs to this key alone: its number is in it."""
    line = request.partition(b"\r\n")[0]
    body, figure, _ = next(call for path_part, call in CALLS.items() if path_part in line)
    number = _key_number(request)
    return response_bytes(body | {figure: str(number) if figure == "tool_id" else number})


def _own_body(request: bytes) -> bytes:
    return _own_response(request).partition(b"\r\n\r\n")[2]


def _own_body_with_head(request: bytes, *lines: bytes) -> bytes:
    """The key's own body under a head with these lines."""
    return b"HTTP/1.1 200 OK\r\n" + MEDIA + b"\r\n".join((*lines, b"", _own_body(request)))


def _send_interim_first(status: int) -> Reaction:
    def react(connection: ScriptedConnection, request: bytes) -> None:
        connection.send(b"HTTP/1.1 %d X\r\nLink: </style.css>; rel=preload\r\n\r\n" % status)
        connection.pause(DELAY)
        connection.send(_own_response(request))

    return react


def _send_extra_bytes(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request) + b"HTTP/1.1 2")


def _send_extra_bytes_later(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request))
    connection.pause(DELAY)
    connection.send(b"HTTP/1.1 2")


def _send_second_response(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request) * 2)


def _send_second_response_later(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request))
    connection.pause(DELAY)
    connection.send(_own_response(request))


def _send_too_short_length(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(
        _own_body_with_head(request, b"Content-Length: %d" % (len(_own_body(request)) - 9))
        + b" " * 9
    )


def _send_too_long_length(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(
        _own_body_with_head(request, b"Content-Length: %d" % (len(_own_body(request)) + 9))
    )
    connection.reset()


def _send_two_lengths(connection: ScriptedConnection, request: bytes) -> None:
    length = len(_own_body(request))
    connection.send(
        _own_body_with_head(request, b"Content-Length: 2", b"Content-Length: %d" % length)
    )


def _send_length_and_chunks(connection: ScriptedConnection, request: bytes) -> None:
    body = _own_body(request)
    connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" + MEDIA
    )
    connection.send(b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + _own_response(request))


def _send_chunks_then_more(connection: ScriptedConnection, request: bytes) -> None:
    body = _own_body(request)
    connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + MEDIA)
    connection.send(b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + _own_response(request))


def _send_with_status(status: int) -> Reaction:
    def react(connection: ScriptedConnection, request: bytes) -> None:
        connection.send(_own_response(request).replace(b"200", b"%d" % status, 1))

    return react


def _end_early(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request)[:-7])
    connection.sock.shutdown(socket.SHUT_WR)


def _reset_early(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_response(request)[:-7])
    connection.reset()


def _send_without_length(connection: ScriptedConnection, request: bytes) -> None:
    connection.send(_own_body_with_head(request))
    connection.sock.shutdown(socket.SHUT_WR)


STRANGE_REACTIONS: dict[str, Reaction] = {
    "100 first": _send_interim_first(100),
    "102 first": _send_interim_first(102),
    "103 first": _send_interim_first(103),
    "extra bytes": _send_extra_bytes,
    "extra bytes later": _send_extra_bytes_later,
    "second answer": _send_second_response,
    "second answer later": _send_second_response_later,
    "length too short": _send_too_short_length,
    "length too long": _send_too_long_length,
    "two lengths": _send_two_lengths,
    "length and chunks": _send_length_and_chunks,
    "chunks, then more": _send_chunks_then_more,
    "204 with body": _send_with_status(204),
    "304 with body": _send_with_status(304),
    "early end": _end_early,
    "early reset": _reset_early,
    "no length": _send_without_length,
}


def _react_to_each_request(react: Reaction) -> Script:
    """React to each request of each connection."""

    def script(connection: ScriptedConnection) -> None:
        while request := connection.read_request():
            react(connection, request)

    return script


def _react_by_key_number(connection: ScriptedConnection, request: bytes) -> None:
    """An ordinary response for every third key, something strange for the others."""
    reactions = list(STRANGE_REACTIONS.values())
    if _key_number(request) % 3 == 0:
        connection.send(_own_response(request))
    else:
        reactions[(_key_number(request) + connection.number) % len(reactions)](connection, request)


def _own_figure(
    client: AitronosClient, key_number: int, name: bytes = b"sync/status"
) -> int | None:
    """What this key's answer shows, or None where it got none."""
    _, figure, call = CALLS[name]
    try:
        return int(getattr(call(client, f"oak_live_{key_number}").value, figure))
    except AitronosError:
        return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", STRANGE_REACTIONS)
def test_next_key_gets_its_own_response(
    start_server: StartServer, make_client: MakeClient, name: str, call: bytes
) -> None:
    def react_strangely_to_first_key(connection: ScriptedConnection, request: bytes) -> None:
        if _key_number(request) == 1:
            STRANGE_REACTIONS[name](connection, request)
        else:
            connection.send(_own_response(request))

    client = make_client(start_server(_react_to_each_request(react_strangely_to_first_key)))
    for _ in range(3):
        assert _own_figure(client, 1, call) in {1, None}
        assert _own_figure(client, 2, call) == 2


def test_200_calls_by_32_threads_get_no_wrong_response(
    start_server: StartServer, make_client: MakeClient
) -> None:
    requests_by_connection: Counter[int] = Counter()

    def count_requests(connection: ScriptedConnection, request: bytes) -> None:
        requests_by_connection[connection.number] += 1
        _react_by_key_number(connection, request)

    client = make_client(
        start_server(_react_to_each_request(count_requests)),
        connect_timeout=5,
        read_timeout=5,
        total_timeout=9,
    )
    numbers = [number % 40 for number in range(ROUNDS)]
    calls = [list(CALLS)[position // 7 % len(CALLS)] for position in range(ROUNDS)]
    with ThreadPoolExecutor(THREADS) as pool:
        figures = list(pool.map(lambda *arguments: _own_figure(client, *arguments), numbers, calls))
    pairs = list(zip(numbers, figures, strict=True))
    assert [pair for pair in pairs if pair[1] not in {pair[0], None}] == []
    assert all(figure is not None for number, figure in pairs if number % 3 == 0)
    assert set(requests_by_connection.values()) == {1}


@pytest.mark.parametrize("status", [102, 103])
def test_interim_response_is_not_taken_for_the_response(
    start_server: StartServer, make_client: MakeClient, status: int
) -> None:
    server = start_server(_react_to_each_request(_send_interim_first(status)))
    client = make_client(server)
    for _ in range(2):
        error = sync_status_error(client, key="oak_live_7")
        assert (error.kind, error.http_status) == ("unexpected_status", status)
    assert server.connections == 2


def test_no_connection_is_ever_handed_on(
    start_server: StartServer, make_client: MakeClient
) -> None:
    """Not to another key, not to the same one, not after a good answer: each is used once."""
    ended_connections: list[int] = []

    def script(connection: ScriptedConnection) -> None:
        # It would be kept for as long as we like.
        while request := connection.read_request():
            connection.send(_own_response(request))
        ended_connections.append(connection.number)

    server = start_server(script)
    client = make_client(server)
    for name in CALLS:
        for number in (1, 2, 2, 1):
            assert _own_figure(client, number, name) == number
    count = 4 * len(CALLS)
    server.wait_for_connections_end(count)
    assert (server.connections, len(server.requests)) == (count, count)
    assert sorted(ended_connections) == list(range(1, count + 1))


def test_other_side_is_told_that_a_connection_is_used_once(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(_react_to_each_request(STRANGE_REACTIONS["no length"]))
    for name in CALLS:
        _own_figure(make_client(server), 1, name)
    assert all(b"\r\nConnection: close\r\n" in request for request in server.requests)


def test_cookie_of_a_response_is_not_sent_with_the_next_request(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(
        respond_in_turn(response_bytes(headers={"Set-Cookie": "session=tenant1; Path=/"}))
    )
    client = make_client(server)
    for key in ("oak_live_1", "oak_live_1", "oak_live_2"):
        fetch_sync_status(client, key)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_public_route_uses_no_connection_of_a_key(
    start_server: StartServer, make_client: MakeClient
) -> None:
    server = start_server(respond_in_turn(response_bytes(), response_bytes({"status": "ok"})))
    client = make_client(server)
    fetch_sync_status(client)
    assert client.get_health().value.status == "ok"
    assert server.connections == 2
