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
    RequestTimedOut,
    RequestWithheld,
    UnreadableResponse,
)

_WRAPPER_EXCEPTIONS = requests.RequestException  # an OSError by descent, whatever it wraps
_TIMEOUT_KINDS = {FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT}


@dataclass(frozen=True, slots=True)
class ExchangeFailure:
    """Why an exchange brought no response; becomes an error once no handler is active."""

    kind: FailureKind
    field: str = ""
    detail: str = ""
    http_status: int | None = None  # where the head of the response could be read

    def to_aitronos_error(self) -> AitronosError:
        """The typed error, with nothing hanging on to it."""
        if self.kind is FailureKind.UNREADABLE_ANSWER:
            return UnreadableResponse(
                self.kind, field=self.field, detail=self.detail, http_status=self.http_status
            )
        if self.kind is FailureKind.WITHHELD:
            return RequestWithheld(self.kind)
        if self.kind in _TIMEOUT_KINDS:
            return RequestTimedOut(self.kind)
        return ConnectionFailed(self.kind, detail=self.detail)


def exchange_failure_from_exception(error: BaseException) -> ExchangeFailure:
    """The failure behind a library's exception."""
    chain = _exception_chain(error)
    if any(
        isinstance(exception, ssl.SSLError | urllib3.exceptions.SSLError) for exception in chain
    ):
        return _tls_failure_from_chain(chain)
    for exception in chain:
        failure = _failure_from_single_exception(exception)
        if failure is not None:
            return failure
    if any(
        isinstance(exception, OSError) and not isinstance(exception, _WRAPPER_EXCEPTIONS)
        for exception in chain
    ):
        return ExchangeFailure(FailureKind.CONNECTION_LOST)
    # Nothing that a connection does: the bytes that came were too strange for a library.
    return ExchangeFailure(FailureKind.UNREADABLE_ANSWER, "headers", type(error).__name__)


def _failure_from_single_exception(exception: BaseException) -> ExchangeFailure | None:
    if isinstance(exception, http.client.IncompleteRead | urllib3.exceptions.IncompleteRead):
        return ExchangeFailure(FailureKind.UNREADABLE_ANSWER, "body", "truncated", 200)
    if isinstance(exception, requests.exceptions.ReadTimeout | urllib3.exceptions.ReadTimeoutError):
        return ExchangeFailure(FailureKind.READ_TIMEOUT)
    if isinstance(exception, ConnectionError):
        return ExchangeFailure(FailureKind.CONNECTION_LOST)
    if isinstance(exception, http.client.HTTPException):
        return ExchangeFailure(FailureKind.UNREADABLE_ANSWER, "headers", type(exception).__name__)
    return None


def _tls_failure_from_chain(chain: list[BaseException]) -> ExchangeFailure:
    for exception in chain:
        if isinstance(exception, ssl.SSLCertVerificationError):
            return ExchangeFailure(
                FailureKind.TLS, detail=str(getattr(exception, "verify_message", ""))[:120]
            )
    if any(isinstance(exception, ssl.SSLEOFError | ssl.SSLZeroReturnError) for exception in chain):
        return ExchangeFailure(FailureKind.CONNECTION_LOST)
    return ExchangeFailure(FailureKind.TLS, detail="no secure connection could be agreed on")


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
