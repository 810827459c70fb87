"""The way out to an address that a person typed: public ones alone, over https, checked twice.

`target_of` judges the text when it is saved. `GuardedConnection` looks the name up, judges every
address it has and connects to one of those it judged, so that a name cannot point elsewhere a
moment later. It follows no redirect, obeys no proxy of the environment and sends no credentials.
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

PORTS: Final = frozenset({443, 8443})
LONGEST: Final = 2_000
Lookup = Callable[[str, int], list[str]]
Dial = Callable[[str, int, float], socket.socket]

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
# Never public, whatever a resolver says.
_PRIVATE_NAMES = frozenset(
    {"arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost"}
    | {"invalid", "onion", "private", "test"}
)
_REFUSED = tuple(
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
        # Of the public part of IPv6: what leads to IPv4, by another door, and documentation.
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_PUBLIC_6 = ipaddress.ip_network("2000::/3")


class OutgoingRefused(Exception):
    """The name has no address that may be connected to; the message names no address."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was judged: host in lower case, path with its query."""

    host: str
    port: int
    path: str


def address_is_public(text: str) -> bool:
    """Whether this IP address belongs to somebody on the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and (address not in _PUBLIC_6 or address.scope_id):
        return False  # loopback, local, mapped, translated, multicast: all outside of 2000::/3
    return not any(address in net for net in _REFUSED if net.version == address.version)


def target_of(url: str, *, ports: frozenset[int] = PORTS) -> Target:
    """The address of a URL that a person typed. Raises InvalidInput, with what to do, for `url`."""
    if len(url) > LONGEST or not re.fullmatch(r"[!-~]+", url) or re.search(r'[\\"<>^`{|}]', url):
        raise _wrong(_("Copy the address again: it is too long or has a character that none has."))
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise _wrong(_("This is no address. It begins with https:// and a name.")) from None
    if parts.scheme != "https" or not url[:8].lower() == "https://":
        raise _wrong(_("The address must begin with https://."))
    if "@" in parts.netloc:
        raise _wrong(_("Leave out user name and password: they would be readable by everybody."))
    number = 443 if port is None else port
    if parts.netloc.endswith(":") or number not in ports:
        allowed = ", ".join(map(str, sorted(ports)))
        raise _wrong(_("Only these ports are used: %(ports)s.") % {"ports": allowed})
    if not _host_is_public(host, parts.netloc):
        raise _wrong(
            _("This is no public address. A name such as hooks.example.org is needed, in full.")
        )
    query = f"?{parts.query}" if parts.query else ""
    return Target(host=host, port=number, path=(parts.path or "/") + query)


def addresses_of(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for _family, _kind, _protocol, _name, sockaddr in found]


def dialled(address: str, port: int, timeout: float) -> socket.socket:
    """A socket connected to this very address; nothing is looked up any more."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect((address, port))
    except BaseException:
        connection.close()
        raise
    return connection


def public_addresses(host: str, port: int, lookup: Lookup = addresses_of) -> list[str]:
    """The addresses of a name, each of them public.

    Raises OutgoingRefused if one is not: a name that is public and private at once is a trap.
    """
    try:
        found = lookup(host, port)
    except (OSError, UnicodeError):
        raise OutgoingRefused("the name has no address") from None
    if not found or not all(map(address_is_public, found)):
        raise OutgoingRefused("the name does not lead to a public address")
    return found


class GuardedConnection(http.client.HTTPSConnection):
    """One exchange with a judged target; `request` and `getresponse` as ever.

    Raises OutgoingRefused before a socket is opened, OSError if none comes about. A redirect is
    an answer like any other.
    """

    debuglevel = 0

    def __init__(
        self,
        target: Target,
        *,
        timeout: float,
        lookup: Lookup = addresses_of,
        dial: Dial = dialled,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._wait, self._lookup, self._dial = timeout, lookup, dial
        self._tls = context or secure_context()
        super().__init__(target.host, target.port, timeout=timeout, context=self._tls)

    def connect(self) -> None:
        """Look up, judge, connect to what was judged, agree on a secure connection."""
        fault: OSError = OSError("no address")
        for address in public_addresses(self.host, self.port, self._lookup):
            try:
                plain = self._dial(address, self.port, self._wait)
            except OSError as error:
                fault = error
                continue
            try:
                self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
            except BaseException:
                plain.close()
                raise
            return
        raise fault

    def set_tunnel(self, *args: object, **more: object) -> None:
        """There is no way through somebody else's proxy."""
        raise OutgoingRefused("no proxy is used")


def secure_context() -> ssl.SSLContext:
    """Certificates are always checked, against certifi's list: no environment changes that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(certifi.where())
    return context


def _host_is_public(host: str, netloc: str) -> bool:
    if "[" in netloc or "]" in netloc:
        return bool(re.fullmatch(r"\[[0-9a-fA-F:.]+\](:\d+)?", netloc)) and address_is_public(host)
    last = host.rpartition(".")[2]
    if re.fullmatch(r"\d+|0x[0-9a-f]*", last):
        # A name whose last part is a number is an address to some programs and not to others.
        strict = re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host, re.ASCII)
        return bool(strict) and address_is_public(host)
    return len(host) <= 253 and bool(_NAME.fullmatch(host)) and last not in _PRIVATE_NAMES


def _wrong(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, field="url")
