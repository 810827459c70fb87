"""Names to addresses within a call's time: `getaddrinfo` itself knows no time-out."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from functools import lru_cache

from freddy_admin.outbound.fork_safety import reset_in_forked_children

Address = tuple[int, str, int]  # family, host, port


Lookup = Callable[[str, int], list[Address]]


CACHE_SECONDS = 60.0


class HostNameNotFound(Exception):
    """The name has no address, or none was found in time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("no address")
        self.timed_out = timed_out


def lookup_system_addresses(host: str, port: int) -> list[Address]:
    """What the system's resolver says."""
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, sockaddr[0], port) for family, _, _, _, sockaddr in addresses]  # type: ignore[misc]


class Resolver:
    """Looks a name up in a thread that may be left behind; caches addresses for a minute."""

    def __init__(
        self,
        lookup: Lookup = lookup_system_addresses,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup, self._monotonic = lookup, monotonic
        self._cached_addresses: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self.reset_after_fork()
        reset_in_forked_children(self)

    def reset_after_fork(self) -> None:
        """Wait for no search: a forked child has none of its parent's threads."""
        self._lock = threading.Lock()
        self._running_searches: dict[tuple[str, int], _AddressSearch] = {}

    def resolve(self, host: str, port: int, *, seconds: float) -> list[Address]:
        """The addresses, in order of preference. Raises HostNameNotFound."""
        literal = _parse_literal_address(host, port)
        if literal:
            return [literal]
        name = host, port
        with self._lock:
            cached = self._cached_addresses.get(name)
            if cached and cached[0] > self._monotonic():
                return cached[1]
            search = self._running_searches.get(name)
            if search is None:
                # However many calls wait for a name, one thread looks it up.
                search = _AddressSearch()
                thread = threading.Thread(target=self._run_search, args=(name, search), daemon=True)
                thread.start()
                self._running_searches[name] = search
        if not search.done.wait(seconds):
            raise HostNameNotFound(timed_out=True)
        if not search.addresses:
            raise HostNameNotFound(timed_out=False)
        return search.addresses

    def _run_search(self, name: tuple[str, int], search: "_AddressSearch") -> None:
        try:
            search.addresses = self._lookup(*name)
        except (OSError, UnicodeError):
            pass  # no such name
        finally:
            with self._lock:
                self._running_searches.pop(name, None)
                if search.addresses:
                    self._cached_addresses[name] = (
                        self._monotonic() + CACHE_SECONDS,
                        search.addresses,
                    )
            search.done.set()


class _AddressSearch:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.addresses: list[Address] = []


@lru_cache(maxsize=16)
def _parse_literal_address(host: str, port: int) -> Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    return family, str(address), port
