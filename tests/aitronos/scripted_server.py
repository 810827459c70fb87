"""A server that sends exactly the bytes a test says, over a real loopback socket."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.flows.wait import wait_until

GOOD_BODY: dict[str, Any] = {
    "total_tools": 42,
    "enabled_tools": 1,
    "last_sync_at": "2025-11-15T10:30:00Z",
    "next_sync_at": "2025-11-15T10:30:00Z",
    "sync_interval_hours": 1,
    "incremental_sync_enabled": False,
}
JSON_MEDIA_TYPE = "application/json"
Script = Callable[["ScriptedConnection"], None]
ENDLESS_SECONDS = 120.0  # seconds: what goes on for so long would go on for ever


def response_bytes(
    body: bytes | str | dict[str, Any] = GOOD_BODY,
    status: str = "200 OK",
    *,
    media: str | None = JSON_MEDIA_TYPE,
    headers: dict[str, str] | None = None,
) -> bytes:
    """A complete response with its length."""
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    head = {"Content-Length": str(len(body))} | ({"Content-Type": media} if media else {})
    lines = [f"{name}: {value}" for name, value in (head | (headers or {})).items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body


def sync_status_bytes(**changes: Any) -> bytes:
    """The documented answer, with changes."""
    return response_bytes(GOOD_BODY | changes)


class ScriptedConnection:
    """One accepted connection, as the server sees it."""

    def __init__(self, sock: socket.socket, server: "ScriptedServer", number: int) -> None:
        self.sock, self.server, self.number = sock, server, number
        self._read = b""

    def read_request(self) -> bytes:
        """The head (and body) of the next request; b"" when the other side is gone."""
        while b"\r\n\r\n" not in self._read:
            chunk = self.sock.recv(65536)
            if not chunk:
                return b""
            self._read += chunk
        head, _, body = self._read.partition(b"\r\n\r\n")
        length = int(dict(_parse_headers(head)).get(b"content-length", b"0"))
        while len(body) < length:
            chunk = self.sock.recv(65536)
            if not chunk:
                return b""
            body += chunk
        self._read = body[length:]
        self.server.requests.append(head + b"\r\n\r\n" + body[:length])
        return self.server.requests[-1]

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the test runs."""
        self.server.stopped.wait(seconds)

    def send_forever(self, data: bytes, interval: float = 0.01) -> None:
        """Send `data` every `interval` seconds until the server is closed."""
        ends_at = time.monotonic() + ENDLESS_SECONDS
        while time.monotonic() < ends_at and not self.server.stopped.wait(interval):
            self.send(data)

    def reset(self) -> None:
        """Break the connection off."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def _parse_headers(head: bytes) -> list[tuple[bytes, bytes]]:
    pairs = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return [(name.lower(), value.strip()) for name, _, value in pairs]


def request_key(request: bytes) -> str:
    """The key that a request carried."""
    return dict(_parse_headers(request)).get(b"x-api-key", b"").decode()


class ScriptedServer:
    """Runs `script` for each connection, in a thread of its own."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script, self.tls = script, tls
        self.stopped = threading.Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def base_url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Hang up everywhere and wait for the threads; may be called again."""
        if self.stopped.is_set():
            return
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(20)
        self._listener.close()

    def wait_for_connections_end(self, count: int) -> None:
        """Wait until the first `count` connections have ended."""
        assert wait_until(lambda: len(self._threads) > count)
        for thread in self._threads[1 : count + 1]:
            thread.join(20)

    def wait_for_requests(self, count: int) -> list[bytes]:
        """The requests, once so many have been read; a caller in a hurry is gone before that."""
        assert wait_until(lambda: len(self.requests) >= count)
        return self.requests

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(
                target=self._serve, args=(connection, self.connections), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._open.add(connection)
        try:
            if self.tls:
                plain_connection, connection = (
                    connection,
                    self.tls.wrap_socket(connection, server_side=True),
                )
                self._open.discard(plain_connection)
                self._open.add(connection)
            self.script(ScriptedConnection(connection, self, number))
        except OSError:
            pass  # the client went away, which is what most scripts want
        finally:
            self._open.discard(connection)
            connection.close()


def respond_once(data: bytes) -> Script:
    """One response, then the connection is closed."""

    def script(connection: ScriptedConnection) -> None:
        connection.read_request()
        connection.send(data)

    return script


def respond_in_turn(*responses: bytes) -> Script:
    """The n-th request gets the n-th answer, the last one ever after; connections are kept."""

    def script(connection: ScriptedConnection) -> None:
        while connection.read_request():
            connection.send(responses[min(len(connection.server.requests), len(responses)) - 1])

    return script
