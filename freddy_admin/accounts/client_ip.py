"""Where a request comes from, for throttling and for the audit log."""

from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str | None:
    """The sender's IP address; None where there is none, as on a Unix socket.

    `X-Forwarded-For` is written by anyone: it counts only as far as `TRUSTED_PROXIES` of our own
    proxies have added to its end.
    """
    proxies: int = settings.TRUSTED_PROXIES
    hops = request.headers.get("x-forwarded-for", "").split(",") if proxies else []
    text = hops[-proxies] if proxies and len(hops) >= proxies else ""
    return _parse_ip(text) or _parse_ip(request.META.get("REMOTE_ADDR", ""))


def _parse_ip(text: str) -> str | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(address).partition("%")[0]
    return str(address)
