"""One exchange with the other side: bounded in time and size, blind to the environment.

Goes through an adapter of `requests` and not through a session: a session would obey proxies and
netrc, share cookies, and read a redirect's whole body to prepare the next request. Each exchange
has a connection of its own, which ends with it: nothing of one can reach the next.
"""

import http.client
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest as PreparedRequest
from requests.models import Response

from freddy_admin.outbound.connection import (
    DeadlineHTTPConnection,
    DeadlineHTTPResponse,
    DeadlineHTTPSConnection,
    Exchange,
    connect_through_proxy,
    exchange_enter,
    exchange_leave,
)
from freddy_admin.outbound.deadline import Deadline
from freddy_admin.outbound.errors import TransportError, TransportFailure
from freddy_admin.outbound.proxy import Proxy
from freddy_admin.outbound.resolver import Resolver
from freddy_admin.outbound.tls import create_tls_context

# An OSError by descent, whatever it wraps.
_WRAPPER_EXCEPTIONS = requests.RequestException
_CHUNK_BYTES = 65_536
_SHORTEST_TIMEOUT = 0.001  # a time-out of 0 would mean "do not block"
_HEADERS: Final = {
    "Accept": "application/json",
    # Compressed responses could unfold to any size: we ask for none and take none.
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """Seconds and bytes of one exchange."""

    connect_timeout: float
    read_timeout: float
    max_body_bytes: int


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A complete response, not yet understood."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


def prepare_request(
    method: str, url: str, *, headers: Mapping[str, str], body: bytes = b""
) -> PreparedRequest:
    """A request that asks for JSON. Raises ValueError for a URL that cannot be one."""
    return requests.Request(method, url, headers={**_HEADERS, **headers}, data=body).prepare()


class HttpTransport:
    """Makes exchanges, from any thread. Keeps addresses for a minute, and no connection.

    `ca_file` holds authorities beside the public ones; raises OSError where it cannot be used.
    """

    def __init__(
        self, *, ca_file: str = "", proxy: Proxy | None = None, resolver: Resolver | None = None
    ) -> None:
        self._proxy, self._resolver = proxy, resolver or Resolver()
        self._adapter = _OneExchangeAdapter(create_tls_context(ca_file))

    def exchange(
        self,
        request: PreparedRequest,
        *,
        deadline: Deadline,
        limits: ExchangeLimits,
        public_addresses_only: bool = False,
    ) -> RawResponse:
        """Send `request` and read the whole response. Raises TransportError alone.

        The error is raised outside of the handlers, so that no exception of a library, which would
        hold the request with its key, hangs on to it. `public_addresses_only` is for a URL that a
        person typed.
        """
        exchange = Exchange(
            deadline, self._resolver, limits.connect_timeout, self._proxy, public_addresses_only
        )
        outer = exchange_enter(exchange)
        try:
            return _send_and_read(self._adapter, request, exchange, limits)
        except Exception as error:  # noqa: BLE001  whatever bytes came, they end in one typed error
            failure = error_from_exception(error)
        finally:
            exchange_leave(outer)
            deadline.unwatch_connection()
        if deadline.expired or deadline.remaining <= 0:
            failure = TransportError(TransportFailure.TOTAL_TIMEOUT)
        failure.request_sent = exchange.request_sent
        raise failure

    def probe_proxy(self, host: str, port: int, *, seconds: float) -> TransportError | None:
        """Have the proxy connect us with `host` and hang up: what went wrong, None if nothing."""
        if self._proxy is None:
            return None
        deadline, handshake = Deadline(seconds), Deadline(seconds)
        exchange = Exchange(deadline, self._resolver, seconds)
        try:
            connect_through_proxy(exchange, self._proxy, host, port, handshake).close()
        except TransportError as error:
            return error.with_traceback(None)
        finally:
            handshake.unwatch_connection()
            deadline.unwatch_connection()
        return None


class _Origin:
    """Where requests go. `requests` takes it for urllib3's pool, of which nothing else is needed.

    Each exchange gets a new connection, and none comes back.
    """

    def __init__(self, scheme: str, host: str, port: int, context: ssl.SSLContext) -> None:
        self._connect: Callable[..., Any] = partial(DeadlineHTTPConnection, host, port)
        if scheme == "https":
            self._connect = partial(
                DeadlineHTTPSConnection,
                host,
                port,
                ssl_context=context,
                cert_reqs="CERT_REQUIRED",
            )

    def urlopen(
        self,
        *,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        **_options: object,
    ) -> DeadlineHTTPResponse:
        """The response, of which the head is read."""
        connection = self._connect(timeout=timeout.connect_timeout)
        try:
            connection.connect()
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before
                connection.request(method, url, body=body, headers=headers)
            connection.timeout = timeout.read_timeout
            response: DeadlineHTTPResponse = connection.getresponse()
            return response
        finally:
            connection.close()  # the socket ends with the response, which reads from it


class _OneExchangeAdapter(HTTPAdapter):
    """What `requests` needs to send, and nothing that an exchange does not.

    No manager of pools, no look for proxies, no cookies, no retries, one shared TLS context.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._origin = lru_cache(maxsize=64)(partial(_Origin, context=context))
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have none."""

    def get_connection_with_tls_context(
        self, request: PreparedRequest, *args: Any, **kwargs: Any
    ) -> Any:
        """The request's origin."""
        del args, kwargs  # proxies and certificates of other people's choice
        return self._origin(*_origin_of_url(str(request.url)))

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the shared context alone: reading the list anew costs more than a whole call."""

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """The path and the query: the operator's proxy is told the host alone, by CONNECT."""
        del proxies
        return request.path_url

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:
        """What came as it is: no cookie is kept, and the response holds no request with its key."""
        del req
        response = Response()
        response.status_code, response.raw = resp.status, resp
        return response


@lru_cache(maxsize=64)
def _origin_of_url(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    # Without a port, http.client would take the end of an IPv6 address for one.
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port


class _UnusableBody(Exception):
    """The body cannot be used; says why."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part, self.reason = part, reason


def _send_and_read(
    adapter: HTTPAdapter, request: PreparedRequest, exchange: Exchange, limits: ExchangeLimits
) -> RawResponse:
    remaining = exchange.deadline.remaining
    connect = max(_SHORTEST_TIMEOUT, min(limits.connect_timeout, remaining))
    read = max(_SHORTEST_TIMEOUT, min(limits.read_timeout, remaining))
    response = adapter.send(request, stream=True, timeout=(connect, read), proxies=None)
    raw_response: Any = response.raw
    try:
        headers = urllib3.HTTPHeaderDict(raw_response.headers.items())
        body = _read_body_before_deadline(raw_response, headers, exchange, limits.max_body_bytes)
    finally:
        raw_response.close()
    return RawResponse(status=raw_response.status, headers=headers, body=body)


def _read_body_before_deadline(
    raw_response: DeadlineHTTPResponse,
    headers: Mapping[str, str],
    exchange: Exchange,
    limit: int,
) -> bytes:
    deadline = exchange.deadline
    _require_time_left(deadline)  # else the head was cut, whatever could be made of it
    try:
        _validate_body_headers(headers, exchange, limit)
        body = _read_body(raw_response, deadline, limit)
    except (_UnusableBody, http.client.HTTPException, OSError):
        # Of an error the status says enough, whatever is wrong with its body.
        if raw_response.status == 200:
            raise
        return b""
    if raw_response.status == 200:
        # A cut connection looks like the end of a body without a length.
        _require_time_left(deadline)
    return body


def _require_time_left(deadline: Deadline) -> None:
    if deadline.expired:
        raise TimeoutError


def _validate_body_headers(headers: Mapping[str, str], exchange: Exchange, limit: int) -> None:
    if exchange.malformed_header:
        raise _UnusableBody(exchange.malformed_header, "malformed")
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise _UnusableBody("Content-Encoding", "compressed, though nobody asked for it")
    if int(headers.get("Content-Length", 0)) > limit:
        raise _UnusableBody("body", f"over {limit} bytes")


def _read_body(raw_response: DeadlineHTTPResponse, deadline: Deadline, limit: int) -> bytes:
    body, length = bytearray(), raw_response.length
    while length is None or len(body) < length:
        # Chunks as they come: a read of a fixed size would wait for a dripping server to fill it.
        chunk = raw_response.read1(min(_CHUNK_BYTES, (length or limit + 1) - len(body)))
        if not chunk:
            break
        # What came before the cut can still be read, chunk by tiny chunk.
        _require_time_left(deadline)
        body += chunk
        if len(body) > limit:
            raise _UnusableBody("body", f"over {limit} bytes")
    if length is not None and len(body) < length:
        raise http.client.IncompleteRead(b"")
    return bytes(body)


def error_from_exception(error: BaseException) -> TransportError:
    """The error that a library's exception is."""
    if isinstance(error, TransportError):
        return TransportError(error.kind, part=error.part, detail=error.detail)
    if isinstance(error, _UnusableBody):
        return _unreadable_response(error.part, error.reason, http_status=200)
    chain = _exception_chain(error)
    if any(
        isinstance(exception, ssl.SSLError | urllib3.exceptions.SSLError) for exception in chain
    ):
        return _tls_error_from_chain(chain)
    for exception in chain:
        typed_error = _error_from_single_exception(exception)
        if typed_error is not None:
            return typed_error
    if any(
        isinstance(exception, OSError) and not isinstance(exception, _WRAPPER_EXCEPTIONS)
        for exception in chain
    ):
        return TransportError(TransportFailure.CONNECTION_LOST)
    # Nothing that a connection does: the bytes that came were too strange for a library.
    return _unreadable_response("headers", type(error).__name__)


def _unreadable_response(
    part: str, reason: str, *, http_status: int | None = None
) -> TransportError:
    """`http_status` is given where the head of the response could be read."""
    return TransportError(
        TransportFailure.UNREADABLE_ANSWER, part=part, detail=reason, http_status=http_status
    )


def _error_from_single_exception(exception: BaseException) -> TransportError | None:
    if isinstance(exception, http.client.IncompleteRead):
        return _unreadable_response("body", "truncated", http_status=200)
    if isinstance(exception, TimeoutError):
        return TransportError(TransportFailure.READ_TIMEOUT)
    if isinstance(exception, ConnectionError):
        return TransportError(TransportFailure.CONNECTION_LOST)
    if isinstance(exception, http.client.HTTPException):
        return _unreadable_response("headers", type(exception).__name__)
    return None


def _tls_error_from_chain(chain: list[BaseException]) -> TransportError:
    for exception in chain:
        if isinstance(exception, ssl.SSLCertVerificationError):
            return TransportError(
                TransportFailure.TLS, detail=str(getattr(exception, "verify_message", ""))[:120]
            )
    if any(isinstance(exception, ssl.SSLEOFError | ssl.SSLZeroReturnError) for exception in chain):
        return TransportError(TransportFailure.CONNECTION_LOST)
    return TransportError(TransportFailure.TLS, detail="no secure connection could be agreed on")


def _exception_chain(error: BaseException) -> list[BaseException]:
    """The error, what it wraps and what it came from, nearest first; bounded."""
    chain: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(chain) < 20:
        exception = queue.pop(0)
        if not isinstance(exception, BaseException) or any(exception is member for member in chain):
            continue
        chain.append(exception)
        queue += [
            getattr(exception, "reason", None),
            *exception.args,
            exception.__cause__,
            exception.__context__,
        ]
    return chain
