"""One exchange with the other side: bounded in time and size, blind to the environment.

Goes through an adapter of `requests` and not through a session: a session would obey proxies and
netrc, share cookies, and read a redirect's whole body to prepare the next request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3
from requests.models import PreparedRequest

from freddy_admin.aitronos.adapters import KeyAdapter
from freddy_admin.aitronos.connections import (
    CALL,
    ConnectFault,
    call_begin,
    call_end,
)
from freddy_admin.aitronos.deadline import Deadline
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.faults import Fault, fault_of
from freddy_admin.aitronos.resolving import Resolver

_PIECE = 65_536
_SHORTEST = 0.001  # a time-out of 0 would mean "do not block"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes of one exchange."""

    connect: float
    read: float
    body: int


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A complete answer, not yet understood; `reusable` if nothing about its end is strange."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    reusable: bool


class _Spoilt(Exception):
    """The body cannot be used; says why."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(why)
        self.part, self.why = part, why


class _TooLate(Exception):
    """The call's time was over before the answer was here."""


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
    hold the request with its key, hangs on to it. It says whether anything was `sent`.
    """
    call_begin(deadline, resolver, limits.connect)
    try:
        return _exchange(adapter, request, deadline, limits)
    except ConnectFault as error:
        fault = Fault(error.kind)
    except _Spoilt as spoilt:
        fault = Fault(FailureKind.UNREADABLE_ANSWER, spoilt.part, spoilt.why, 200)
    except Exception as error:  # noqa: BLE001  whatever bytes came, they end in one typed error
        fault = fault_of(error)
    finally:
        call_end()
        deadline.release()
    if deadline.passed or deadline.remaining <= 0:
        fault = Fault(FailureKind.TOTAL_TIMEOUT)
    failure = fault.error()
    failure.sent = CALL.sent
    raise failure


def _exchange(
    adapter: KeyAdapter, request: PreparedRequest, deadline: Deadline, limits: Limits
) -> RawAnswer:
    connect = max(_SHORTEST, min(limits.connect, deadline.remaining))
    read = max(_SHORTEST, min(limits.read, deadline.remaining))
    response = adapter.send(request, stream=True, timeout=(connect, read), proxies=None)
    raw = response.raw
    try:
        body = _body_in_time(raw, deadline, limits.body)
    except BaseException:
        raw.close()
        raise
    reusable = not CALL.extra and not CALL.oddity
    return RawAnswer(status=raw.status, headers=raw.headers, body=body, reusable=reusable)


def _body_in_time(raw: urllib3.BaseHTTPResponse, deadline: Deadline, limit: int) -> bytes:
    _in_time(deadline)  # else the head was cut, whatever could be made of it
    try:
        body = _body(raw, deadline, limit)
    except (_Spoilt, urllib3.exceptions.HTTPError):
        # Of an error the status says enough, whatever is wrong with its body.
        if raw.status == 200:
            raise
        raw.close()
        return b""
    if raw.status == 200:
        _in_time(deadline)  # a cut connection looks like the end of a body without a length
    return body


def _in_time(deadline: Deadline) -> None:
    if deadline.passed:
        raise _TooLate


def _body(raw: urllib3.BaseHTTPResponse, deadline: Deadline, limit: int) -> bytes:
    if CALL.oddity:
        raise _Spoilt(CALL.oddity, "malformed")
    coding = raw.headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise _Spoilt("Content-Encoding", "compressed, though nobody asked for it")
    if int(raw.headers.get("Content-Length", 0)) > limit:
        raise _Spoilt("body", f"over {limit} bytes")
    whole = bytearray()
    # Piece by piece as they come: a read of a fixed size would wait for a drip to fill it.
    while piece := raw.read1(_PIECE, decode_content=False):
        _in_time(deadline)  # what came before the cut can still be read, chunk by tiny chunk
        whole += piece
        if len(whole) > limit:
            raise _Spoilt("body", f"over {limit} bytes")
    return bytes(whole)
