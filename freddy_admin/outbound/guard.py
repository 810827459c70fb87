"""URLs that a person typed (against SSRF): public https hosts alone, checked twice.

`parse_outbound_url` validates the text when it is saved. When it is called, `HttpTransport`
resolves the name, validates every address and connects to one of them (`public_addresses_only`), so
that a name cannot point elsewhere a moment later. What the operator allowed is the exception.
"""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

from freddy_admin.outbound.hosts import (
    host_and_port_text,
    is_loopback_host,
    parse_host_and_port,
)

ALLOWED_PORTS: Final = frozenset({443, 8443})
URL_MAX_LENGTH: Final = 2_000
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

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


class UrlRefusal(StrEnum):
    """What is wrong with a URL."""

    CHARACTERS = "characters"
    UNREADABLE = "unreadable"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    PORT = "port"
    HOST = "host"


class UrlRefused(ValueError):
    """Nothing may be sent to this URL; the text holds no part of it."""

    def __init__(self, reason: UrlRefusal) -> None:
        super().__init__(str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts that the operator vouches for, each with a port or, where that is None, any."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()

    def allow(self, host: str, port: int) -> bool:
        """Whether this host, in lower case and without brackets, may be called at this port."""
        return bool(self.hosts & {(host, None), (host, port)})

    def __str__(self) -> str:
        return ", ".join(
            sorted(
                host if port is None else host_and_port_text(host, port)
                for host, port in self.hosts
            )
        )


def parse_allowed_hosts(text: str) -> AllowedHosts:
    """`host` or `host:port`, separated by commas; raises ValueError."""
    items = [item.strip() for item in text.split(",")]
    return AllowedHosts(frozenset(parse_host_and_port(item) for item in items if item))


@dataclass(frozen=True, slots=True)
class OutboundUrl:
    """A URL that was validated: host in lower case, path with its query."""

    host: str
    port: int
    path: str
    scheme: str = "https"
    is_allowed: bool = False  # by the operator: it may lead inside

    def __str__(self) -> str:
        return f"{self.scheme}://{host_and_port_text(self.host, self.port)}{self.path}"


def is_public_address(text: str) -> bool:
    """Whether this IP address belongs to somebody on the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if address.version == 6 and (address not in _PUBLIC_IPV6_NETWORK or address.scope_id):
        return False  # loopback, local, mapped, translated, multicast: all outside of 2000::/3
    return not any(address in net for net in _BLOCKED_NETWORKS if net.version == address.version)


def parse_outbound_url(
    url: str,
    *,
    ports: frozenset[int] = ALLOWED_PORTS,
    allowed_hosts: AllowedHosts = AllowedHosts(),
) -> OutboundUrl:
    """The parts of a URL that a person typed; raises UrlRefused."""
    parts, host, port = _split_url(url)
    is_allowed = allowed_hosts.allow(host, port)
    is_plain = parts.scheme == "http" and is_allowed and is_loopback_host(host)
    if parts.scheme != "https" and not is_plain:
        raise UrlRefused(UrlRefusal.SCHEME)
    if "@" in parts.netloc:
        raise UrlRefused(UrlRefusal.CREDENTIALS)
    if parts.netloc.endswith(":") or (port not in ports and not is_allowed):
        raise UrlRefused(UrlRefusal.PORT)
    if not is_allowed and not _is_public_host(host, parts.netloc):
        raise UrlRefused(UrlRefusal.HOST)
    query = f"?{parts.query}" if parts.query else ""
    return OutboundUrl(host, port, (parts.path or "/") + query, parts.scheme, is_allowed)


def _split_url(url: str) -> tuple[SplitResult, str, int]:
    """The parts of a URL, its host and its port. Raises UrlRefused."""
    if (
        len(url) > URL_MAX_LENGTH
        or not re.fullmatch(r"[!-~]+", url)
        or re.search(r'[\\"<>^`{|}]', url)
    ):
        raise UrlRefused(UrlRefusal.CHARACTERS)
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise UrlRefused(UrlRefusal.UNREADABLE) from None
    if parts.scheme not in _DEFAULT_PORTS or not url.lower().startswith(f"{parts.scheme}://"):
        raise UrlRefused(UrlRefusal.SCHEME)
    return parts, host, _DEFAULT_PORTS[parts.scheme] if port is None else port


def _is_public_host(host: str, netloc: str) -> bool:
    if "[" in netloc or "]" in netloc:
        return bool(re.fullmatch(r"\[[0-9a-fA-F:.]+\](:\d+)?", netloc)) and is_public_address(host)
    label = host.rpartition(".")[2]
    if re.fullmatch(r"\d+|0x[0-9a-f]*", label):
        # A name whose last part is a number is an address to some programs and not to others.
        is_ipv4 = re.fullmatch(r"(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}", host, re.ASCII)
        return bool(is_ipv4) and is_public_address(host)
    return len(host) <= 253 and bool(_HOST_NAME.fullmatch(host)) and label not in _PRIVATE_NAMES
