"""Connections under a deadline: our own way from a name to a socket and to a response's end."""

import http.client
import socket
import threading
import time
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.dns_resolver import HostNameNotFound, Resolver
from freddy_admin.aitronos.errors import FailureKind

RECEIVE_BUFFER_BYTES = 131_072
_SHORTEST_TIMEOUT = 0.001  # a time-out of 0 would mean "do not block"


class ConnectError(Exception):
    """Nothing could be sent. Derives from nothing that urllib3 would wrap."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(str(kind))
        self.kind = kind


class _CallState(threading.local):
    """What the connections of this thread's call need to know, and what they report back."""

    deadline: Deadline | None = None
    resolver: Resolver | None = None
    connect_timeout: float = 0.0
    connection_reused: bool = False  # the connection had lived on from an earlier call
    request_sent: bool = False  # the request was begun to be written: it may have arrived
    has_extra_bytes: bool = False  # more came than the response
    malformed_header: str = ""  # the header that makes the response's end unknowable


CALL_STATE = _CallState()


def call_state_set(deadline: Deadline, resolver: Resolver, connect_timeout: float) -> None:
    """Set the deadline, the resolver and the connect limit (seconds) of this thread's exchange."""
    CALL_STATE.deadline = deadline
    CALL_STATE.resolver = resolver
    CALL_STATE.connect_timeout = connect_timeout
    CALL_STATE.connection_reused = True
    CALL_STATE.request_sent = False
    CALL_STATE.has_extra_bytes = False
    CALL_STATE.malformed_header = ""


def call_state_clear() -> None:
    """Drop the deadline and the resolver of the exchange that ended."""
    CALL_STATE.deadline = CALL_STATE.resolver = None


def _current_deadline_and_resolver() -> tuple[Deadline, Resolver]:
    deadline, resolver = CALL_STATE.deadline, CALL_STATE.resolver
    if deadline is None or resolver is None:
        raise RuntimeError("a connection is made within an exchange alone")
    return deadline, resolver


def _require_sending_allowed(deadline: Deadline) -> None:
    """Raises ConnectError where nothing may be sent any more."""
    if deadline.remaining <= 0:
        # Its answer could not be waited for: better that it is certain nothing happened.
        raise ConnectError(FailureKind.TOTAL_TIMEOUT)
    if not deadline.is_sending_allowed():
        raise ConnectError(FailureKind.WITHHELD)


def _connect_to_host(host: str, port: int) -> socket.socket:
    """A connected socket; all addresses together get the connect limit."""
    deadline, resolver = _current_deadline_and_resolver()
    CALL_STATE.connection_reused = False
    ends_at = time.monotonic() + min(CALL_STATE.connect_timeout, deadline.remaining)
    try:
        addresses = resolver.resolve(host, port, seconds=max(0.0, ends_at - time.monotonic()))
    except HostNameNotFound as error:
        timed_out = FailureKind.CONNECT_TIMEOUT
        raise ConnectError(timed_out if error.timed_out else FailureKind.NAME_NOT_FOUND) from None
    kind = FailureKind.UNREACHABLE
    for position, (family, address, port_number) in enumerate(addresses):
        # A silent address leaves time for those behind it.
        seconds = (ends_at - time.monotonic()) / (len(addresses) - position)
        try:
            return _connect_to_address(family, (address, port_number), seconds, deadline)
        except OSError as error:
            kind = _failure_kind_of_os_error(error)
    raise ConnectError(kind)


def _connect_to_address(
    family: int, address: tuple[str, int], seconds: float, deadline: Deadline
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(_SHORTEST_TIMEOUT, seconds))
        # What waits in here can still be read after a cut: a flood must not fill megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
        connection.settimeout(CALL_STATE.connect_timeout)
        deadline.watch_connection(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _failure_kind_of_os_error(error: OSError) -> FailureKind:
    if isinstance(error, TimeoutError):
        return FailureKind.CONNECT_TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return FailureKind.CONNECTION_REFUSED
    return FailureKind.UNREACHABLE


class DeadlineHTTPResponse(http.client.HTTPResponse):
    """A response whose end is certain, or that says that it is not."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self._raw_socket = sock

    def begin(self) -> None:
        """Read the head. What is malformed in it is dropped, so that no library logs it."""
        super().begin()
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.defects or self.headers.get_payload():
            self.headers.defects.clear()
            self.headers.set_payload("")
            self._mark_header_malformed("headers")
        elif self.chunked and lengths:
            # Forbidden, and the way to slip a second response in: chunks count, then we part.
            del self.headers["Content-Length"]
            self.will_close = True
        elif len(set(lengths)) > 1 or not all(map(_is_valid_content_length, lengths)):
            self._mark_header_malformed("Content-Length")

    def _read_status(self) -> tuple[str, int, str]:
        # Interim responses that came before the cut can still be read, one after the other.
        if CALL_STATE.deadline is not None and CALL_STATE.deadline.expired:
            raise TimeoutError
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status

    def _mark_header_malformed(self, header: str) -> None:
        CALL_STATE.malformed_header = header
        del self.headers["Content-Length"]
        self.chunked, self.length, self.will_close = False, 0, True

    def _close_conn(self) -> None:
        if self.fp and not self.will_close:
            CALL_STATE.has_extra_bytes = (
                _has_unread_bytes(self._raw_socket, self.fp) or CALL_STATE.has_extra_bytes
            )
        super()._close_conn()  # type: ignore[misc]


def _is_valid_content_length(text: str) -> bool:
    return text.isascii() and text.strip().isdigit() and len(text) <= 18


def _has_unread_bytes(connection: socket.socket, buffered: Any) -> bool:
    """Whether bytes wait behind the response, here or in the socket; does not wait for any."""
    timeout = connection.gettimeout()
    try:
        connection.settimeout(0)
        return bool(buffered.peek(1))
    except (OSError, ValueError):
        return False  # nothing there yet (TLS says so with an error), or the end of the connection
    finally:
        connection.settimeout(timeout)


class _DeadlineConnectionMixin:
    """Mixed into urllib3's connections."""

    debuglevel = 0  # http.client's own setting would print our headers
    response_class: Any = DeadlineHTTPResponse
    host: str
    port: int
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        return _connect_to_host(self.host, self.port)

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send; a connection that lived on from an earlier call gets this call's deadline."""
        if self.sock is not None and CALL_STATE.connection_reused:
            _current_deadline_and_resolver()[0].watch_connection(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Write a part of the request. From the first one on it may have reached the other side."""
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        if not CALL_STATE.request_sent:
            _require_sending_allowed(_current_deadline_and_resolver()[0])
            CALL_STATE.request_sent = True
        super().send(data)  # type: ignore[misc]


class DeadlineHTTPConnection(_DeadlineConnectionMixin, HTTPConnection):
    """Plain HTTP, for loopback."""


class DeadlineHTTPSConnection(_DeadlineConnectionMixin, HTTPSConnection):
    """HTTPS; the handshake belongs to the connect limit."""

    def connect(self) -> None:
        """Connect and agree on a secure connection."""
        deadline, _ = _current_deadline_and_resolver()
        self._handshake = Deadline(min(CALL_STATE.connect_timeout, deadline.remaining))
        try:
            super().connect()
        except (OSError, ValueError) as error:
            if self._handshake.expired or isinstance(error, TimeoutError):
                raise ConnectError(FailureKind.CONNECT_TIMEOUT) from None
            raise
        finally:
            self._handshake.unwatch_connection()

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._handshake.watch_connection(connection)
        return connection
