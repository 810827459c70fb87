"""What a mail server answers to mails about incidents, and what becomes of them."""

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import (
    Channel,
    DeliveryKind,
    DeliveryState,
    Incident,
    Message,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Role
from tests.alerts.conftest import HandClock
from tests.alerts.mail_fixtures import (
    incident,
    manager,
    send_and_read,
    smtp,
)
from tests.alerts.message_factories import (
    alert_mails_send,
    incident_create,
    message_create,
)
from tests.alerts.received_mails import mail_part
from tests.people import member_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

__all__ = ["incident", "manager", "smtp"]

OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED


# --- Mail servers (case 21) ------------------------------------------------------------------
def test_mail_server_that_refuses_the_words_takes_a_link_alone(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    smtp.data_replies = ["550 5.7.1 that word"]
    message = message_create(manager, [incident])
    mail = send_and_read(smtp)
    message.refresh_from_db()
    assert message.state == DeliveryState.SENT
    assert (
        message.answer
        == "The mail server refused the words of this mail; it took one with the link alone."
    )
    assert mail["message-id"] == f"<{message.uid}@localhost>"
    assert "Alder" not in mail.as_string()
    assert "Overdue" not in mail.as_string()
    assert "/alerts/" in mail_part(mail, "plain")


def test_mail_server_that_refuses_every_word_ends_this_mail_and_no_other(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    smtp.data_reply = "550 5.7.1 never"
    message = message_create(manager, [incident])
    assert alert_mails_send() == 0
    message.refresh_from_db()
    assert (message.state, message.reason) == (DeliveryState.GIVEN_UP, "mail_refused")
    assert Channel.objects.get(user=manager).disabled_at is None

    smtp.data_reply = "250 taken"
    message_create(manager, [incident_create(incident.organisation)])
    assert alert_mails_send() == 1


def test_refused_recipient_holds_up_no_other(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    other = member_create(incident.organisation, "otto", Role.MANAGER)
    smtp.replies["mona@example.org"] = ["550 5.1.1 nobody here"]
    refused, taken = message_create(manager, [incident]), message_create(other, [incident])
    assert alert_mails_send() == 1
    refused.refresh_from_db()
    taken.refresh_from_db()
    assert (refused.state, refused.reason) == (DeliveryState.GIVEN_UP, "address_refused")
    assert taken.state == DeliveryState.SENT
    assert smtp.counts() == {"otto@example.org": 1}


def test_retry_sends_the_same_mail_under_the_same_id(
    manager: User, incident: Incident, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    smtp.data_replies = ["451 later"]
    message = message_create(manager, [incident])
    assert alert_mails_send() == 0
    message.refresh_from_db()
    frozen = message.body
    Organisation.objects.filter(pk=incident.organisation_id).update(name="Renamed")
    hand_clock.advance(minutes=1)
    mail = send_and_read(smtp)
    message.refresh_from_db()
    assert message.body == frozen
    assert mail["message-id"] == f"<{message.uid}@localhost>"
    assert "Alder" in str(mail["subject"])


def test_mail_server_that_hangs_is_waited_for_no_longer_than_the_limit(
    manager: User, incident: Incident, settings: LazySettings, hand_clock: HandClock
) -> None:
    with mailing_by_smtp(settings, SmtpScript(is_hanging=True)):
        message = message_create(manager, [incident])
        assert alert_mails_send() == 0
    message.refresh_from_db()
    assert message.reason == "no_answer"
    assert message.state in {DeliveryState.FAILED, DeliveryState.MAY_HAVE_ARRIVED}


@pytest.mark.parametrize("setting", ["EMAIL_USE_SSL", "EMAIL_USE_TLS"])
def test_mail_server_without_proper_tls_is_said_to_be_that(
    setting: str, manager: User, incident: Incident, smtp: SmtpScript, settings: LazySettings
) -> None:
    setattr(settings, setting, True)
    message = message_create(manager, [incident])
    assert alert_mails_send() == 0
    message.refresh_from_db()
    assert message.reason == "tls_failed"
    assert smtp.received == []


def test_address_of_this_moment_gets_the_mail(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident])
    User.objects.filter(pk=manager.pk).update(email="new@example.org")
    assert alert_mails_send() == 1
    assert smtp.counts() == {"new@example.org": 1}
    assert Message.objects.get().state == DeliveryState.SENT
