"""The connections to the API: one adapter a key, idle ones under its name, shared with no other.

An adapter is what `requests` needs to send, and nothing that a call does not. It goes to one origin
and most live for one call alone, so what they share is made once: no manager of pools, no look for
proxies, no cookies.
"""

import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import certifi
import urllib3
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest, Response
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from freddy_admin.aitronos.deadline_connections import (
    DeadlineHTTPConnection,
    DeadlineHTTPSConnection,
)
from freddy_admin.aitronos.fork_safety import reset_in_forked_children

MAX_IDLE_CONNECTIONS = 64
IDLE_SECONDS = 60.0
# None: the public routes, which take no key. No key's name can be equal to it.
PoolName = str | None
_NO_RETRIES: Final = urllib3.Retry(0, read=False)


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = DeadlineHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = DeadlineHTTPSConnection


def create_tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Certificates are always checked, against certifi's list: no environment changes that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca_file or certifi.where())
    return context


class KeyHTTPAdapter(HTTPAdapter):
    """At most one open connection, no retries, one shared TLS context."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._origin: tuple[str, str, int | None] | None = None
        self._pool: HTTPConnectionPool | None = None
        self.idle_since = 0.0
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=_NO_RETRIES)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have none: there is one pool, made when it is needed."""

    def get_connection_with_tls_context(
        self, request: PreparedRequest, *args: Any, **kwargs: Any
    ) -> HTTPConnectionPool:
        """The pool of this adapter's one origin; another origin gets another pool, never this."""
        del args, kwargs  # proxies and certificates of other people's choice
        origin = _origin_of_url(str(request.url))
        if self._pool is None or origin != self._origin:
            self.close()
            self._origin, self._pool = origin, self._create_pool(*origin)
        return self._pool

    def _create_pool(self, scheme: str, host: str, port: int | None) -> HTTPConnectionPool:
        if scheme != "https":
            return _HTTPPool(host, port, maxsize=1)
        if self._context is None:
            raise ValueError("https needs a TLS context")
        return _HTTPSPool(
            host, port, maxsize=1, ssl_context=self._context, cert_reqs="CERT_REQUIRED"
        )

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the shared context alone: reading the list anew costs more than a whole call."""
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """The path and the query: no proxy is ever between us and the other side."""
        del proxies
        return request.path_url

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """What came as it is: no cookie is kept, and the response holds no request with its key."""
        del req
        response = Response()
        response.status_code, response.raw = resp.status, resp
        return response

    def close(self) -> None:
        """Close the connection, where one is open."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()


@lru_cache(maxsize=64)
def _origin_of_url(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port


class KeyConnectionPool:
    """Idle adapters, acquired for a call, released after an ordinary response. Thread-safe.

    `create_adapter` makes one that belongs to one call alone: its maker closes it, never releases
    it.
    """

    def __init__(
        self,
        create_adapter: Callable[[], KeyHTTPAdapter],
        *,
        max_idle: int = MAX_IDLE_CONNECTIONS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.create_adapter, self._max_idle, self._monotonic = create_adapter, max_idle, monotonic
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
        return adapter or self.create_adapter()

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
