"""Where the API is, how long a call may take, and which keys can be sent at all."""

import ipaddress
import math
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from freddy_admin.aitronos.errors import FailureKind, InvalidSecret
from freddy_admin.outbound.hosts import is_loopback_host

_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/\[\]%-]+")
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
LONGEST_SECRET = 512
_TIMEOUT_FIELDS = ("connect_timeout", "read_timeout", "total_timeout")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Times are in seconds. `total_timeout` covers a call with all its attempts and waits.

    Raises ValueError, naming the problem, where `base_url` is not https (http is for loopback
    hosts alone) or holds more than scheme, host, port and path, where a time is not positive,
    and where one of `api_key_headers` or `user_agent` cannot be a header.

    A key is sent in all of `api_key_headers`. `environment` names the place: keys of another one
    are never sent to it.
    """

    base_url: str
    api_key_headers: tuple[str, ...] = ("X-API-Key",)
    environment: str = "default"
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    total_timeout: float | None = None
    user_agent: str = "freddy-admin"
    max_body_bytes: int = 1_000_000

    def __post_init__(self) -> None:
        _validate_base_url(self.base_url)
        names = {name.lower() for name in self.api_key_headers if _HEADER_NAME.fullmatch(name)}
        if not names or len(names) < len(self.api_key_headers):
            raise ValueError("the names of the key's headers are not headers' names, each once")
        if not self.user_agent.isascii() or not self.user_agent.isprintable():
            raise ValueError("the user agent may hold printable ASCII alone")
        for name in _TIMEOUT_FIELDS:
            seconds = getattr(self, name)
            if seconds is not None and not 0 < seconds < math.inf:
                raise ValueError(f"{name} must be a positive number of seconds")

    def total_timeout_for(self, read_timeout: float | None = None) -> float:
        """The limit of one call; `read_timeout` is that of a route with one of its own."""
        if read_timeout is not None:
            return self.connect_timeout + read_timeout
        if self.total_timeout is not None:
            return self.total_timeout
        return self.connect_timeout + 2 * self.read_timeout


def _validate_base_url(base_url: str) -> None:
    parts = _split_base_url(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the base URL must begin with https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("the base URL must not hold a user name or a password")
    if "?" in base_url or "#" in base_url:
        raise ValueError("the base URL must not hold a query (?) or a fragment (#)")
    if not _URL_CHARACTERS.fullmatch(base_url):
        raise ValueError(
            "the base URL may hold plain ASCII letters and signs alone (no white space)"
        )
    if not _is_host_name(parts.hostname):
        raise ValueError("the base URL names a host that cannot be one")
    if parts.scheme == "http" and not is_loopback_host(parts.hostname):
        raise ValueError("the base URL must begin with https:// (http is for loopback alone)")


def _split_base_url(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise ValueError("the base URL cannot be read: is its port a number?") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("the base URL cannot be read: its port is missing")
    return parts


def _parse_ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_host_name(host: str) -> bool:
    return bool(_parse_ip_address(host)) or bool(_HOST_NAME.fullmatch(host) and ".." not in host)


def validate_secret(text: str) -> str:
    """The key without white space around it.

    Raises InvalidSecret, which says why (`detail`), for what cannot be sent in a header.
    """
    text = text.strip()
    if not text:
        reason = "empty"
    elif len(text) > LONGEST_SECRET:
        reason = "too_long"
    elif not text.isascii() or not text.isprintable() or " " in text:
        reason = "characters"
    else:
        return text
    raise InvalidSecret(FailureKind.INVALID_SECRET, detail=reason, request_sent=False)
