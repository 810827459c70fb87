"""Where the API is and how long a call may take."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Times are in seconds. `total_timeout` covers a call with all its attempts and waits.

    Raises ValueError where `base_url` is not https (http is for loopback hosts alone) or holds
    more than scheme, host, port and path.
    """

    base_url: str
    api_key_header: str = "X-API-Key"
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    total_timeout: float | None = None
    user_agent: str = "freddy-admin"
    max_body: int = 1_000_000

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            raise ValueError("the base URL cannot be read: is the port a number?") from None
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("the base URL may hold nothing but scheme, host, port and path")
        if parts.scheme not in {"http", "https"} or not host or "\\" in self.base_url:
            raise ValueError("the base URL must begin with https:// and name a host")
        if parts.scheme == "http" and not LOOPBACK.fullmatch(host):
            raise ValueError("the base URL must begin with https:// (http is for loopback alone)")

    @property
    def total(self) -> float:
        """The limit of one call."""
        if self.total_timeout is not None:
            return self.total_timeout
        return self.connect_timeout + 2 * self.read_timeout
