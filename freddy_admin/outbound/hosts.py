"""Hosts as people and operators write them: names, addresses, with a port or without."""

import ipaddress
import re

_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", re.ASCII)


def is_loopback_host(host: str) -> bool:
    """Whether this host is this machine; an IPv6 address without brackets."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_host_and_port(text: str) -> tuple[str, int | None]:
    """`host`, `host:port` or `[address]:port`, in lower case; raises ValueError.

    An IPv6 address comes back without its brackets.
    """
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", text.lower(), re.ASCII)
    if match is None:
        raise ValueError("not a host with a port")
    host, port = match.groups()
    if host.startswith("["):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif len(host) > 253 or ".." in host or not _HOST_NAME.fullmatch(host):
        raise ValueError("not the name of a host")
    if port is not None and not 1 <= int(port) <= 65_535:
        raise ValueError("not the number of a port")
    return host, None if port is None else int(port)


def host_and_port_text(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
