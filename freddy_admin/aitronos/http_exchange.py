"""One exchange with the other side: bounded in time and size, blind to the environment.

Goes through an adapter of `requests` and not through a session: a session would obey proxies and
netrc, share cookies, and read a redirect's whole body to prepare the next request.
"""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests
import urllib3
from requests.models import PreparedRequest

from freddy_admin.aitronos.connection_pool import KeyHTTPAdapter
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.deadline_connections import (
    CALL_STATE,
    ConnectError,
    call_state_clear,
    call_state_set,
)
from freddy_admin.aitronos.dns_resolver import Resolver
from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    RequestTimedOut,
    RequestWithheld,
    UnreadableResponse,
)

# An OSError by descent, whatever it wraps.
_WRAPPER_EXCEPTIONS = requests.RequestException
_CHUNK_BYTES = 65_536
_SHORTEST_TIMEOUT = 0.001  # a time-out of 0 would mean "do not block"


@dataclass(frozen=True, slots=True)
class ExchangeLimits:
    """Seconds and bytes of one exchange."""

    connect_timeout: float
    read_timeout: float
    max_body_bytes: int


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A complete response, not yet understood; `reusable` if nothing about its end is strange."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    reusable: bool


class _UnusableBody(Exception):
    """The body cannot be used; says why."""

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(reason)
        self.part, self.reason = part, reason


def send_request(
    adapter: KeyHTTPAdapter,
    request: PreparedRequest,
    *,
    deadline: Deadline,
    resolver: Resolver,
    limits: ExchangeLimits,
) -> RawResponse:
    """Send `request` and read the whole response. Raises AitronosError alone.

    The error is raised outside of the handlers, so that no exception of a library, which would
    hold the request with its key, hangs on to it. `request_sent` says whether anything left us.
    """
    call_state_set(deadline, resolver, limits.connect_timeout)
    failure: AitronosError
    try:
        return _send_and_read(adapter, request, deadline, limits)
    except ConnectError as error:
        failure = _error_of_kind(error.kind)
    except _UnusableBody as error:
        failure = _unreadable_response(error.part, error.reason, http_status=200)
    except Exception as error:  # noqa: BLE001  whatever bytes came, they end in one typed error
        failure = error_from_exception(error)
    finally:
        call_state_clear()
        deadline.unwatch_connection()
    if deadline.expired or deadline.remaining <= 0:
        failure = _error_of_kind(FailureKind.TOTAL_TIMEOUT)
    failure.request_sent = CALL_STATE.request_sent
    raise failure


def _send_and_read(
    adapter: KeyHTTPAdapter, request: PreparedRequest, deadline: Deadline, limits: ExchangeLimits
) -> RawResponse:
    connect = max(_SHORTEST_TIMEOUT, min(limits.connect_timeout, deadline.remaining))
    read = max(_SHORTEST_TIMEOUT, min(limits.read_timeout, deadline.remaining))
    response = adapter.send(request, stream=True, timeout=(connect, read), proxies=None)
    raw_response = response.raw
    try:
        body = _read_body_before_deadline(raw_response, deadline, limits.max_body_bytes)
    except BaseException:
        raw_response.close()
        raise
    reusable = not CALL_STATE.has_extra_bytes and not CALL_STATE.malformed_header
    return RawResponse(
        status=raw_response.status, headers=raw_response.headers, body=body, reusable=reusable
    )


def _read_body_before_deadline(
    raw_response: urllib3.BaseHTTPResponse, deadline: Deadline, limit: int
) -> bytes:
    _require_time_left(deadline)  # else the head was cut, whatever could be made of it
    try:
        body = _read_body(raw_response, deadline, limit)
    except (_UnusableBody, urllib3.exceptions.HTTPError):
        # Of an error the status says enough, whatever is wrong with its body.
        if raw_response.status == 200:
            raise
        raw_response.close()
        return b""
    if raw_response.status == 200:
        # A cut connection looks like the end of a body without a length.
        _require_time_left(deadline)
    return body


def _require_time_left(deadline: Deadline) -> None:
    if deadline.expired:
        raise TimeoutError


def _read_body(raw_response: urllib3.BaseHTTPResponse, deadline: Deadline, limit: int) -> bytes:
    if CALL_STATE.malformed_header:
        raise _UnusableBody(CALL_STATE.malformed_header, "malformed")
    coding = raw_response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise _UnusableBody("Content-Encoding", "compressed, though nobody asked for it")
    if int(raw_response.headers.get("Content-Length", 0)) > limit:
        raise _UnusableBody("body", f"over {limit} bytes")
    body = bytearray()
    # Chunks as they come: a read of a fixed size would wait for a dripping server to fill it.
    while chunk := raw_response.read1(_CHUNK_BYTES, decode_content=False):
        # What came before the cut can still be read, chunk by tiny chunk.
        _require_time_left(deadline)
        body += chunk
        if len(body) > limit:
            raise _UnusableBody("body", f"over {limit} bytes")
    return bytes(body)


def error_from_exception(error: BaseException) -> AitronosError:
    """The error that a library's exception is."""
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
        return ConnectionFailed(FailureKind.CONNECTION_LOST)
    # Nothing that a connection does: the bytes that came were too strange for a library.
    return _unreadable_response("headers", type(error).__name__)


def _error_of_kind(kind: FailureKind) -> AitronosError:
    if kind is FailureKind.WITHHELD:
        return RequestWithheld(kind)
    if kind in {FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT}:
        return RequestTimedOut(kind)
    return ConnectionFailed(kind)


def _unreadable_response(
    part: str, reason: str, *, http_status: int | None = None
) -> UnreadableResponse:
    """`http_status` is given where the head of the response could be read."""
    return UnreadableResponse(
        FailureKind.UNREADABLE_ANSWER, field=part, detail=reason, http_status=http_status
    )


def _error_from_single_exception(exception: BaseException) -> AitronosError | None:
    if isinstance(exception, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead):
        return _unreadable_response("body", "truncated", http_status=200)
    if isinstance(exception, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return _error_of_kind(FailureKind.READ_TIMEOUT)
    if isinstance(exception, ConnectionError):
        return ConnectionFailed(FailureKind.CONNECTION_LOST)
    if isinstance(exception, http.client.HTTPException):
        return _unreadable_response("headers", type(exception).__name__)
    return None


def _tls_error_from_chain(chain: list[BaseException]) -> ConnectionFailed:
    for exception in chain:
        if isinstance(exception, ssl.SSLCertVerificationError):
            return ConnectionFailed(
                FailureKind.TLS, detail=str(getattr(exception, "verify_message", ""))[:120]
            )
    if any(isinstance(exception, ssl.SSLEOFError | ssl.SSLZeroReturnError) for exception in chain):
        return ConnectionFailed(FailureKind.CONNECTION_LOST)
    return ConnectionFailed(FailureKind.TLS, detail="no secure connection could be agreed on")


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
