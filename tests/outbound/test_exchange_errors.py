"""What a library raises, whatever it is wrapped in, becomes one kind of failure."""

import errno
import http.client
import socket
import ssl

import pytest
import requests
import urllib3

from freddy_admin.outbound.errors import TransportFailure
from freddy_admin.outbound.exchange import error_from_exception

Kind = TransportFailure


def wrap_exception(error: Exception) -> Exception:
    """The exception wrapped as `requests` and `urllib3` wrap it."""
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", error))


@pytest.mark.parametrize("wrap", [lambda error: error, wrap_exception], ids=["bare", "wrapped"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError(104, "reset"), Kind.CONNECTION_LOST),
        (BrokenPipeError(32, "pipe"), Kind.CONNECTION_LOST),
        (http.client.RemoteDisconnected("gone"), Kind.CONNECTION_LOST),
        (OSError(errno.EHOSTUNREACH, "no route to host"), Kind.CONNECTION_LOST),
        (OSError(errno.EBADF, "bad descriptor"), Kind.CONNECTION_LOST),
        (socket.gaierror(-2, "no name"), Kind.CONNECTION_LOST),
        (http.client.IncompleteRead(b""), Kind.UNREADABLE_ANSWER),
        (http.client.BadStatusLine("x"), Kind.UNREADABLE_ANSWER),
        (http.client.LineTooLong("header"), Kind.UNREADABLE_ANSWER),
        (ValueError("x"), Kind.UNREADABLE_ANSWER),
        (ssl.SSLEOFError(8, "eof"), Kind.CONNECTION_LOST),
        (ssl.SSLZeroReturnError(6, "closed"), Kind.CONNECTION_LOST),
        (ssl.SSLError(1, "handshake failure"), Kind.TLS),
        (ssl.SSLCertVerificationError(1, "certificate"), Kind.TLS),
    ],
    ids=repr,
)
def test_failure_kind_is_that_of_the_underlying_exception(
    error: Exception, kind: TransportFailure, wrap: type[Exception]
) -> None:
    assert error_from_exception(wrap(error)).kind is kind


def test_bare_requests_exception_is_no_lost_connection() -> None:
    failure = error_from_exception(requests.exceptions.InvalidHeader("x"))
    assert (failure.kind, failure.detail) == (Kind.UNREADABLE_ANSWER, "InvalidHeader")


def test_exception_chain_with_a_cycle_ends() -> None:
    error = ValueError("x")
    error.__cause__ = error
    wrapping = requests.ConnectionError(error, error)
    error.args = (wrapping,)
    assert error_from_exception(wrapping).kind is Kind.UNREADABLE_ANSWER
