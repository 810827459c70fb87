"""Keeps slow senders from holding the web server's threads.

A thread is a scarce thing; a connection is not. Here a request takes a thread once all of it has
arrived (of a large one: its beginning), and gives it back after a while whatever its sender does.
Requests of which only a few may run at once, in a lane of their own, wait for that without a
thread, too.
"""

import re
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from selectors import EVENT_READ
from typing import Any, ClassVar, Final

from gunicorn.workers.gthread import ThreadWorker

LOOKED_AT: Final = 65_536  # of what has arrived; gunicorn refuses a head that is longer
SECONDS_TO_SEND: Final = 20.0
SECONDS_IN_ALL: Final = 120.0
SECONDS_TO_CLOSE: Final = 2.0
LARGE_SECONDS: Final = 30.0
LARGE_AT_ONCE: Final = 2
LARGE: Final = "large"
TICK: Final = 0.05
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Arrived:
    """How much of a request is there, and what that is."""

    whole: bool
    large: bool = False
    gone: bool = False
    silent: bool = False
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Lane:
    """So many requests at once; `places` more wait.

    Who waited for `seconds` is let through, one in a `TICK`, to be refused in full where the work
    is done unless there is room by then; after twice that the short refusal is all there is.
    """

    at_once: int
    places: int
    seconds: float


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
        return Arrived(whole=len(data) >= LOOKED_AT // 2, data=data)
    found = _LENGTH.search(head + b"\r\n")
    length = int(found[1]) if found else 0
    large = length > LOOKED_AT - len(head) - 4
    whole = len(body) >= length or len(data) >= LOOKED_AT
    return Arrived(whole=whole, large=large, data=data)


@dataclass(frozen=True, slots=True)
class Queued:
    """A request that waits in a lane, since when, and what it is told if it waits in vain."""

    conn: Any
    since: float
    refusal: bytes


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, behind a waiting room. All of this runs in the main thread."""

    lanes: ClassVar[Mapping[str, Lane]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Any, float] = {}
        self.silent: dict[Any, float] = {}
        self.working: dict[Any, tuple[float, str]] = {}
        self.lingering: dict[Any, float] = {}
        self.queues: dict[str, deque[Queued]] = {name: deque() for name in self.lanes}
        self.let_through = dict.fromkeys(self.lanes, 0.0)

    def lane(self, data: bytes) -> str:
        """The lane of a request that begins so; empty for none."""
        del data
        return ""

    def short_refusal(self, data: bytes) -> bytes:
        """What is answered to a request in whose lane there is no place, or that waited in vain."""
        del data
        return _TOO_SLOW

    def enqueue_req(self, conn: Any) -> None:
        """To a thread where the request has arrived, else to the waiting room."""
        now = time.monotonic()
        if conn.parser is not None and (data := conn.parser.unreader.buf.getvalue()):
            self._line_up(conn, data, now)  # read ahead with the one before
            return
        seen = arrived(conn.sock)
        if seen.silent:
            self.silent[conn] = now
            self.poller.register(conn.sock, EVENT_READ, partial(self._speaks, conn))
        elif not self._admitted(conn, seen, now):
            self.waiting[conn] = now

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As gunicorn does, but looks into the waiting room again and again while somebody is."""
        somebody = self.waiting or any(self.queues.values())
        super().wait_for_and_dispatch_events(min(timeout, TICK) if somebody else timeout)
        now = time.monotonic()
        for conn, since in list(self.waiting.items()):
            if self._admitted(conn, arrived(conn.sock), now):
                del self.waiting[conn]
            elif now - since > SECONDS_TO_SEND or not self.alive:
                del self.waiting[conn]
                self._dismiss(conn, _TOO_SLOW)
        self._hang_up(now)
        for conn, (since, kind) in list(self.working.items()):
            if now - since > (LARGE_SECONDS if kind == LARGE else SECONDS_IN_ALL):
                with suppress(OSError):  # its thread finds the connection closed, and is free
                    conn.sock.shutdown(socket.SHUT_RDWR)
        for name in self.lanes:
            self._let_through(name, now)

    def finish_request(self, conn: Any, done: "Future[Any]") -> None:
        """The thread is free."""
        now = time.monotonic()
        _since, kind = self.working.pop(conn, (0.0, ""))
        if done.cancelled() or done.exception() is not None or done.result():
            super().finish_request(conn, done)
        else:
            self._linger(conn, now)
        if kind in self.lanes:
            self._move_up(kind, now)

    def _linger(self, conn: Any, now: float) -> None:
        """Close once the other side has: gunicorn's own way would have everybody wait for that."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self._drain, conn))
        except (OSError, ValueError):  # it is closed already
            self._close(conn)
        else:
            self.lingering[conn] = now

    def _drain(self, conn: Any, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(LOOKED_AT):
                return
        self._end_lingering(conn)

    def _end_lingering(self, conn: Any) -> None:
        del self.lingering[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _hang_up(self, now: float) -> None:
        """On those who say nothing, and those who were answered and do not close."""
        for conn, since in list(self.silent.items()):
            if now - since <= SECONDS_TO_SEND and self.alive:
                break  # they came in this order
            del self.silent[conn]
            self.poller.unregister(conn.sock)
            self._dismiss(conn, b"")
        for conn, since in list(self.lingering.items()):
            if now - since <= SECONDS_TO_CLOSE:
                break
            self._end_lingering(conn)

    def _speaks(self, conn: Any, client: socket.socket) -> None:
        self.poller.unregister(client)
        since, seen = self.silent.pop(conn), arrived(client)
        if not self._admitted(conn, seen, time.monotonic()):
            self.waiting[conn] = since

    def _admitted(self, conn: Any, seen: Arrived, now: float) -> bool:
        may = seen.whole and not (seen.large and self._running(LARGE) >= LARGE_AT_ONCE)
        if not may and not seen.gone:  # that, a thread tells at once, and closes in order
            return False
        if seen.large:
            self._begin(conn, now, LARGE)
        else:
            self._line_up(conn, seen.data, now)
        return True

    def _line_up(self, conn: Any, data: bytes, now: float) -> None:
        """To a thread, or into its lane."""
        name = self.lane(data)
        if name not in self.lanes:
            self._begin(conn, now, "")
        elif len(self.queues[name]) < self.lanes[name].places:
            self.queues[name].append(Queued(conn, now, self.short_refusal(data)))
            self._move_up(name, now)
        else:
            self._dismiss(conn, self.short_refusal(data))

    def _move_up(self, name: str, now: float) -> None:
        """From the lane into a thread, as far as there is room."""
        queue = self.queues[name]
        while queue and self._running(name) < self.lanes[name].at_once:
            self._begin(queue.popleft().conn, now, name)

    def _let_through(self, name: str, now: float) -> None:
        """Out of the lane, whoever waited for long."""
        queue, lane = self.queues[name], self.lanes[name]
        while queue and (now - queue[0].since > 2 * lane.seconds or not self.alive):
            gone = queue.popleft()
            self._dismiss(gone.conn, gone.refusal)
        late = queue and now - queue[0].since > lane.seconds
        if late and self._running(name) <= lane.at_once and now - self.let_through[name] > TICK:
            self.let_through[name] = now
            self._begin(queue.popleft().conn, now, name)

    def _begin(self, conn: Any, now: float, kind: str) -> None:
        self.working[conn] = (now, kind)
        conn.data_ready = True
        enqueue: Callable[[Any], None] = super().enqueue_req
        enqueue(conn)

    def _running(self, kind: str) -> int:
        return sum(one == kind for _, one in self.working.values())

    def _dismiss(self, conn: Any, answer: bytes) -> None:
        with suppress(OSError):
            conn.sock.setblocking(False)
            # What was sent and not read would have the answer thrown away on its way.
            conn.sock.recv(LOOKED_AT)
        with suppress(OSError):
            conn.sock.send(answer)
        self._close(conn)
