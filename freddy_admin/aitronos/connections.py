"""Connections under a deadline, and a pool per key: none is ever handed to another key."""

import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import certifi
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager

from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.resolving import NameNotFound, Resolver

POOLS_KEPT = 64
IDLE_SECONDS = 60.0


class ConnectFault(Exception):
    """No connection came about. Derives from nothing that urllib3 would wrap."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(str(kind))
        self.kind = kind


class _Call(threading.local):
    """What the connections of this thread's call need to know."""

    deadline: Deadline | None = None
    resolver: Resolver | None = None
    connect_timeout: float = 0.0
    reused: bool = False


CALL = _Call()


def _connect(host: str, port: int) -> socket.socket:
    deadline, resolver = CALL.deadline, CALL.resolver
    assert deadline is not None and resolver is not None  # noqa: PT018, S101  set by the transport
    ends = time.monotonic() + min(CALL.connect_timeout, deadline.remaining)
    try:
        addresses = resolver.resolve(host, port, seconds=max(0.0, ends - time.monotonic()))
    except NameNotFound as error:
        timed_out = FailureKind.CONNECT_TIMEOUT
        kind = timed_out if error.timed_out else FailureKind.NAME_NOT_FOUND
        raise ConnectFault(kind) from None
    fault = FailureKind.UNREACHABLE
    for family, address, number in addresses:
        left = ends - time.monotonic()
        if left <= 0:
            raise ConnectFault(FailureKind.CONNECT_TIMEOUT)
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(left)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect((address, number))
        except OSError as error:
            connection.close()
            fault = _fault_of(error)
        else:
            deadline.guard(connection)
            return connection
    raise ConnectFault(fault)


def _fault_of(error: OSError) -> FailureKind:
    if isinstance(error, TimeoutError):
        return FailureKind.CONNECT_TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return FailureKind.CONNECTION_REFUSED
    return FailureKind.UNREACHABLE


class _Guarded:
    """Mixed into urllib3's connections: our own way to a socket, cut at the deadline."""

    host: str
    port: int | None
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        CALL.reused = False
        return _connect(self.host, self.port or 443)

    def request(self, *args: Any, **more: Any) -> None:
        """Send; a connection that lived on from the last call gets this call's deadline."""
        if self.sock is not None and CALL.deadline is not None:
            CALL.reused = True
            CALL.deadline.guard(self.sock)
        super().request(*args, **more)  # type: ignore[misc]


class GuardedHTTPConnection(_Guarded, HTTPConnection):
    """Plain HTTP, for loopback."""


class GuardedHTTPSConnection(_Guarded, HTTPSConnection):
    """HTTPS."""


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = GuardedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = GuardedHTTPSConnection


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Certificates are always checked, against certifi's list: no environment changes that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca_file or certifi.where())
    return context


class KeyAdapter(HTTPAdapter):
    """The connections of one key: at most one open, no retries, one shared TLS context."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self.idle_since = 0.0
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """A pool manager whose connections know deadlines."""
        if self._context is not None:
            pool_kwargs["ssl_context"] = self._context
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        self.poolmanager = manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the shared context alone: reading the list anew costs more than a whole call."""
        del url, verify, cert
        conn.cert_reqs = "CERT_REQUIRED"


class Pools:
    """Idle connections by key: taken out for a call, put back only after an ordinary answer."""

    def __init__(
        self,
        make: Callable[[], KeyAdapter],
        *,
        kept: int = POOLS_KEPT,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._kept, self._monotonic = make, kept, monotonic
        self._lock = threading.Lock()
        self._idle: OrderedDict[str, KeyAdapter] = OrderedDict()

    def take(self, name: str) -> KeyAdapter:
        """The adapter of this key, with its idle connection if there is a young one."""
        with self._lock:
            old = self._aged()
            adapter = self._idle.pop(name, None)
        for one in old:
            one.close()
        return adapter or self._make()

    def give(self, name: str, adapter: KeyAdapter) -> None:
        """Keep the connection for this key's next call."""
        adapter.idle_since = self._monotonic()
        with self._lock:
            former = self._idle.pop(name, None)
            self._idle[name] = adapter
            spare = [former] if former else []
            while len(self._idle) > self._kept:
                spare.append(self._idle.popitem(last=False)[1])
        for one in spare:
            one.close()

    def close(self) -> None:
        """Close everything idle."""
        with self._lock:
            idle, self._idle = list(self._idle.values()), OrderedDict()
        for one in idle:
            one.close()

    def _aged(self) -> list[KeyAdapter]:
        limit = self._monotonic() - IDLE_SECONDS
        names = [name for name, one in self._idle.items() if one.idle_since < limit]
        return [self._idle.pop(name) for name in names]
