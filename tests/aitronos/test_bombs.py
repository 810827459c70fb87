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

from freddy_admin.aitronos import parsing
from freddy_admin.aitronos.errors import AitronosError, FailureKind, UnreadableAnswer
from tests.aitronos.conftest import BOUNDED, LIMITS, PATIENT, Failed, MakeClient, Serve, ask
from tests.aitronos.wire import Script, Talk, answer, once, says
from tests.drills import drill_share

MEGA = 1_000_000
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def limits() -> dict[str, Any]:
    """Short ones: they are what this is about."""
    return LIMITS


def _zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros, compressed without ever being in memory."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(MEGA)
    return b"".join([*(packer.compress(zeros) for _ in range(megabytes)), packer.flush()])


def _coded(body: bytes, coding: str) -> Script:
    return says(answer(body, headers={"Content-Encoding": coding}))


def _floods(first: bytes, piece: bytes) -> Script:
    """As fast as the other side takes it."""

    def script(talk: Talk) -> None:
        talk.request()
        talk.send(first)
        talk.drip(piece, 0)

    return script


SMALL = gzip.compress(_zeros(2))
BOMBS: dict[str, tuple[Callable[[], Script], str]] = {
    "gzip": (lambda: _coded(_zeros(drill_share(200)), "gzip"), "Content-Encoding"),
    "gzip twice": (lambda: _coded(SMALL, "gzip, gzip"), "Content-Encoding"),
    "gzip, unannounced": (lambda: says(answer(SMALL)), "body"),
    "50 MB announced": (
        lambda: once(HEAD + b"Content-Length: 50000000\r\n\r\n" + b" " * MEGA),
        "body",
    ),
    "50 MB": (lambda: _floods(HEAD + b"\r\n", b" " * 65_536), "body"),
    "list of many": (lambda: says(answer(b"[" + b"0," * 490_000 + b"0]")), "body"),
    "object of many": (lambda: says(answer(b'{"a":[' + b"{}," * 300_000 + b"{}]}")), "total_tools"),
    "deep list": (lambda: says(answer(b"[" * 200_000 + b"]" * 200_000)), "body"),
    "deep object": (lambda: says(answer(b'{"a":' * 190_000)), "body"),
    "long number": (lambda: says(answer(b'{"total_tools":' + b"9" * 900_000 + b"}")), "body"),
    "long fraction": (
        lambda: says(answer(b'{"total_tools": 0.' + b"9" * 900_000 + b"}")),
        "total_tools",
    ),
    "2,000 headers": (lambda: once(HEAD + b"A: b\r\n" * 2000 + b"\r\n{}"), "headers"),
    "a header of 200 KB": (lambda: once(HEAD + b"A: " + b"b" * 200_000 + b"\r\n\r\n"), "headers"),
    "chunks for ever": (lambda: _floods(CHUNKED, b"10000\r\n" + b" " * 65_536 + b"\r\n"), "body"),
    "a huge chunk": (lambda: once(CHUNKED + b"f" * 30 + b"\r\n" + b" " * MEGA), "body"),
}
FLOODS: dict[str, Script] = {
    "status line": _floods(b"", b"H" * 65_536),
    "one header": _floods(HEAD + b"A: ", b"b" * 65_536),
    "headers": _floods(HEAD, b"A: b\r\n" * 5000),
    "interim answers": _floods(b"", b"HTTP/1.1 100 X\r\n\r\n" * 1000),
    "tiny chunks": _floods(CHUNKED, b"1\r\n \r\n" * 1000),
    "size of a chunk": _floods(CHUNKED, b"0" * 65_536),
    "extension of a chunk": _floods(CHUNKED + b"1;", b"x" * 65_536),
    "trailers": _floods(CHUNKED + b"0\r\n", b"A: b\r\n" * 5000),
    "body of a refusal": _floods(b"HTTP/1.1 401 X\r\n\r\n", b" " * 65_536),
}


@pytest.mark.drill
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_error(failed: Failed, name: str) -> None:
    script, field = BOMBS[name]
    error = failed(script(), **PATIENT)
    assert isinstance(error, UnreadableAnswer)
    assert error.field == field


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_ends_in_time(failed: Failed, name: str) -> None:
    started = time.monotonic()
    error = failed(FLOODS[name])
    assert isinstance(error, AitronosError)
    assert time.monotonic() - started < BOUNDED


@pytest.mark.drill
@pytest.mark.parametrize("name", ["gzip", "gzip twice", "50 MB", "deep list", "chunks for ever"])
def test_a_bomb_costs_little_memory(failed: Failed, name: str) -> None:
    assert _growth(failed, BOMBS[name][0](), **PATIENT) <= 10 * MEGA


@pytest.mark.parametrize("name", ["headers", "tiny chunks", "trailers", "body of a refusal"])
def test_a_flood_costs_little_memory(failed: Failed, name: str) -> None:
    assert _growth(failed, FLOODS[name]) <= 10 * MEGA


def _growth(failed: Failed, script: Script, **limits: float) -> int:
    """The most memory in use by Python during the call, in bytes above that before it."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        failed(script, **limits)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def test_what_parsing_builds_of_a_full_body_is_let_go(failed: Failed) -> None:
    script = BOMBS["list of many"][0]()
    failed(script, **PATIENT)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(3):
            failed(script, **PATIENT)
        gc.collect()
        kept, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept <= MEGA


def test_names_that_stand_twice_are_found_in_time() -> None:
    """Comparing each name with each other would take minutes."""
    pairs = b",".join(b'"%d":0' % number for number in range(90_000))
    started = time.thread_time()
    with pytest.raises(UnreadableAnswer) as caught:
        parsing.body_object(
            {"Content-Type": "application/json"}, b"{" + pairs + b',"7":0,"last":0,"last":1}'
        )
    assert caught.value.field == "7"
    assert time.thread_time() - started < BOUNDED


def test_a_bomb_holds_no_other_key_up(serve: Serve, make_client: MakeClient) -> None:
    started = threading.Event()

    def script(talk: Talk) -> None:
        if b"bomb" not in talk.request():
            talk.send(answer())
            return
        started.set()
        FLOODS["tiny chunks"](talk)

    client = make_client(serve(script), **PATIENT | {"total_timeout": 3})
    kinds: list[FailureKind] = []

    def bombed() -> None:
        with pytest.raises(AitronosError) as caught:
            ask(client, "2.1", "oak_live_bomb")
        kinds.append(caught.value.kind)

    other = threading.Thread(target=bombed)
    other.start()
    assert started.wait(5)
    assert ask(client).value.total_tools == 42
    other.join()
    assert len(kinds) == 1
