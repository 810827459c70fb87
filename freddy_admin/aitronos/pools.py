"""Idle connections, each under the name of its key: none is ever handed to another."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from freddy_admin.aitronos.adapters import KeyAdapter
from freddy_admin.aitronos.forks import renew_in_children

POOLS_KEPT = 64
IDLE_SECONDS = 60.0
# None: the public routes, which take no key. No key's name can be equal to it.
PoolName = str | None


class Pools:
    """Taken out for a call, put back only after an ordinary answer. Safe for threads."""

    def __init__(
        self,
        make: Callable[[], KeyAdapter],
        *,
        kept: int = POOLS_KEPT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._kept, self._monotonic = make, kept, monotonic
        self._idle: OrderedDict[PoolName, KeyAdapter] = OrderedDict()
        self._closed = False
        self.start_afresh()
        renew_in_children(self)

    def start_afresh(self) -> None:
        """Let go of all connections: in a forked child they are still its parent's as well."""
        self._lock = threading.Lock()
        self._empty()

    def take(self, name: PoolName) -> KeyAdapter:
        """The adapter of this key, with its idle connection if there is a young one."""
        with self._lock:
            old = self._aged()
            adapter = self._idle.pop(name, None)
        for one in old:
            one.close()
        return adapter or self._make()

    def fresh(self) -> KeyAdapter:
        """An adapter that belongs to one call alone: its maker closes it and never gives it."""
        return self._make()

    def give(self, name: PoolName, adapter: KeyAdapter) -> None:
        """Keep the connection for this key's next call; the longest idle one may go for it."""
        adapter.idle_since = self._monotonic()
        with self._lock:
            former = self._idle.pop(name, None)
            self._idle[name] = adapter
            spare = [former] if former else []
            while len(self._idle) > (0 if self._closed else self._kept):
                spare.append(self._idle.popitem(last=False)[1])
        for one in spare:
            one.close()

    def close(self) -> None:
        """Close everything idle; what is in use is closed when it comes back."""
        self._closed = True
        self._empty()

    def _empty(self) -> None:
        with self._lock:
            idle, self._idle = list(self._idle.values()), OrderedDict()
        for one in idle:
            one.close()

    def _aged(self) -> list[KeyAdapter]:
        limit, old = self._monotonic() - IDLE_SECONDS, list[KeyAdapter]()
        # In the order in which they were given back: the first young one ends the search.
        while self._idle and next(iter(self._idle.values())).idle_since < limit:
            old.append(self._idle.popitem(last=False)[1])
        return old
