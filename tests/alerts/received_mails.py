"""Mails as a mail program reads them."""

from email import message_from_bytes, policy
from email.message import EmailMessage

from tests.smtp_server import SmtpScript


def mail_parse(text: str) -> EmailMessage:
    """A mail as it came over the wire."""
    mail = message_from_bytes(text.encode(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def mails_received(script: SmtpScript) -> list[EmailMessage]:
    """What the mail server took, in order."""
    return [mail_parse(text) for _address, text in script.received]


def mail_part(mail: EmailMessage, kind: str) -> str:
    """The text of its `plain` or `html` part."""
    part = mail.get_body(preferencelist=(kind,))
    assert part is not None
    return str(part.get_content())
