"""The connections of one key: what `requests` needs to send, and nothing that a call does not.

An adapter goes to one origin and most live for one call alone, so what they share is made once:
no manager of pools, no look for proxies, no cookies.
"""

import ssl
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
