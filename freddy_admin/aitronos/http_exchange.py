"""One exchange with the other side: bounded in time and size, blind to the environment.

Goes through an adapter of `requests` and not through a session: a session would obey proxies and
netrc, share cookies, and read a redirect's whole body to prepare the next request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3
from requests.models import PreparedRequest

from freddy_admin.aitronos.connection_errors import (
    ExchangeFailure,
    exchange_failure_from_exception,
)
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.deadline_connections import (
    CALL_STATE,
    ConnectError,
    call_state_clear,
    call_state_set,
)
from freddy_admin.aitronos.dns_resolver import Resolver
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.key_http_adapter import KeyHTTPAdapter

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


class _DeadlineExpired(Exception):
    """The call's time was over before the response was here."""


def send_request(
    adapter: KeyHTTPAdapter,
    request: PreparedRequest,
    *,
    deadline: Deadline,
    resolver: Resolver,
    limits: ExchangeLimits,
) -> RawResponse:
    """Send `request` and read the whole response. Raises AitronosError alone.

    The error is raised outside of the handler, so that no exception of a library, which would
    hold the request with its key, hangs on to it. `request_sent` says whether anything left us.
    """
    call_state_set(deadline, resolver, limits.connect_timeout)
    try:
        return _send_and_read(adapter, request, deadline, limits)
    except ConnectError as error:
        failure = ExchangeFailure(error.kind)
    except _UnusableBody as error:
        failure = ExchangeFailure(FailureKind.UNREADABLE_ANSWER, error.part, error.reason, 200)
    except Exception as error:  # noqa: BLE001  whatever bytes came, they end in one typed error
        failure = exchange_failure_from_exception(error)
    finally:
        call_state_clear()
        deadline.unwatch_connection()
    if deadline.expired or deadline.remaining <= 0:
        failure = ExchangeFailure(FailureKind.TOTAL_TIMEOUT)
    typed_error = failure.to_aitronos_error()
    typed_error.request_sent = CALL_STATE.request_sent
    raise typed_error


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
        raise _DeadlineExpired


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
