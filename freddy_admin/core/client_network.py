"""Which IP addresses belong to one client."""

from ipaddress import ip_network


def client_network_for_address(address: str | None) -> str:
    """What a rate limit counts together: one IPv4 address, or a client's IPv6 network (/64)."""
    if not address or ":" not in address:
        return address or ""
    return str(ip_network(f"{address}/64", strict=False))
