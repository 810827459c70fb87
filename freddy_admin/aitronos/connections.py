"""Connections under a deadline: our own way from a name to a socket and to an answer's end."""

import http.client
import socket
import threading
import time
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.resolving import NameNotFound, Resolver

RECEIVED_AHEAD = 131_072
_SHORTEST = 0.001  # a time-out of 0 would mean "do not block"


class ConnectFault(Exception):
    """Nothing could be sent. Derives from nothing that urllib3 would wrap."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(str(kind))
        self.kind = kind


class _Call(threading.local):
    """What the connections of this thread's call need to know, and what they noticed."""

    deadline: Deadline | None = None
    resolver: Resolver | None = None
    connect_timeout: float = 0.0
    reused: bool = False  # the connection had lived on from an earlier call
    sent: bool = False  # the request was begun to be written: it may have arrived
    extra: bool = False  # more came than the answer
    oddity: str = ""  # the header that makes the answer's end unknowable


CALL = _Call()


def call_begin(deadline: Deadline, resolver: Resolver, connect_timeout: float) -> None:
    """This thread's next exchange runs under these."""
    CALL.deadline, CALL.resolver, CALL.connect_timeout = deadline, resolver, connect_timeout
    CALL.reused, CALL.sent, CALL.extra, CALL.oddity = True, False, False, ""


def call_end() -> None:
    """Let go of what the exchange needed."""
    CALL.deadline = CALL.resolver = None


def _surroundings() -> tuple[Deadline, Resolver]:
    deadline, resolver = CALL.deadline, CALL.resolver
    if deadline is None or resolver is None:
        raise RuntimeError("a connection is made within an exchange alone")
    return deadline, resolver


def _sending_allowed(deadline: Deadline) -> None:
    """Raises ConnectFault where nothing may go out any more; nothing is done in between."""
    if deadline.remaining <= 0:
        # Its answer could not be waited for: better that it is certain nothing happened.
        raise ConnectFault(FailureKind.TOTAL_TIMEOUT)
    if not deadline.sending_allowed():
        raise ConnectFault(FailureKind.WITHHELD)


def _connect(host: str, port: int) -> socket.socket:
    """A connected socket; all addresses together get the connect limit."""
    deadline, resolver = _surroundings()
    CALL.reused = False
    ends = time.monotonic() + min(CALL.connect_timeout, deadline.remaining)
    try:
        addresses = resolver.resolve(host, port, seconds=max(0.0, ends - time.monotonic()))
    except NameNotFound as error:
        timed_out = FailureKind.CONNECT_TIMEOUT
        raise ConnectFault(timed_out if error.timed_out else FailureKind.NAME_NOT_FOUND) from None
    fault = FailureKind.UNREACHABLE
    for position, (family, address, number) in enumerate(addresses):
        # A silent address leaves time for those behind it.
        seconds = (ends - time.monotonic()) / (len(addresses) - position)
        try:
            return _connected(family, (address, number), seconds, deadline)
        except OSError as error:
            fault = _fault_of(error)
    raise ConnectFault(fault)


def _connected(
    family: int, address: tuple[str, int], seconds: float, deadline: Deadline
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(_SHORTEST, seconds))
        # What waits in here can still be read after a cut: a flood must not fill megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_AHEAD)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
        connection.settimeout(CALL.connect_timeout)
        deadline.guard(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _fault_of(error: OSError) -> FailureKind:
    if isinstance(error, TimeoutError):
        return FailureKind.CONNECT_TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return FailureKind.CONNECTION_REFUSED
    return FailureKind.UNREACHABLE


class WatchedAnswer(http.client.HTTPResponse):
    """An answer whose end is certain, or that says that it is not."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self._below = sock

    def begin(self) -> None:
        """Read the head. What is malformed in it is dropped, so that no library logs it."""
        super().begin()
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.defects or self.headers.get_payload():
            self.headers.defects.clear()
            self.headers.set_payload("")
            self._end_unknown("headers")
        elif self.chunked and lengths:
            # Forbidden, and the way to slip a second answer in: chunks count, then we part.
            del self.headers["Content-Length"]
            self.will_close = True
        elif len(set(lengths)) > 1 or not all(map(_is_length, lengths)):
            self._end_unknown("Content-Length")

    def _read_status(self) -> tuple[str, int, str]:
        # Interim answers that came before the cut can still be read, one after the other.
        if CALL.deadline is not None and CALL.deadline.passed:
            raise TimeoutError
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status

    def _end_unknown(self, header: str) -> None:
        CALL.oddity = header
        del self.headers["Content-Length"]
        self.chunked, self.length, self.will_close = False, 0, True

    def _close_conn(self) -> None:
        if self.fp and not self.will_close:
            CALL.extra = _holds_more(self._below, self.fp) or CALL.extra
        super()._close_conn()  # type: ignore[misc]


def _is_length(text: str) -> bool:
    return text.isascii() and text.strip().isdigit() and len(text) <= 18


def _holds_more(connection: socket.socket, buffered: Any) -> bool:
    """Whether bytes wait behind the answer, here or in the socket; does not wait for any."""
    before = connection.gettimeout()
    try:
        connection.settimeout(0)
        return bool(buffered.peek(1))
    except (OSError, ValueError):
        return False  # nothing there yet (TLS says so with an error), or the end of the connection
    finally:
        connection.settimeout(before)


class _Guarded:
    """Mixed into urllib3's connections."""

    debuglevel = 0  # http.client's own setting would print our headers
    response_class: Any = WatchedAnswer
    host: str
    port: int
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        return _connect(self.host, self.port)

    def request(self, *args: Any, **more: Any) -> None:
        """Send; a connection that lived on from an earlier call gets this call's deadline."""
        if self.sock is not None and CALL.reused:
            _surroundings()[0].guard(self.sock)
        super().request(*args, **more)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Write a part of the request. From the first one on it may have reached the other side."""
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        if not CALL.sent:
            _sending_allowed(_surroundings()[0])
            CALL.sent = True
        super().send(data)  # type: ignore[misc]


class GuardedHTTPConnection(_Guarded, HTTPConnection):
    """Plain HTTP, for loopback."""


class GuardedHTTPSConnection(_Guarded, HTTPSConnection):
    """HTTPS; the handshake belongs to the connect limit."""

    def connect(self) -> None:
        """Connect and agree on a secure connection."""
        deadline, _ = _surroundings()
        self._handshake = Deadline(min(CALL.connect_timeout, deadline.remaining))
        try:
            super().connect()
        except (OSError, ValueError) as error:
            if self._handshake.passed or isinstance(error, TimeoutError):
                raise ConnectFault(FailureKind.CONNECT_TIMEOUT) from None
            raise
        finally:
            self._handshake.release()

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._handshake.guard(connection)
        return connection
