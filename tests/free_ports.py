"""Ports for servers that start a moment later, in processes of their own."""

import itertools
import os
import socket

# Below those that the system hands out by itself, so that no other socket comes in between; each
# process that runs tests begins elsewhere.
_FIRST_PORT, _PORT_COUNT = 10_000, 20_000
_numbers = itertools.count(os.getpid() * 37)


def find_free_port() -> int:
    """A port on loopback that nobody listens at, and that is given out once."""
    for number in itertools.islice(_numbers, _PORT_COUNT):
        port = _FIRST_PORT + number % _PORT_COUNT
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not _is_port_taken(probe, port):
                return port
    raise OSError("every port is in use")


def _is_port_taken(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False
