"""Ports for servers that start a moment later, in processes of their own."""

import itertools
import os
import socket

# Below those that the system hands out by itself, so that no other socket comes in between; each
# process that runs tests begins elsewhere.
_FIRST, _MANY = 10_000, 20_000
_numbers = itertools.count(os.getpid() * 37)


def port_free() -> int:
    """A port on loopback that nobody listens at, and that is given out once."""
    for number in itertools.islice(_numbers, _MANY):
        port = _FIRST + number % _MANY
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not _refused(probe, port):
                return port
    raise OSError("every port is in use")


def _refused(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False
