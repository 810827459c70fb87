"""Mails of the outbox: sent through Django's backend, every failure told by its kind."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Final

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.smtp import EmailBackend

from freddy_admin.core.outbox import NotSent

MAIL_LANE: Final = "mail"


class MailFailure(StrEnum):
    """Why a mail was not sent."""

    ADDRESS_REFUSED = "address_refused"
    MAIL_REFUSED = "mail_refused"
    PANEL_REFUSED = "panel_refused"  # sender, user and password, or the panel's address
    DEFERRED = "deferred"
    NO_ANSWER = "no_answer"
    TLS = (
        "tls_failed"  # the mail server speaks none where we expect it, or shows no good certificate
    )


# What the receiver has to say of one mail, and nothing of the mail server's or the panel's state.
RECEIVER_FAILURES: Final = frozenset({MailFailure.ADDRESS_REFUSED, MailFailure.MAIL_REFUSED})


def mail_send(message: EmailMessage) -> None:
    """Send a mail to one address; raises NotSent.

    A 5xx for the address or the mail is permanent. One for the panel itself is not: the operator
    may correct EMAIL_URL or DEFAULT_FROM_EMAIL.
    """
    with _failures_as_not_sent():
        message.connection = get_connection()
        try:
            message.send()
        finally:
            # Where a connection was made and then failed, Django leaves it open.
            with suppress(smtplib.SMTPException, OSError):
                message.connection.close()


def mail_server_probe() -> str:
    """Connect with the mail server, greet it, sign in where a user is set, and send nothing.

    Returns its address; "" where mails are not sent by SMTP but printed or kept. Raises NotSent.
    """
    mail_connection = get_connection()
    if not isinstance(mail_connection, EmailBackend):
        return ""
    with _failures_as_not_sent():
        try:
            mail_connection.open()
        finally:
            mail_connection.close()
    return f"{mail_connection.host}:{mail_connection.port}"


@contextmanager
def _failures_as_not_sent() -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _text in error.recipients.values()]
        raise _not_sent(MailFailure.ADDRESS_REFUSED, min(codes, default=0)) from error
    except smtplib.SMTPDataError as error:
        raise _not_sent(MailFailure.MAIL_REFUSED, error.smtp_code) from error
    except smtplib.SMTPResponseException as error:
        is_deferred = 400 <= error.smtp_code < 500
        reason = MailFailure.DEFERRED if is_deferred else MailFailure.PANEL_REFUSED
        raise NotSent(reason) from error
    except smtplib.SMTPServerDisconnected as error:
        raise NotSent(MailFailure.NO_ANSWER) from error
    except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
        raise NotSent(_unsupported(error)) from error
    except smtplib.SMTPException as error:
        raise NotSent(MailFailure.PANEL_REFUSED) from error
    except OSError as error:
        raise _service_failure(error) or NotSent(MailFailure.NO_ANSWER) from error
    except Exception as error:
        # Of django-anymail, which is installed where it is used alone.
        if type(error).__name__ == "AnymailRecipientsRefused":
            raise NotSent(MailFailure.ADDRESS_REFUSED, is_permanent=True) from error
        raise


def _service_failure(error: OSError) -> NotSent | None:
    """What a sending service answered over HTTP; None where the error holds no answer."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if not isinstance(status, int):
        return None
    if status in {401, 403}:
        return NotSent(MailFailure.PANEL_REFUSED)
    if 400 <= status < 500 and status not in {408, 429}:
        return NotSent(MailFailure.MAIL_REFUSED, is_permanent=True)
    return NotSent(MailFailure.DEFERRED)


def _unsupported(error: Exception) -> MailFailure:
    """TLS, unless it is something else that the mail server does not offer: signing in, say."""
    is_tls = isinstance(error, ssl.SSLError) or "STARTTLS" in str(error)
    return MailFailure.TLS if is_tls else MailFailure.PANEL_REFUSED


def _not_sent(reason: MailFailure, code: int) -> NotSent:
    if 500 <= code < 600:
        return NotSent(reason, is_permanent=True)
    return NotSent(MailFailure.DEFERRED)
