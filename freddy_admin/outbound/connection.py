"""Connections under a deadline: our own way from a name to a socket and to a response's end."""

import http.client
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.guard import is_public_address
from freddy_admin.outbound.proxy import Proxy, open_tunnel
from freddy_admin.outbound.resolver import Address, HostNameNotFound, Resolver

RECEIVE_BUFFER_BYTES = 131_072
_SHORTEST_TIMEOUT = 0.001  # a time-out of 0 would mean "do not block"


@dataclass(slots=True)
class Exchange:
    """What the connection of one exchange needs to know, and what it reports back."""

    deadline: Deadline
    resolver: Resolver
    connect_timeout: float  # seconds
    proxy: Proxy | None = None
    public_addresses_only: bool = False
    request_sent: bool = False  # the request was begun to be written: it may have arrived
    malformed_header: str = ""  # the header that makes the response's end unknowable


class _Thread(threading.local):
    exchange: Exchange | None = None


_THREAD = _Thread()


def exchange_enter(exchange: Exchange) -> Exchange | None:
    """Make connections of this thread belong to `exchange`; the one they belonged to before."""
    outer, _THREAD.exchange = _THREAD.exchange, exchange
    return outer


def exchange_leave(outer: Exchange | None) -> None:
    """Make them belong to the former exchange again."""
    _THREAD.exchange = outer


def _current_exchange() -> Exchange:
    exchange = _THREAD.exchange
    if exchange is None:
        raise RuntimeError("a connection is made within an exchange alone")
    return exchange


def _require_sending_allowed(deadline: Deadline) -> None:
    """Raises TransportError where nothing may be sent any more."""
    if deadline.remaining <= 0:
        # Its answer could not be waited for: better that it is certain nothing happened.
        raise TransportError(TransportFailure.TOTAL_TIMEOUT)
    if not deadline.is_sending_allowed():
        raise TransportError(TransportFailure.WITHHELD)


def connect_to_host(exchange: Exchange, host: str, port: int) -> socket.socket:
    """A connected socket; all addresses together get the connect limit."""
    ends_at = time.monotonic() + min(exchange.connect_timeout, exchange.deadline.remaining)
    addresses = _resolve(exchange, host, port, ends_at)
    if exchange.public_addresses_only:
        _require_public_addresses(addresses)
    return _connect_to_first(exchange, addresses, ends_at)


def connect_through_proxy(
    exchange: Exchange, proxy: Proxy, host: str, port: int, handshake: Deadline
) -> socket.socket:
    """A socket that ends at the other side; `handshake` bounds what the proxy does."""
    ends_at = time.monotonic() + handshake.remaining
    if exchange.public_addresses_only:
        # What was looked at is what the proxy is asked for: a name could lead it elsewhere.
        addresses = _resolve(exchange, host, port, ends_at)
        _require_public_addresses(addresses)
        host = addresses[0][1]
    try:
        addresses = _resolve(exchange, proxy.host, proxy.port, ends_at)
        connection = _connect_to_first(exchange, addresses, ends_at)
    except TransportError as error:
        raise TransportError(TransportFailure.PROXY_FAILED, detail=str(error.kind)) from None
    try:
        handshake.watch_connection(connection)
        open_tunnel(connection, proxy, host, port)
    except BaseException:
        connection.close()
        if handshake.expired:
            raise TransportError(
                TransportFailure.PROXY_FAILED, detail="no answer in time"
            ) from None
        raise
    return connection


def _resolve(exchange: Exchange, host: str, port: int, ends_at: float) -> list[Address]:
    try:
        return exchange.resolver.resolve(host, port, seconds=max(0.0, ends_at - time.monotonic()))
    except HostNameNotFound as error:
        timed_out = error.timed_out
    raise TransportError(
        TransportFailure.CONNECT_TIMEOUT if timed_out else TransportFailure.NAME_NOT_FOUND
    )


def _require_public_addresses(addresses: list[Address]) -> None:
    """Raises TransportError if one is not: a name that is public and private at once is a trap."""
    if not all(is_public_address(address) for _, address, _ in addresses):
        raise TransportError(TransportFailure.ADDRESS_BLOCKED)


def _connect_to_first(
    exchange: Exchange, addresses: list[Address], ends_at: float
) -> socket.socket:
    """A socket connected to the first address that answers."""
    kind = TransportFailure.UNREACHABLE
    for position, (family, address, port) in enumerate(addresses):
        # A silent address leaves time for those behind it.
        seconds = (ends_at - time.monotonic()) / (len(addresses) - position)
        try:
            return _connect_to_address(exchange, family, (address, port), seconds)
        except OSError as error:
            kind = _failure_kind_of_os_error(error)
    raise TransportError(kind)


def _connect_to_address(
    exchange: Exchange, family: int, address: tuple[str, int], seconds: float
) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(_SHORTEST_TIMEOUT, seconds))
        # What waits in here can still be read after a cut: a flood must not fill megabytes.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(address)
        connection.settimeout(exchange.connect_timeout)
        exchange.deadline.watch_connection(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _failure_kind_of_os_error(error: OSError) -> TransportFailure:
    if isinstance(error, TimeoutError):
        return TransportFailure.CONNECT_TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return TransportFailure.CONNECTION_REFUSED
    return TransportFailure.UNREACHABLE


class DeadlineHTTPResponse(http.client.HTTPResponse):
    """A response whose end is certain, or that says that it is not."""

    def begin(self) -> None:
        """Read the head. What is malformed in it is dropped, so that no library logs it."""
        super().begin()
        self.will_close = True  # whatever it says: the connection ends with it
        lengths = self.headers.get_all("Content-Length", [])
        if self.headers.defects or self.headers.get_payload():
            self.headers.defects.clear()
            self.headers.set_payload("")
            self._mark_header_malformed("headers")
        elif self.chunked and lengths:
            # Forbidden, and the way to slip a second response in: chunks count, then we part.
            del self.headers["Content-Length"]
        elif len(set(lengths)) > 1 or not all(map(_is_valid_content_length, lengths)):
            self._mark_header_malformed("Content-Length")

    def _read_status(self) -> tuple[str, int, str]:
        # Interim responses that came before the cut can still be read, one after the other.
        if _current_exchange().deadline.expired:
            raise TimeoutError
        status: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
        return status

    def _mark_header_malformed(self, header: str) -> None:
        _current_exchange().malformed_header = header
        del self.headers["Content-Length"]
        self.chunked, self.length = False, 0


def _is_valid_content_length(text: str) -> bool:
    return text.isascii() and text.strip().isdigit() and len(text) <= 18


class _DeadlineConnectionMixin:
    """Mixed into urllib3's connections."""

    debuglevel = 0  # http.client's own setting would print our headers
    response_class: Any = DeadlineHTTPResponse
    is_secure = False
    host: str
    port: int
    sock: socket.socket | None

    def connect(self) -> None:
        """Connect; what a proxy does and the handshake belong to the connect limit."""
        exchange = _current_exchange()
        self._handshake = Deadline(min(exchange.connect_timeout, exchange.deadline.remaining))
        try:
            super().connect()  # type: ignore[misc]
        except (OSError, ValueError) as error:
            if self._handshake.expired or isinstance(error, TimeoutError):
                raise TransportError(TransportFailure.CONNECT_TIMEOUT) from None
            raise
        finally:
            self._handshake.unwatch_connection()

    def _new_conn(self) -> socket.socket:
        exchange, proxy = _current_exchange(), _current_exchange().proxy
        if proxy is not None and proxy.is_on_the_way_to(self.host):
            return connect_through_proxy(exchange, proxy, self.host, self.port, self._handshake)
        connection = connect_to_host(exchange, self.host, self.port)
        if self.is_secure:
            self._handshake.watch_connection(connection)
        return connection

    def send(self, data: Any) -> None:
        """Write a part of the request. From the first one on it may have reached the other side."""
        if self.sock is None:
            self.connect()
        exchange = _current_exchange()
        if not exchange.request_sent:
            _require_sending_allowed(exchange.deadline)
            exchange.request_sent = True
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        """A DeadlineHTTPResponse, of which the head is read: urllib3 would add to it for pools."""
        connection: Any = self
        connection.sock.settimeout(connection.timeout)
        return http.client.HTTPConnection.getresponse(connection)


class DeadlineHTTPConnection(_DeadlineConnectionMixin, HTTPConnection):
    """Plain HTTP, for loopback."""


class DeadlineHTTPSConnection(_DeadlineConnectionMixin, HTTPSConnection):
    """HTTPS."""

    is_secure = True
