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

from freddy_admin.aitronos.connections import CALL, ConnectFault, KeyAdapter
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    TimedOut,
    UnreadableAnswer,
)
from freddy_admin.aitronos.resolving import Resolver

_PIECE = 65_536
_FAULTS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes of one exchange."""

    connect: float
    read: float
    body: int


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A complete answer, not yet understood."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: FailureKind
    field: str = ""
    detail: str = ""

    def error(self) -> AitronosError:
        if self.kind is FailureKind.UNREADABLE_ANSWER:
            return UnreadableAnswer(self.kind, field=self.field, detail=self.detail)
        if self.kind in {FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT}:
            return TimedOut(self.kind)
        return ConnectionFailed(self.kind, detail=self.detail)


class _TooLarge(Exception):
    """The body is over the limit."""


class _Coded(Exception):
    """The body is compressed although nobody asked for that."""


def exchange(
    adapter: KeyAdapter,
    request: PreparedRequest,
    *,
    deadline: Deadline,
    resolver: Resolver,
    limits: Limits,
) -> RawAnswer:
    """Send `request` and read the whole answer. Raises AitronosError alone.

    The error is raised outside of the handler, so that no exception of a library, which would
    hold the request with its key, hangs on to it.
    """
    CALL.deadline, CALL.resolver, CALL.connect_timeout = deadline, resolver, limits.connect
    fault: _Fault
    try:
        return _exchange(adapter, request, deadline, limits)
    except ConnectFault as error:
        fault = _Fault(error.kind)
    except _TooLarge:
        fault = _Fault(FailureKind.UNREADABLE_ANSWER, "body", f"over {limits.body} bytes")
    except _Coded:
        fault = _Fault(FailureKind.UNREADABLE_ANSWER, "Content-Encoding", "compressed")
    except _FAULTS as error:
        fault = _fault_of(error)
    finally:
        CALL.deadline = CALL.resolver = None
        deadline.release()
    if deadline.passed or deadline.remaining <= 0:
        fault = _Fault(FailureKind.TOTAL_TIMEOUT)
    raise fault.error()


def _exchange(
    adapter: KeyAdapter, request: PreparedRequest, deadline: Deadline, limits: Limits
) -> RawAnswer:
    connect = max(0.001, min(limits.connect, deadline.remaining))
    read = max(0.001, min(limits.read, deadline.remaining))
    response = adapter.send(request, stream=True, timeout=(connect, read), proxies=None)
    raw = response.raw
    try:
        body = _body(raw, limits.body)
    except (_TooLarge, _Coded, urllib3.exceptions.IncompleteRead, urllib3.exceptions.ProtocolError):
        raw.close()
        # Of an error the status says enough, whatever is wrong with its body.
        if raw.status == 200 or deadline.passed:
            raise
        body = b""
    except BaseException:
        raw.close()
        raise
    return RawAnswer(status=raw.status, headers=raw.headers, body=body)


def _body(raw: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    coding = raw.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise _Coded
    promised = raw.headers.get("Content-Length", "")
    if promised.isascii() and promised.isdigit() and int(promised[:12]) > limit:
        raise _TooLarge
    pieces, size = [], 0
    # Piece by piece as they come: a read of a fixed size would wait for a drip to fill it.
    while piece := raw.read1(_PIECE, decode_content=False):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise _TooLarge
    return b"".join(pieces)


def _fault_of(error: BaseException) -> _Fault:
    """The kind of a library's error; what it says is looked at and left behind."""
    for one in _family(error):
        if isinstance(
            one, ssl.SSLError | urllib3.exceptions.SSLError | requests.exceptions.SSLError
        ):
            return _tls_fault(error)
    for one in _family(error):
        if isinstance(one, http.client.IncompleteRead):
            return _Fault(FailureKind.UNREADABLE_ANSWER, "body", "truncated")
        if isinstance(one, ConnectionError | http.client.RemoteDisconnected):
            return _Fault(FailureKind.CONNECTION_LOST)
        if isinstance(one, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
            return _Fault(FailureKind.READ_TIMEOUT)
        if isinstance(one, requests.exceptions.ConnectTimeout | TimeoutError):
            return _Fault(FailureKind.CONNECT_TIMEOUT)
        if isinstance(one, http.client.HTTPException):
            return _Fault(FailureKind.UNREADABLE_ANSWER, "headers", type(one).__name__)
        if isinstance(one, ValueError) and not isinstance(one, requests.RequestException):
            return _Fault(FailureKind.UNREADABLE_ANSWER, "headers", type(one).__name__)
    return _Fault(FailureKind.CONNECTION_LOST)


def _tls_fault(error: BaseException) -> _Fault:
    for one in _family(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return _Fault(FailureKind.TLS, detail=str(one.verify_message)[:120])
    for one in _family(error):
        if isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return _Fault(FailureKind.CONNECTION_LOST)
    return _Fault(FailureKind.TLS, detail="no secure connection could be agreed on")


def _family(error: BaseException) -> list[BaseException]:
    """The error, what it wraps and what it came from, nearest first; bounded."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or one in found:
            continue
        found.append(one)
        waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return found
