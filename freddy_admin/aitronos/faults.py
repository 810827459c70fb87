"""What the libraries' exceptions mean: read here and left behind, for they hold the request."""

import http.client
import ssl
from dataclasses import dataclass

import requests
import urllib3

from freddy_admin.aitronos.errors import (
    AitronosError,
    ConnectionFailed,
    FailureKind,
    TimedOut,
    UnreadableAnswer,
    Withheld,
)

_WRAPPERS = requests.RequestException  # an OSError by descent, whatever it wraps
_TIMEOUTS = {FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an exchange brought no answer; becomes an error once no handler is active."""

    kind: FailureKind
    field: str = ""
    detail: str = ""
    http_status: int | None = None  # where the head of the answer could be read

    def error(self) -> AitronosError:
        """The typed error, with nothing hanging on to it."""
        if self.kind is FailureKind.UNREADABLE_ANSWER:
            return UnreadableAnswer(
                self.kind, field=self.field, detail=self.detail, http_status=self.http_status
            )
        if self.kind is FailureKind.WITHHELD:
            return Withheld(self.kind)
        if self.kind in _TIMEOUTS:
            return TimedOut(self.kind)
        return ConnectionFailed(self.kind, detail=self.detail)


def fault_of(error: BaseException) -> Fault:
    """The fault behind a library's error."""
    family = _family(error)
    if any(isinstance(one, ssl.SSLError | urllib3.exceptions.SSLError) for one in family):
        return _tls_fault(family)
    for one in family:
        fault = _fault_of_one(one)
        if fault is not None:
            return fault
    if any(isinstance(one, OSError) and not isinstance(one, _WRAPPERS) for one in family):
        return Fault(FailureKind.CONNECTION_LOST)
    # Nothing that a connection does: the bytes that came were too strange for a library.
    return Fault(FailureKind.UNREADABLE_ANSWER, "headers", type(error).__name__)


def _fault_of_one(one: BaseException) -> Fault | None:
    if isinstance(one, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead):
        return Fault(FailureKind.UNREADABLE_ANSWER, "body", "truncated", 200)
    if isinstance(one, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return Fault(FailureKind.READ_TIMEOUT)
    if isinstance(one, ConnectionError):
        return Fault(FailureKind.CONNECTION_LOST)
    if isinstance(one, http.client.HTTPException):
        return Fault(FailureKind.UNREADABLE_ANSWER, "headers", type(one).__name__)
    return None


def _tls_fault(family: list[BaseException]) -> Fault:
    for one in family:
        if isinstance(one, ssl.SSLCertVerificationError):
            return Fault(FailureKind.TLS, detail=str(getattr(one, "verify_message", ""))[:120])
    if any(isinstance(one, ssl.SSLEOFError | ssl.SSLZeroReturnError) for one in family):
        return Fault(FailureKind.CONNECTION_LOST)
    return Fault(FailureKind.TLS, detail="no secure connection could be agreed on")


def _family(error: BaseException) -> list[BaseException]:
    """The error, what it wraps and what it came from, nearest first; bounded."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 20:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or any(one is known for known in found):
            continue
        found.append(one)
        waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]
    return found
