"""No answer of one tenant ever reaches another, whatever the other side sends."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from freddy_admin.aitronos.client import AitronosClient
from freddy_admin.aitronos.errors import AitronosError
from tests.aitronos.calls import (
    CONFIGS,
    PAGE,
    STARTED,
    SWITCHED,
    Call,
    list_auth_configs,
    list_connectors,
    start_sync,
    switch_tool,
)
from tests.aitronos.conftest import MakeClient, Serve, ask, failure
from tests.aitronos.wire import GOOD, Script, Talk, answer, key_of, says

ROUNDS, THREADS = 200, 32
DELAY = 0.002
MEDIA = b"Content-Type: application/json\r\n"
Reaction = Callable[[Talk, bytes], None]


def _number(request: bytes) -> int:
    return int(key_of(request).rpartition("_")[2])


# By a part of the request line: what is answered, the figure in it, and the call that asks.
CALLS: dict[bytes, tuple[dict[str, Any], str, Call]] = {
    b"sync/status": (GOOD, "total_tools", lambda client, *who: ask(client, who[1], who[0])),
    b"auth-configs": (CONFIGS, "total", list_auth_configs),
    b"available": (PAGE, "total", list_connectors),
    b"POST": (STARTED, "tools_synced", start_sync),
    b"PATCH": (SWITCHED, "tool_id", switch_tool),
}


def _own(request: bytes) -> bytes:
    """The answer that belongs to this key alone: its number is in it."""
    line = request.partition(b"\r\n")[0]
    body, figure, _ = next(call for part, call in CALLS.items() if part in line)
    number = _number(request)
    return answer(body | {figure: str(number) if figure == "tool_id" else number})


def _body(request: bytes) -> bytes:
    return _own(request).partition(b"\r\n\r\n")[2]


def _as(request: bytes, *lines: bytes) -> bytes:
    """The key's own body under a head with these lines."""
    return b"HTTP/1.1 200 OK\r\n" + MEDIA + b"\r\n".join((*lines, b"", _body(request)))


def _interim(status: int) -> Reaction:
    def react(talk: Talk, request: bytes) -> None:
        talk.send(b"HTTP/1.1 %d X\r\nLink: </style.css>; rel=preload\r\n\r\n" % status)
        talk.pause(DELAY)
        talk.send(_own(request))

    return react


def _extra(talk: Talk, request: bytes) -> None:
    talk.send(_own(request) + b"HTTP/1.1 2")


def _extra_later(talk: Talk, request: bytes) -> None:
    talk.send(_own(request))
    talk.pause(DELAY)
    talk.send(b"HTTP/1.1 2")


def _second(talk: Talk, request: bytes) -> None:
    talk.send(_own(request) * 2)


def _second_later(talk: Talk, request: bytes) -> None:
    talk.send(_own(request))
    talk.pause(DELAY)
    talk.send(_own(request))


def _too_short(talk: Talk, request: bytes) -> None:
    talk.send(_as(request, b"Content-Length: %d" % (len(_body(request)) - 9)) + b" " * 9)


def _too_long(talk: Talk, request: bytes) -> None:
    talk.send(_as(request, b"Content-Length: %d" % (len(_body(request)) + 9)))
    talk.reset()


def _two_lengths(talk: Talk, request: bytes) -> None:
    length = len(_body(request))
    talk.send(_as(request, b"Content-Length: 2", b"Content-Length: %d" % length))


def _length_and_chunks(talk: Talk, request: bytes) -> None:
    body = _body(request)
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" + MEDIA)
    talk.send(b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + _own(request))


def _chunks_then_more(talk: Talk, request: bytes) -> None:
    body = _body(request)
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + MEDIA)
    talk.send(b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) + _own(request))


def _other_status(status: int) -> Reaction:
    def react(talk: Talk, request: bytes) -> None:
        talk.send(_own(request).replace(b"200", b"%d" % status, 1))

    return react


def _early_end(talk: Talk, request: bytes) -> None:
    talk.send(_own(request)[:-7])
    talk.connection.shutdown(socket.SHUT_WR)


def _early_reset(talk: Talk, request: bytes) -> None:
    talk.send(_own(request)[:-7])
    talk.reset()


def _without_length(talk: Talk, request: bytes) -> None:
    talk.send(_as(request))
    talk.connection.shutdown(socket.SHUT_WR)


STRANGE: dict[str, Reaction] = {
    "100 first": _interim(100),
    "102 first": _interim(102),
    "103 first": _interim(103),
    "extra bytes": _extra,
    "extra bytes later": _extra_later,
    "second answer": _second,
    "second answer later": _second_later,
    "length too short": _too_short,
    "length too long": _too_long,
    "two lengths": _two_lengths,
    "length and chunks": _length_and_chunks,
    "chunks, then more": _chunks_then_more,
    "204 with body": _other_status(204),
    "304 with body": _other_status(304),
    "early end": _early_end,
    "early reset": _early_reset,
    "no length": _without_length,
}


def _each(react: Reaction) -> Script:
    """React to each request of each connection."""

    def script(talk: Talk) -> None:
        while request := talk.request():
            react(talk, request)

    return script


def _mixed(talk: Talk, request: bytes) -> None:
    """An ordinary answer for every third key, something strange for the others."""
    reactions = list(STRANGE.values())
    if _number(request) % 3 == 0:
        talk.send(_own(request))
    else:
        reactions[(_number(request) + talk.number) % len(reactions)](talk, request)


def _own_figure(client: AitronosClient, number: int, name: bytes = b"sync/status") -> int | None:
    """What this key's answer shows, or None where it got none."""
    _, figure, call = CALLS[name]
    try:
        return int(getattr(call(client, f"oak_live_{number}", f"{number}.1").value, figure))
    except AitronosError:
        return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", STRANGE)
def test_the_next_key_gets_its_own_answer(
    serve: Serve, make_client: MakeClient, name: str, call: bytes
) -> None:
    def first_strange(talk: Talk, request: bytes) -> None:
        if _number(request) == 1:
            STRANGE[name](talk, request)
        else:
            talk.send(_own(request))

    client = make_client(serve(_each(first_strange)))
    for _ in range(3):
        assert _own_figure(client, 1, call) in {1, None}
        assert _own_figure(client, 2, call) == 2


def test_200_rounds_with_32_threads_bring_no_wrong_answer(
    serve: Serve, make_client: MakeClient
) -> None:
    owners: dict[int, set[str]] = {}

    def watched(talk: Talk, request: bytes) -> None:
        owners.setdefault(talk.number, set()).add(key_of(request))
        _mixed(talk, request)

    client = make_client(serve(_each(watched)), connect_timeout=5, read_timeout=5, total_timeout=9)
    numbers = [number % 40 for number in range(ROUNDS)]
    calls = [list(CALLS)[at // 7 % len(CALLS)] for at in range(ROUNDS)]
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(lambda *one: _own_figure(client, *one), numbers, calls))
    pairs = list(zip(numbers, seen, strict=True))
    assert [pair for pair in pairs if pair[1] not in {pair[0], None}] == []
    assert all(figure is not None for number, figure in pairs if number % 3 == 0)
    assert {len(keys) for keys in owners.values()} == {1}


@pytest.mark.parametrize(
    "name", ["extra bytes", "second answer", "length too short", "chunks, then more"]
)
def test_a_connection_with_more_than_the_answer_is_not_used_again(
    serve: Serve, make_client: MakeClient, name: str
) -> None:
    server = serve(_each(STRANGE[name]))
    client = make_client(server)
    for _ in range(3):
        _own_figure(client, 7)
    assert server.connections == len(server.requests) == 3


@pytest.mark.parametrize("status", [102, 103])
def test_an_interim_answer_is_not_taken_for_the_answer(
    serve: Serve, make_client: MakeClient, status: int
) -> None:
    server = serve(_each(_interim(status)))
    client = make_client(server)
    for _ in range(2):
        error = failure(client, key="oak_live_7")
        assert (error.kind, error.http_status) == ("unexpected_status", status)
    assert server.connections == 2


def test_an_ordinary_connection_is_used_again_by_its_own_key_alone(
    serve: Serve, make_client: MakeClient
) -> None:
    owners: dict[int, list[str]] = {}

    def watched(talk: Talk, request: bytes) -> None:
        owners.setdefault(talk.number, []).append(key_of(request))
        talk.send(_own(request))

    client = make_client(serve(_each(watched)))
    for number in (1, 2, 1, 3, 2, 1):
        assert _own_figure(client, number) == number
    assert sorted(owners.values()) == [
        ["oak_live_1"] * 3,
        ["oak_live_2"] * 2,
        ["oak_live_3"],
    ]


def test_no_cookie_of_one_answer_goes_out_with_the_next_request(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer(headers={"Set-Cookie": "session=tenant1; Path=/"})))
    client = make_client(server)
    for connection in ("1.1", "1.1", "2.1"):
        ask(client, connection)
    assert not any(b"cookie" in request.lower() for request in server.requests)


def test_the_public_route_uses_no_connection_of_a_key(
    serve: Serve, make_client: MakeClient
) -> None:
    server = serve(says(answer(), answer({"status": "ok"})))
    client = make_client(server)
    ask(client, "")
    assert client.get_health().value.status == "ok"
    assert server.connections == 2
