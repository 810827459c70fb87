"""A server that sends exactly the bytes a test says, over a real loopback socket."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.flows.waiting import until

GOOD: dict[str, Any] = {
    "total_tools": 42,
    "enabled_tools": 1,
    "last_sync_at": "2025-11-15T10:30:00Z",
    "next_sync_at": "2025-11-15T10:30:00Z",
    "sync_interval_hours": 1,
    "incremental_sync_enabled": False,
}
JSON = "application/json"
Script = Callable[["Talk"], None]
ENDLESS = 120.0  # seconds: what goes on for so long would go on for ever


def answer(
    body: bytes | str | dict[str, Any] = GOOD,
    status: str = "200 OK",
    *,
    media: str | None = JSON,
    headers: dict[str, str] | None = None,
) -> bytes:
    """A complete answer with its length."""
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    head = {"Content-Length": str(len(body))} | ({"Content-Type": media} if media else {})
    lines = [f"{name}: {value}" for name, value in (head | (headers or {})).items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body


def good(**changes: Any) -> bytes:
    """The documented answer, with changes."""
    return answer(GOOD | changes)


class Talk:
    """One accepted connection, as the server sees it."""

    def __init__(self, connection: socket.socket, server: "ScriptedServer", number: int) -> None:
        self.connection, self.server, self.number = connection, server, number
        self._read = b""

    def request(self) -> bytes:
        """The head (and body) of the next request; b"" when the other side is gone."""
        while b"\r\n\r\n" not in self._read:
            piece = self.connection.recv(65536)
            if not piece:
                return b""
            self._read += piece
        head, _, rest = self._read.partition(b"\r\n\r\n")
        length = int(dict(_fields(head)).get(b"content-length", b"0"))
        while len(rest) < length:
            piece = self.connection.recv(65536)
            if not piece:
                return b""
            rest += piece
        self._read = rest[length:]
        self.server.requests.append(head + b"\r\n\r\n" + rest[:length])
        return self.server.requests[-1]

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the test runs."""
        self.server.stopped.wait(seconds)

    def drip(self, piece: bytes, every: float = 0.01) -> None:
        """Send for ever."""
        ends = time.monotonic() + ENDLESS
        while time.monotonic() < ends and not self.server.stopped.wait(every):
            self.send(piece)

    def reset(self) -> None:
        """Break the connection off."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def _fields(head: bytes) -> list[tuple[bytes, bytes]]:
    pairs = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return [(name.lower(), value.strip()) for name, _, value in pairs]


def key_of(request: bytes) -> str:
    """The key that a request carried."""
    return dict(_fields(request)).get(b"x-api-key", b"").decode()


class ScriptedServer:
    """Runs `script` for each connection, in a thread of its own."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self.script, self.tls = script, tls
        self.stopped = threading.Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]
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
        self._listening.shutdown(socket.SHUT_RDWR)
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(20)
        self._listening.close()

    def join(self, count: int) -> None:
        """Wait until the first `count` connections have ended."""
        assert until(lambda: len(self._threads) > count)
        for thread in self._threads[1 : count + 1]:
            thread.join(20)

    def asked(self, count: int) -> list[bytes]:
        """The requests, once so many have been read; a caller in a hurry is gone before that."""
        assert until(lambda: len(self.requests) >= count)
        return self.requests

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._listening.accept()
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
                plain, connection = connection, self.tls.wrap_socket(connection, server_side=True)
                self._open.discard(plain)
                self._open.add(connection)
            self.script(Talk(connection, self, number))
        except OSError:
            pass  # the client went away, which is what most scripts want
        finally:
            self._open.discard(connection)
            connection.close()


def once(data: bytes) -> Script:
    """One answer, then the connection is closed."""

    def script(talk: Talk) -> None:
        talk.request()
        talk.send(data)

    return script


def says(*answers: bytes) -> Script:
    """The n-th request gets the n-th answer, the last one ever after; connections are kept."""

    def script(talk: Talk) -> None:
        while talk.request():
            talk.send(answers[min(len(talk.server.requests), len(answers)) - 1])

    return script
