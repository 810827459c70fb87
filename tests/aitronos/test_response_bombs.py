"""Answers made to use up memory or time end early, cost little, and touch nobody else."""

import gc
import gzip
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from freddy_admin.aitronos import json_parsing
from freddy_admin.aitronos.errors import AitronosError, FailureKind, UnreadableResponse
from tests.aitronos.conftest import (
    BOUNDED_SECONDS,
    PATIENT_LIMITS,
    SHORT_LIMITS,
    GetError,
    MakeClient,
    StartServer,
    fetch_sync_status,
)
from tests.aitronos.scripted_server import (
    Script,
    ScriptedConnection,
    respond_in_turn,
    respond_once,
    response_bytes,
)
from tests.drill_scale import drill_count

MEGABYTE = 1_000_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    """Short limits: they are what this module tests."""
    return SHORT_LIMITS


def _gzipped_zeros(megabytes: int) -> bytes:
    """`megabytes` of zeros, compressed without ever being in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MEGABYTE)
    return b"".join([*(packer.compress(zeros) for _ in range(megabytes)), packer.flush()])


def _encoded_script(body: bytes, coding: str) -> Script:
    return respond_in_turn(response_bytes(body, headers={"Content-Encoding": coding}))


def _flooding_script(head: bytes, chunk: bytes) -> Script:
    """As fast as the other side takes it."""

    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(head)
        connection.send_forever(chunk, 0)

    return script


SMALL_GZIP = gzip.compress(_gzipped_zeros(2))
BOMBS: dict[str, tuple[Callable[[], Script], str]] = {
    "gzip": (lambda: _encoded_script(_gzipped_zeros(drill_count(200)), "gzip"), "Content-Encoding"),
    "gzip twice": (lambda: _encoded_script(SMALL_GZIP, "gzip, gzip"), "Content-Encoding"),
    "gzip, unannounced": (lambda: respond_in_turn(response_bytes(SMALL_GZIP)), "body"),
    "50 MB announced": (
        lambda: respond_once(HEAD + b"Content-Length: 50000000\r\n\r\n" + b" " * MEGABYTE),
        "body",
    ),
    "50 MB": (lambda: _flooding_script(HEAD + b"\r\n", b" " * 65_536), "body"),
    "list of many": (
        lambda: respond_in_turn(response_bytes(b"[" + b"0," * 490_000 + b"0]")),
        "body",
    ),
    "object of many": (
        lambda: respond_in_turn(response_bytes(b'{"a":[' + b"{}," * 300_000 + b"{}]}")),
        "total_tools",
    ),
    "deep list": (lambda: respond_in_turn(response_bytes(b"[" * 200_000 + b"]" * 200_000)), "body"),
    "deep object": (lambda: respond_in_turn(response_bytes(b'{"a":' * 190_000)), "body"),
    "long number": (
        lambda: respond_in_turn(response_bytes(b'{"total_tools":' + b"9" * 900_000 + b"}")),
        "body",
    ),
    "long fraction": (
        lambda: respond_in_turn(response_bytes(b'{"total_tools": 0.' + b"9" * 900_000 + b"}")),
        "total_tools",
    ),
    "2,000 headers": (lambda: respond_once(HEAD + b"A: b\r\n" * 2000 + b"\r\n{}"), "headers"),
    "a header of 200 KB": (
        lambda: respond_once(HEAD + b"A: " + b"b" * 200_000 + b"\r\n\r\n"),
        "headers",
    ),
    "chunks for ever": (
        lambda: _flooding_script(CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"),
        "body",
    ),
    "a huge chunk": (lambda: respond_once(CHUNKED + b"f" * 30 + b"\r\n" + b" " * MEGABYTE), "body"),
}
FLOODS: dict[str, Script] = {
    "status line": _flooding_script(b"", b"H" * 65_536),
    "one header": _flooding_script(HEAD + b"A: ", b"b" * 65_536),
    "headers": _flooding_script(HEAD, b"A: b\r\n" * 5000),
    "interim answers": _flooding_script(b"", b"HTTP/1.1 100 X\r\n\r\n" * 1000),
    "tiny chunks": _flooding_script(CHUNKED, b"1\r\n \r\n" * 1000),
    "size of a chunk": _flooding_script(CHUNKED, b"0" * 65_536),
    "extension of a chunk": _flooding_script(CHUNKED + b"1;", b"x" * 65_536),
    "trailers": _flooding_script(CHUNKED + b"0\r\n", b"A: b\r\n" * 5000),
    "body of a refusal": _flooding_script(b"HTTP/1.1 401 X\r\n\r\n", b" " * 65_536),
}


@pytest.mark.drill
@pytest.mark.parametrize("name", BOMBS)
def test_response_bomb_is_one_typed_error(get_error: GetError, name: str) -> None:
    script, field = BOMBS[name]
    error = get_error(script(), **PATIENT_LIMITS)
    assert isinstance(error, UnreadableResponse)
    assert error.field == field


@pytest.mark.parametrize("name", FLOODS)
def test_flood_ends_in_time(get_error: GetError, name: str) -> None:
    started_at = time.monotonic()
    error = get_error(FLOODS[name])
    assert isinstance(error, AitronosError)
    assert time.monotonic() - started_at < BOUNDED_SECONDS


@pytest.mark.drill
@pytest.mark.parametrize("name", ["gzip", "gzip twice", "50 MB", "deep list", "chunks for ever"])
def test_response_bomb_costs_little_memory(get_error: GetError, name: str) -> None:
    assert _memory_growth(get_error, BOMBS[name][0](), **PATIENT_LIMITS) <= 10 * MEGABYTE


@pytest.mark.parametrize("name", ["headers", "tiny chunks", "trailers", "body of a refusal"])
def test_flood_costs_little_memory(get_error: GetError, name: str) -> None:
    assert _memory_growth(get_error, FLOODS[name]) <= 10 * MEGABYTE


def _memory_growth(get_error: GetError, script: Script, **limits: float) -> int:
    """The most memory in use by Python during the call, in bytes above that before it."""
    tracemalloc.start()
    try:
        bytes_before = tracemalloc.get_traced_memory()[0]
        get_error(script, **limits)
        return tracemalloc.get_traced_memory()[1] - bytes_before
    finally:
        tracemalloc.stop()


@pytest.mark.drill
def test_memory_of_a_parsed_full_body_is_freed(get_error: GetError) -> None:
    script = BOMBS["list of many"][0]()
    get_error(script, **PATIENT_LIMITS)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(drill_count(3)):
            get_error(script, **PATIENT_LIMITS)
        gc.collect()
        bytes_after, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert bytes_after <= MEGABYTE


def test_duplicate_names_are_found_in_time() -> None:
    """Comparing each name with each other would take minutes."""
    pairs = b",".join(b'"%d":0' % number for number in range(90_000))
    started_at = time.thread_time()
    with pytest.raises(UnreadableResponse) as excinfo:
        json_parsing.parse_json_body(
            {"Content-Type": "application/json"}, b"{" + pairs + b',"7":0,"last":0,"last":1}'
        )
    assert excinfo.value.field == "7"
    assert time.thread_time() - started_at < BOUNDED_SECONDS


def test_response_bomb_does_not_delay_another_key(
    start_server: StartServer, make_client: MakeClient
) -> None:
    started = threading.Event()

    def script(connection: ScriptedConnection) -> None:
        if b"bomb" not in connection.read_request():
            connection.send(response_bytes())
            return
        started.set()
        FLOODS["tiny chunks"](connection)

    client = make_client(start_server(script), **PATIENT_LIMITS | {"total_timeout": 3})
    kinds: list[FailureKind] = []

    def fetch_bomb() -> None:
        with pytest.raises(AitronosError) as excinfo:
            fetch_sync_status(client, "oak_live_bomb")
        kinds.append(excinfo.value.kind)

    thread = threading.Thread(target=fetch_bomb)
    thread.start()
    assert started.wait(5)
    assert fetch_sync_status(client).value.total_tools == 42
    thread.join()
    assert len(kinds) == 1
