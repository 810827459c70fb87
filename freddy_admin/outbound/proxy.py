"""The operator's proxy: a tunnel by CONNECT, after which it sees what any wire sees."""

import base64
import re
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote

from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.hosts import (
    host_and_port_text,
    is_loopback_host,
    parse_host_and_port,
)

_LONGEST_HEAD = 16_384
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it is, and what it is told of who we are; neither repr nor str holds that."""

    host: str
    port: int
    authorization: str = field(default="", repr=False)

    def __str__(self) -> str:
        return host_and_port_text(self.host, self.port)

    def is_on_the_way_to(self, host: str) -> bool:
        """Whether calls of this host go through it.

        This machine is no other machine's business: a proxy elsewhere would connect us to itself,
        and read what goes to loopback in plain text.
        """
        return is_loopback_host(self.host) or not is_loopback_host(host)


def parse_proxy(text: str) -> Proxy:
    """`http://[user:password@]host:port`; raises ValueError, whose text holds no part of it."""
    if not re.fullmatch(r"[!-~]{1,2000}", text):
        raise ValueError("a character that no address has")
    scheme, separator, rest = text.partition("://")
    credentials, at, origin = rest.rstrip("/").rpartition("@")
    if scheme.lower() != "http" or not separator:
        raise ValueError("another scheme")
    if re.search(r"[/?#\\]", origin):
        raise ValueError("more than a host and a port")
    try:
        host, port = parse_host_and_port(origin)
    except ValueError:
        raise ValueError("no host") from None
    if port is None:
        raise ValueError("no port")
    return Proxy(host, port, _basic_authorization(credentials) if at else "")


def _basic_authorization(credentials: str) -> str:
    user, _, password = credentials.partition(":")
    pair = f"{unquote(user)}:{unquote(password)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def open_tunnel(connection: socket.socket, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy connect us with `host`; nothing of a request is sent.

    Raises TransportError, with nothing in it that the proxy said but its status. Whoever calls
    bounds the time: a socket's own limit begins anew with each byte.
    """
    try:
        connection.sendall(_connect_request(proxy, host, port))
        status = _read_status(connection)
    except TimeoutError:
        raise _proxy_failed("no answer in time") from None
    except OSError:
        raise _proxy_failed("connection lost") from None
    if 200 <= status <= 299:
        return
    # It is there and would not; a 5xx says that it could not reach the other side.
    refused = 400 <= status <= 499
    kind = TransportFailure.PROXY_REFUSED if refused else TransportFailure.PROXY_FAILED
    raise TransportError(kind, detail=f"status {status}", request_sent=False)


def _connect_request(proxy: Proxy, host: str, port: int) -> bytes:
    target = host_and_port_text(host, port)
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _read_status(connection: socket.socket) -> int:
    """The status of the proxy's answer, whose head is read to its end and not a byte further."""
    head = b""
    while b"\r\n\r\n" not in head:
        chunk = connection.recv(4_096)
        if not chunk:
            raise _proxy_failed("connection lost" if not head else "unreadable answer")
        head += chunk
        if len(head) > _LONGEST_HEAD or not b"HTTP/1.".startswith(head[:7]):
            raise _proxy_failed("unreadable answer")
    match, end = _STATUS_LINE.match(head), head.index(b"\r\n\r\n") + 4
    status = int(match[1]) if match else 0
    # Behind a head that opens the tunnel the other side speaks, and it waits for us.
    if not status or (200 <= status <= 299 and end != len(head)):
        raise _proxy_failed("unreadable answer")
    return status


def _proxy_failed(detail: str) -> TransportError:
    return TransportError(TransportFailure.PROXY_FAILED, detail=detail, request_sent=False)
