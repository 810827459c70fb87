"""Bytes over a socket, as no well-behaved client would send them."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RawHttpResponse:
    """The first response on a connection, and how many there were."""

    status: int
    head: str
    body: str
    answers: int


def send_raw_request(port: int, data: bytes) -> RawHttpResponse:
    """Send these bytes, then read until the other side closes or falls silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as wire:
        try:
            wire.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered before it had read everything
        return read_raw_response(wire)


def read_raw_response(wire: socket.socket) -> RawHttpResponse:
    """The response that is read until the other side closes or falls silent."""
    raw = _read_until_closed(wire)
    head, _, body = raw.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 else 0
    return RawHttpResponse(
        status, head.decode("latin-1"), body.decode("latin-1"), raw.count(b"HTTP/1.1 ")
    )


def build_raw_request(
    line: str, headers: Sequence[str] = (), body: bytes = b"", *, host: str = "localhost"
) -> bytes:
    """A request with these lines, Host, and Connection where it is missing."""
    lines = [f"{line} HTTP/1.1", f"Host: {host}", *headers]
    if not any(header.lower().startswith("connection") for header in headers):
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _read_until_closed(wire: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := wire.recv(65_536):
            received += chunk
    except (TimeoutError, ConnectionResetError):
        pass
    return received
