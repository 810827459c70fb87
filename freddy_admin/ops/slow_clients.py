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

PEEK_BYTES: Final = 65_536  # of what has arrived; gunicorn refuses a head that is longer
SEND_SECONDS: Final = 20.0
RUN_SECONDS: Final = 120.0
CLOSE_SECONDS: Final = 2.0
LARGE_RUN_SECONDS: Final = 30.0
MAX_LARGE_RUNNING: Final = 2
LARGE_KIND: Final = "large"
TICK_SECONDS: Final = 0.05
_REQUEST_TIMEOUT_RESPONSE: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PeekedRequest:
    """How much of a request has arrived, and its bytes so far."""

    is_complete: bool
    is_large: bool = False
    is_disconnected: bool = False
    is_silent: bool = False
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class RequestLane:
    """At most `max_running` requests at once; `max_queued` more wait.

    A request that waited for `max_wait_seconds` is started, one in `TICK_SECONDS`, to be refused in
    full by the panel unless there is room by then; after twice that it gets the short refusal.
    """

    max_running: int
    max_queued: int
    max_wait_seconds: float


def peek_request(client: socket.socket) -> PeekedRequest:
    """What has arrived on `client`; nothing is taken from the socket."""
    try:
        data = client.recv(PEEK_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return PeekedRequest(is_complete=False, is_silent=True)
    except OSError:
        return PeekedRequest(is_complete=False, is_disconnected=True)
    if not data:
        return PeekedRequest(is_complete=False, is_disconnected=True)
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return PeekedRequest(is_complete=len(data) >= PEEK_BYTES // 2, data=data)
    content_length = _CONTENT_LENGTH.search(head + b"\r\n")
    length = int(content_length[1]) if content_length else 0
    is_large = length > PEEK_BYTES - len(head) - 4
    is_complete = len(body) >= length or len(data) >= PEEK_BYTES
    return PeekedRequest(is_complete=is_complete, is_large=is_large, data=data)


@dataclass(frozen=True, slots=True)
class QueuedRequest:
    """A request that waits in a lane, since when, and its response if it waits in vain."""

    conn: Any
    queued_at: float
    refusal: bytes


class SlowClientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threads, for complete requests alone. All of this runs in the main thread."""

    lanes: ClassVar[Mapping[str, RequestLane]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.incomplete_connections: dict[Any, float] = {}
        self.silent_connections: dict[Any, float] = {}
        self.running_requests: dict[Any, tuple[float, str]] = {}
        self.lingering_connections: dict[Any, float] = {}
        self.queues: dict[str, deque[QueuedRequest]] = {name: deque() for name in self.lanes}
        self.released_at = dict.fromkeys(self.lanes, 0.0)

    def request_lane(self, data: bytes) -> str:
        """The name of the lane of a request that begins with `data`; empty for none."""
        del data
        return ""

    def refusal_response(self, data: bytes) -> bytes:
        """The response to a request whose lane is full, or that waited in vain."""
        del data
        return _REQUEST_TIMEOUT_RESPONSE

    def enqueue_req(self, conn: Any) -> None:
        """Start the request in a thread if all of it has arrived, else keep its connection."""
        now = time.monotonic()
        if conn.parser is not None and (data := conn.parser.unreader.buf.getvalue()):
            self._queue_request(conn, data, now)  # read ahead with the request before
            return
        peeked = peek_request(conn.sock)
        if peeked.is_silent:
            self.silent_connections[conn] = now
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_first_bytes, conn))
        elif not self._admit_request(conn, peeked, now):
            self.incomplete_connections[conn] = now

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """gunicorn's own loop, woken each `TICK_SECONDS` while requests or connections wait."""
        anybody_waits = self.incomplete_connections or any(self.queues.values())
        super().wait_for_and_dispatch_events(
            min(timeout, TICK_SECONDS) if anybody_waits else timeout
        )
        now = time.monotonic()
        for conn, started_at in list(self.incomplete_connections.items()):
            if self._admit_request(conn, peek_request(conn.sock), now):
                del self.incomplete_connections[conn]
            elif now - started_at > SEND_SECONDS or not self.alive:
                del self.incomplete_connections[conn]
                self._respond_and_close(conn, _REQUEST_TIMEOUT_RESPONSE)
        self._close_timed_out_connections(now)
        for conn, (started_at, kind) in list(self.running_requests.items()):
            if now - started_at > (LARGE_RUN_SECONDS if kind == LARGE_KIND else RUN_SECONDS):
                with suppress(OSError):  # its thread finds the connection closed, and is free
                    conn.sock.shutdown(socket.SHUT_RDWR)
        for name in self.lanes:
            self._refuse_or_start_expired_requests(name, now)

    def finish_request(self, conn: Any, future: "Future[Any]") -> None:
        """Count the thread as free and start what waits for it."""
        now = time.monotonic()
        _since, kind = self.running_requests.pop(conn, (0.0, ""))
        if future.cancelled() or future.exception() is not None or future.result():
            super().finish_request(conn, future)
        else:
            self._start_lingering_close(conn, now)
        if kind in self.lanes:
            self._start_queued_requests(kind, now)

    def _start_lingering_close(self, conn: Any, now: float) -> None:
        """Close once the client has: gunicorn's own way would have all requests wait for that."""
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            self.poller.register(
                conn.sock, EVENT_READ, partial(self._drain_lingering_connection, conn)
            )
        except (OSError, ValueError):  # it is closed already
            self._close_connection(conn)
        else:
            self.lingering_connections[conn] = now

    def _drain_lingering_connection(self, conn: Any, client: socket.socket) -> None:
        with suppress(OSError):
            if client.recv(PEEK_BYTES):
                return
        self._close_lingering_connection(conn)

    def _close_lingering_connection(self, conn: Any) -> None:
        del self.lingering_connections[conn]
        self.poller.unregister(conn.sock)
        self._close_connection(conn)

    def _close_connection(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def _close_timed_out_connections(self, now: float) -> None:
        """Close the connections that send nothing, and those responded to that do not close."""
        for conn, started_at in list(self.silent_connections.items()):
            if now - started_at <= SEND_SECONDS and self.alive:
                break  # connections stand in the order in which they came
            del self.silent_connections[conn]
            self.poller.unregister(conn.sock)
            self._respond_and_close(conn, b"")
        for conn, started_at in list(self.lingering_connections.items()):
            if now - started_at <= CLOSE_SECONDS:
                break
            self._close_lingering_connection(conn)

    def _on_first_bytes(self, conn: Any, client: socket.socket) -> None:
        self.poller.unregister(client)
        connected_at, peeked = self.silent_connections.pop(conn), peek_request(client)
        if not self._admit_request(conn, peeked, time.monotonic()):
            self.incomplete_connections[conn] = connected_at

    def _admit_request(self, conn: Any, peeked: PeekedRequest, now: float) -> bool:
        may_start = peeked.is_complete and not (
            peeked.is_large and self._running_count(LARGE_KIND) >= MAX_LARGE_RUNNING
        )
        # A thread notices a disconnected client at once, and closes in order.
        if not may_start and not peeked.is_disconnected:
            return False
        if peeked.is_large:
            self._start_request(conn, now, LARGE_KIND)
        else:
            self._queue_request(conn, peeked.data, now)
        return True

    def _queue_request(self, conn: Any, data: bytes, now: float) -> None:
        """Start the request, or queue it in its lane; a full lane refuses it."""
        name = self.request_lane(data)
        if name not in self.lanes:
            self._start_request(conn, now, "")
        elif len(self.queues[name]) < self.lanes[name].max_queued:
            self.queues[name].append(QueuedRequest(conn, now, self.refusal_response(data)))
            self._start_queued_requests(name, now)
        else:
            self._respond_and_close(conn, self.refusal_response(data))

    def _start_queued_requests(self, name: str, now: float) -> None:
        """Start requests of this lane, as far as there is room."""
        queue = self.queues[name]
        while queue and self._running_count(name) < self.lanes[name].max_running:
            self._start_request(queue.popleft().conn, now, name)

    def _refuse_or_start_expired_requests(self, name: str, now: float) -> None:
        """Refuse or start the requests of this lane that waited for too long."""
        queue, lane = self.queues[name], self.lanes[name]
        while queue and (now - queue[0].queued_at > 2 * lane.max_wait_seconds or not self.alive):
            expired = queue.popleft()
            self._respond_and_close(expired.conn, expired.refusal)
        is_first_overdue = queue and now - queue[0].queued_at > lane.max_wait_seconds
        if (
            is_first_overdue
            and self._running_count(name) <= lane.max_running
            and now - self.released_at[name] > TICK_SECONDS
        ):
            self.released_at[name] = now
            self._start_request(queue.popleft().conn, now, name)

    def _start_request(self, conn: Any, now: float, kind: str) -> None:
        self.running_requests[conn] = (now, kind)
        conn.data_ready = True
        enqueue: Callable[[Any], None] = super().enqueue_req
        enqueue(conn)

    def _running_count(self, kind: str) -> int:
        return sum(running_kind == kind for _, running_kind in self.running_requests.values())

    def _respond_and_close(self, conn: Any, response: bytes) -> None:
        with suppress(OSError):
            conn.sock.setblocking(False)
            # Unread bytes would make the system reset the connection and drop the response.
            conn.sock.recv(PEEK_BYTES)
        with suppress(OSError):
            conn.sock.send(response)
        self._close_connection(conn)
