"""Idle connections, each under the name of its key: none is ever handed to another."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from freddy_admin.aitronos.fork_safety import reset_in_forked_children
from freddy_admin.aitronos.key_http_adapter import KeyHTTPAdapter

MAX_IDLE_CONNECTIONS = 64
IDLE_SECONDS = 60.0
# None: the public routes, which take no key. No key's name can be equal to it.
PoolName = str | None


class KeyConnectionPool:
    """Idle adapters, acquired for a call, released after an ordinary response. Thread-safe."""

    def __init__(
        self,
        create_adapter: Callable[[], KeyHTTPAdapter],
        *,
        max_idle: int = MAX_IDLE_CONNECTIONS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._create_adapter, self._max_idle, self._monotonic = create_adapter, max_idle, monotonic
        self._idle: OrderedDict[PoolName, KeyHTTPAdapter] = OrderedDict()
        self._closed = False
        self.reset_after_fork()
        reset_in_forked_children(self)

    def reset_after_fork(self) -> None:
        """Let go of all connections: in a forked child they are still its parent's as well."""
        self._lock = threading.Lock()
        self._close_idle()

    def acquire(self, name: PoolName) -> KeyHTTPAdapter:
        """The adapter of this key, with its idle connection if there is a young one."""
        with self._lock:
            expired = self._pop_expired()
            adapter = self._idle.pop(name, None)
        for adapter in expired:
            adapter.close()
        return adapter or self._create_adapter()

    def create_unpooled_adapter(self) -> KeyHTTPAdapter:
        """An adapter that belongs to one call alone: its maker closes it and never releases it."""
        return self._create_adapter()

    def release(self, name: PoolName, adapter: KeyHTTPAdapter) -> None:
        """Keep the connection for this key's next call; the longest idle one may go for it."""
        adapter.idle_since = self._monotonic()
        with self._lock:
            replaced = self._idle.pop(name, None)
            self._idle[name] = adapter
            surplus = [replaced] if replaced else []
            while len(self._idle) > (0 if self._closed else self._max_idle):
                surplus.append(self._idle.popitem(last=False)[1])
        for surplus_adapter in surplus:
            surplus_adapter.close()

    def close(self) -> None:
        """Close everything idle; what is in use is closed when it comes back."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with self._lock:
            idle, self._idle = list(self._idle.values()), OrderedDict()
        for adapter in idle:
            adapter.close()

    def _pop_expired(self) -> list[KeyHTTPAdapter]:
        oldest_allowed, expired = self._monotonic() - IDLE_SECONDS, list[KeyHTTPAdapter]()
        # In the order in which they were released: the first young one ends the search.
        while self._idle and next(iter(self._idle.values())).idle_since < oldest_allowed:
            expired.append(self._idle.popitem(last=False)[1])
        return expired
