"""Keeps slow senders from holding the web server's threads.

A thread is a scarce thing; a connection is not. Here a request takes a thread once all of it has
arrived (of a large one: its beginning), and gives it back after a while whatever its sender does.
"""

import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

LOOKED_AT: Final = 65_536  # of what has arrived; gunicorn refuses a head that is longer
SECONDS_TO_SEND: Final = 20.0
SECONDS_IN_ALL: Final = 120.0
LARGE_SECONDS: Final = 30.0
LARGE_AT_ONCE: Final = 2
TICK: Final = 0.05
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """How much of a request is there."""

    whole: bool
    large: bool = False
    gone: bool = False
    silent: bool = False


def arrived(client: socket.socket) -> Arrived:
    """Looks without reading."""
    try:
        data = client.recv(LOOKED_AT, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return Arrived(whole=False, silent=True)
    except OSError:
        return Arrived(whole=False, gone=True)
    if not data:
        return Arrived(whole=False, gone=True)
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return Arrived(whole=len(data) >= LOOKED_AT // 2)
    found = _LENGTH.search(head + b"\r\n")
    length = int(found[1]) if found else 0
    large = length > LOOKED_AT - len(head) - 4
    return Arrived(whole=len(body) >= length or len(data) >= LOOKED_AT, large=large)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, behind a waiting room. All of this runs in the main thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Any, float] = {}
        self.silent: dict[Any, float] = {}
        self.working: dict[Any, tuple[float, bool]] = {}

    def enqueue_req(self, conn: Any) -> None:
        """To a thread where the request has arrived, else to the waiting room."""
        now = time.monotonic()
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():
            self._begin(conn, now, large=False)  # read ahead with the one before
            return
        seen = arrived(conn.sock)
        if seen.silent:
            self.silent[conn] = now
            self.poller.register(conn.sock, EVENT_READ, partial(self._speaks, conn))
        elif not self._admitted(conn, seen, now):
            self.waiting[conn] = now

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As gunicorn does, but looks into the waiting room again and again while somebody is."""
        super().wait_for_and_dispatch_events(min(timeout, TICK) if self.waiting else timeout)
        now = time.monotonic()
        for conn, since in list(self.waiting.items()):
            if self._admitted(conn, arrived(conn.sock), now):
                del self.waiting[conn]
            elif now - since > SECONDS_TO_SEND or not self.alive:
                del self.waiting[conn]
                self._dismiss(conn, _TOO_SLOW)
        for conn, since in list(self.silent.items()):
            if now - since <= SECONDS_TO_SEND and self.alive:
                break  # they came in this order
            del self.silent[conn]
            self.poller.unregister(conn.sock)
            self._dismiss(conn, b"")
        for conn, (since, large) in list(self.working.items()):
            if now - since > (LARGE_SECONDS if large else SECONDS_IN_ALL):
                with suppress(OSError):  # its thread finds the connection closed, and is free
                    conn.sock.shutdown(socket.SHUT_RDWR)

    def finish_request(self, conn: Any, done: "Future[Any]") -> None:
        """The thread is free."""
        self.working.pop(conn, None)
        super().finish_request(conn, done)

    def _speaks(self, conn: Any, client: socket.socket) -> None:
        self.poller.unregister(client)
        since, seen = self.silent.pop(conn), arrived(client)
        if not self._admitted(conn, seen, time.monotonic()):
            self.waiting[conn] = since

    def _admitted(self, conn: Any, seen: Arrived, now: float) -> bool:
        may = seen.whole and not (seen.large and self._large_now() >= LARGE_AT_ONCE)
        if not may and not seen.gone:  # that, a thread tells at once, and closes in order
            return False
        self._begin(conn, now, large=seen.large)
        return True

    def _begin(self, conn: Any, now: float, *, large: bool) -> None:
        self.working[conn] = (now, large)
        conn.data_ready = True
        enqueue: Callable[[Any], None] = super().enqueue_req
        enqueue(conn)

    def _large_now(self) -> int:
        return sum(large for _, large in self.working.values())

    def _dismiss(self, conn: Any, answer: bytes) -> None:
        with suppress(OSError):
            conn.sock.setblocking(False)
            conn.sock.send(answer)
        self.nr_conns -= 1
        conn.close()
