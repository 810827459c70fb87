"""`doctor` meets the mail server: it connects, signs in, and sends nothing unless it is told to."""

from typing import Any

import pytest

from freddy_admin.ops.doctor import DoctorFinding, doctor_checks_run
from tests.ops.conftest import RunCommand
from tests.smtp_server import SmtpScript, mailing_by_smtp

pytestmark = pytest.mark.django_db


def mail_finding(part: str = "mail", mail_to: str = "") -> DoctorFinding:
    return next(found for found in doctor_checks_run(mail_to=mail_to) if found.part == part)


def test_doctor_meets_the_mail_server_and_sends_nothing(settings: Any) -> None:
    script = SmtpScript()
    with mailing_by_smtp(settings, script):
        finding = mail_finding()
    assert finding.ok
    assert finding.sentence == (
        f"127.0.0.1:{settings.EMAIL_PORT} answers and asks for no user. nothing waits."
    )
    assert script.connections == 1
    assert script.received == []


def test_doctor_says_that_the_mail_server_refuses_this_panel(settings: Any) -> None:
    with mailing_by_smtp(settings, SmtpScript(greeting="554 go away")):
        finding = mail_finding()
    assert not finding.ok
    assert "refuses this panel: see EMAIL_URL" in finding.sentence


def test_doctor_says_that_the_mail_server_does_not_take_the_user(settings: Any) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "freddy", "planted-password"
    with mailing_by_smtp(settings, SmtpScript()):  # it offers no sign-in
        finding = mail_finding()
    assert not finding.ok
    assert "refuses this panel: see EMAIL_URL" in finding.sentence
    assert "planted" not in finding.sentence


def test_doctor_says_that_no_mail_server_answers(settings: Any) -> None:
    with mailing_by_smtp(settings, SmtpScript()):
        pass
    finding = mail_finding()
    assert not finding.ok
    assert "The mail server does not answer" in finding.sentence


def test_doctor_says_that_mails_are_only_printed(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    finding = mail_finding()
    assert finding.ok
    assert "set EMAIL_URL to send them" in finding.sentence


def test_doctor_sends_a_mail_where_it_is_told_to(settings: Any, run_command: RunCommand) -> None:
    script = SmtpScript()
    with mailing_by_smtp(settings, script):
        result = run_command("doctor", "--send-mail", "ada@example.org")
    assert "the mail server took a mail to ada@example.org" in "\n".join(result.lines)
    ((address, text),) = script.received
    assert address == "ada@example.org"
    assert settings.PANEL_URL in text


def test_doctor_says_why_the_test_mail_was_not_taken(settings: Any) -> None:
    with mailing_by_smtp(settings, SmtpScript(replies={"ada@example.org": ["550 nobody"]})):
        finding = mail_finding("test mail", "ada@example.org")
    assert not finding.ok
    assert finding.sentence == "The mail server refuses the address."


def test_doctor_refuses_to_send_to_what_is_no_address(run_command: RunCommand) -> None:
    result = run_command("doctor", "--send-mail", "ada at example")
    assert result.code == 1
    assert result.lines == []
