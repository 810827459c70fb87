"""Names to addresses within a call's time: `getaddrinfo` itself knows no time-out."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from functools import lru_cache

from freddy_admin.aitronos.forks import renew_in_children

Address = tuple[int, str, int]  # family, host, port
Lookup = Callable[[str, int], list[Address]]
KEPT_FOR = 60.0


class NameNotFound(Exception):
    """The name has no address, or none was found in time (`timed_out`)."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("no address")
        self.timed_out = timed_out


def system_lookup(host: str, port: int) -> list[Address]:
    """What the system's resolver says."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, sockaddr[0], port) for family, _, _, _, sockaddr in found]  # type: ignore[misc]


class Resolver:
    """Looks a name up in a thread that may be left behind; keeps answers for a minute."""

    def __init__(
        self, lookup: Lookup = system_lookup, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lookup, self._monotonic = lookup, monotonic
        self._kept: dict[tuple[str, int], tuple[float, list[Address]]] = {}
        self.start_afresh()
        renew_in_children(self)

    def start_afresh(self) -> None:
        """Wait for no search: a forked child has none of its parent's threads."""
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], _Search] = {}

    def resolve(self, host: str, port: int, *, seconds: float) -> list[Address]:
        """The addresses, in order of preference. Raises NameNotFound."""
        literal = _literal(host, port)
        if literal:
            return [literal]
        name = host, port
        with self._lock:
            kept = self._kept.get(name)
            if kept and kept[0] > self._monotonic():
                return kept[1]
            search = self._running.get(name)
            if search is None:
                # However many calls wait for a name, one thread looks it up.
                search = _Search()
                run = threading.Thread(target=self._search, args=(name, search), daemon=True)
                run.start()
                self._running[name] = search
        if not search.done.wait(seconds):
            raise NameNotFound(timed_out=True)
        if not search.found:
            raise NameNotFound(timed_out=False)
        return search.found

    def _search(self, name: tuple[str, int], search: "_Search") -> None:
        try:
            search.found = self._lookup(*name)
        except (OSError, UnicodeError):
            pass  # no such name
        finally:
            with self._lock:
                self._running.pop(name, None)
                if search.found:
                    self._kept[name] = (self._monotonic() + KEPT_FOR, search.found)
            search.done.set()


class _Search:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.found: list[Address] = []


@lru_cache(maxsize=16)
def _literal(host: str, port: int) -> Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    return family, str(address), port
