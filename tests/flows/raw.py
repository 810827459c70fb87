"""Bytes over a socket, as no well-behaved client would send them."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """What came back: the first answer, and whether there was a second one."""

    status: int
    head: str
    body: str
    answers: int


def spoken(port: int, data: bytes) -> Told:
    """Send these bytes, then read until the other side closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as wire:
        try:
            wire.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered before it had read everything
        return read_answer(wire)


def read_answer(wire: socket.socket) -> Told:
    """What comes until the other side closes or falls silent."""
    came = _read(wire)
    head, _, body = came.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 else 0
    return Told(status, head.decode("latin-1"), body.decode("latin-1"), came.count(b"HTTP/1.1 "))


def request(
    line: str, headers: Sequence[str] = (), body: bytes = b"", *, host: str = "localhost"
) -> bytes:
    """A request with these lines, and what every honest one has."""
    lines = [f"{line} HTTP/1.1", f"Host: {host}", *headers]
    if not any(one.lower().startswith("connection") for one in headers):
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _read(wire: socket.socket) -> bytes:
    came = b""
    try:
        while chunk := wire.recv(65_536):
            came += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return came
