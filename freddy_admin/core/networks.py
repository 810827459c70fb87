"""Which addresses belong to one sender."""

from ipaddress import ip_network


def network_of(address: str | None) -> str:
    """What a limit counts together: one IPv4 address, or the IPv6 network of one sender."""
    if not address or ":" not in address:
        return address or ""
    return str(ip_network(f"{address}/64", strict=False))
