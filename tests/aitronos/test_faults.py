"""What a library raises, whatever it is wrapped in, becomes one kind of fault."""

import errno
import http.client
import socket
import ssl

import pytest
import requests
import urllib3

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.aitronos.faults import fault_of

Kind = FailureKind


def wrapped(error: Exception) -> Exception:
    """As `requests` and `urllib3` pass it on."""
    return requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", error))


@pytest.mark.parametrize("wrap", [lambda error: error, wrapped], ids=["bare", "wrapped"])
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
def test_the_kind_is_that_of_what_really_happened(
    error: Exception, kind: FailureKind, wrap: type[Exception]
) -> None:
    assert fault_of(wrap(error)).kind is kind


def test_a_bare_error_of_requests_is_no_lost_connection() -> None:
    fault = fault_of(requests.exceptions.InvalidHeader("x"))
    assert (fault.kind, fault.detail) == (Kind.UNREADABLE_ANSWER, "InvalidHeader")


def test_an_error_that_names_itself_as_its_cause_ends() -> None:
    error = ValueError("x")
    error.__cause__ = error
    other = requests.ConnectionError(error, error)
    error.args = (other,)
    assert fault_of(other).kind is Kind.UNREADABLE_ANSWER
