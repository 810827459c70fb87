"""Requests to a URL that a person typed (against SSRF): public https hosts alone, checked twice.

`parse_outbound_url` validates the text when it is saved. `GuardedConnection` resolves the name,
validates every address and connects to one of them, so that a name cannot point elsewhere a moment
later. It follows no redirect, obeys no proxy of the environment and sends no credentials.
"""

import http.client
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import certifi
from django.utils.translation import gettext as _

from freddy_admin.core.errors import InvalidInput

ALLOWED_PORTS: Final = frozenset({443, 8443})
URL_MAX_LENGTH: Final = 2_000
Resolver = Callable[[str, int], list[str]]
Connector = Callable[[str, int, float], socket.socket]

_DNS_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"({_DNS_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
# Never public, whatever a resolver says.
_PRIVATE_NAMES = frozenset(
    {"arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost"}
    | {"invalid", "onion", "private", "test"}
)
_BLOCKED_NETWORKS = tuple(
    ipaddress.ip_network(net)
    for net in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Of the public part of IPv6: what leads to IPv4 in another way, and documentation.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PUBLIC_IPV6_NETWORK = ipaddress.ip_network("2000::/3")


class AddressBlocked(Exception):
    """The name has no address that may be connected to; the message names no address."""


@dataclass(frozen=True, slots=True)
class OutboundUrl:
    """A URL that was validated: host in lower case, path with its query."""

    host: str
    port: int
    path: str


def is_public_address(text: str) -> bool:
    """Whether this IP address belongs to somebody on the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and (address not in _PUBLIC_IPV6_NETWORK or address.scope_id):
        return False  # loopback, local, mapped, translated, multicast: all outside of 2000::/3
    return not any(address in net for net in _BLOCKED_NETWORKS if net.version == address.version)


def parse_outbound_url(url: str, *, ports: frozenset[int] = ALLOWED_PORTS) -> OutboundUrl:
    """The parts of a URL that a person typed; raises InvalidInput for the field `url`."""
    if (
        len(url) > URL_MAX_LENGTH
        or not re.fullmatch(r"[!-~]+", url)
        or re.search(r'[\\"<>^`{|}]', url)
    ):
        raise _invalid_url_error(
            _("Copy the address again: it is too long or has a character that none has.")
        )
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _invalid_url_error(
            _("This is no address. It begins with https:// and a name.")
        ) from None
    if parts.scheme != "https" or not url[:8].lower() == "https://":
        raise _invalid_url_error(_("The address must begin with https://."))
    if "@" in parts.netloc:
        raise _invalid_url_error(
            _("Leave out user name and password: they would be readable by everybody.")
        )
    port_number = 443 if port is None else port
    if parts.netloc.endswith(":") or port_number not in ports:
        allowed = ", ".join(map(str, sorted(ports)))
        raise _invalid_url_error(_("Only these ports are used: %(ports)s.") % {"ports": allowed})
    if not _is_public_host(host, parts.netloc):
        raise _invalid_url_error(
            _("This is no public address. A name such as hooks.example.org is needed, in full.")
        )
    query = f"?{parts.query}" if parts.query else ""
    return OutboundUrl(host=host, port=port_number, path=(parts.path or "/") + query)


def resolve_addresses(host: str, port: int) -> list[str]:
    """The IP addresses of a name, by the system's resolver; raises OSError where there is none."""
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _family, _kind, _protocol, _name, sockaddr in rows]


def open_socket(address: str, port: int, timeout: float) -> socket.socket:
    """A socket connected to this IP address, with no further DNS lookup; `timeout` in seconds."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def resolve_public_addresses(
    host: str, port: int, resolver: Resolver = resolve_addresses
) -> list[str]:
    """The IP addresses of a name, each of them public.

    Raises AddressBlocked if one is not: a name that is public and private at once is a trap.
    """
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError):
        raise AddressBlocked("the name has no address") from None
    if not addresses or not all(map(is_public_address, addresses)):
        raise AddressBlocked("the name does not lead to a public address")
    return addresses


class GuardedConnection(http.client.HTTPSConnection):
    """One exchange with a validated URL, by `request` and `getresponse`.

    Raises AddressBlocked before a socket is opened, OSError where none can be connected. A redirect
    is a response like any other.
    """

    debuglevel = 0

    def __init__(
        self,
        url: OutboundUrl,
        *,
        timeout: float,
        resolver: Resolver = resolve_addresses,
        connector: Connector = open_socket,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._timeout, self._resolver, self._connector = timeout, resolver, connector
        self._tls = context or create_ssl_context()
        super().__init__(url.host, url.port, timeout=timeout, context=self._tls)

    def connect(self) -> None:
        """Resolve the name, validate its addresses, connect to one of them and start TLS."""
        last_error: OSError = OSError("no address")
        for address in resolve_public_addresses(self.host, self.port, self._resolver):
            try:
                tcp_socket = self._connector(address, self.port, self._timeout)
            except OSError as error:
                last_error = error
                continue
            try:
                self.sock = self._tls.wrap_socket(tcp_socket, server_hostname=self.host)
            except BaseException:
                tcp_socket.close()
                raise
            return
        raise last_error

    def set_tunnel(self, *args: object, **kwargs: object) -> None:
        """Raises AddressBlocked: no proxy is used."""
        raise AddressBlocked("no proxy is used")


def create_ssl_context() -> ssl.SSLContext:
    """A TLS context that checks certificates against certifi's list, whatever the environment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def _is_public_host(host: str, netloc: str) -> bool:
    if "[" in netloc or "]" in netloc:
        return bool(re.fullmatch(r"\[[0-9a-fA-F:.]+\](:\d+)?", netloc)) and is_public_address(host)
    label = host.rpartition(".")[2]
    if re.fullmatch(r"\d+|0x[0-9a-f]*", label):
        # A name whose last part is a number is an address to some programs and not to others.
        is_ipv4 = re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host, re.ASCII)
        return bool(is_ipv4) and is_public_address(host)
    return len(host) <= 253 and bool(_HOST_NAME.fullmatch(host)) and label not in _PRIVATE_NAMES


def _invalid_url_error(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="url")
