"""The worker sends invitation mails and retries failed ones."""

import re
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_get_by_token,
    invitation_resend,
    invitation_withdraw,
)
from freddy_admin.organisations.models import Invitation, Organisation
from tests.mails import due_mails_send

pytestmark = pytest.mark.django_db

ANN = Actor(name="Ann Ray (ann@example.org)")
AWAY = ConnectionRefusedError("planted: 10.0.0.1 new@example.org")


@pytest.fixture
def due_invitation(organisation: Organisation) -> Invitation:
    return invitation_create(
        organisation=organisation, actor=ANN, email="new@example.org", role="operator"
    )


def sent_link() -> str:
    (token,) = re.findall(r"/invitations/([\w-]+)/", str(mail.outbox[-1].body))
    return str(token)


def clock_at(moment: object) -> object:
    return clock.override_clock(lambda: moment)  # type: ignore[arg-type, return-value]


def test_the_mail_says_who_invites_to_what_and_where(
    due_invitation: Invitation, settings: LazySettings
) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    assert due_mails_send() == 1

    (message,) = mail.outbox
    assert message.to == ["new@example.org"]
    assert message.subject == "Ann Ray invites you to Alder in Freddy Admin"
    assert "Ann Ray invites you to look after Alder in Freddy Admin, as operator." in message.body
    assert f"https://panel.example.org/invitations/{sent_link()}/\n" in message.body
    assert message.content_subtype == "plain"
    assert "ann@example.org" not in message.body


def test_the_link_is_in_the_mail_and_not_in_the_database(due_invitation: Invitation) -> None:
    due_mails_send()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM organisations_invitation")
        row = str(cursor.fetchall())

    assert sent_link() not in row
    assert len(sent_link()) == 43
    assert invitation_get_by_token(token=sent_link()) == due_invitation


def test_a_sent_invitation_is_not_sent_again(due_invitation: Invitation) -> None:
    assert [due_mails_send(), due_mails_send()] == [1, 0]
    due_invitation.refresh_from_db()
    assert due_invitation.sent_at is not None
    assert AuditEvent.objects.filter(tag=AuditTag.INVITATION_SENT).count() == 1


def test_a_failed_mail_is_retried_after_a_delay(
    due_invitation: Invitation, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(EmailBackend, "send_messages", side_effect=AWAY):
        assert due_mails_send() == 0
        assert due_mails_send() == 0
    due_invitation.refresh_from_db()
    message = OutboxMessage.objects.get()
    assert (message.attempts, due_invitation.sent_at) == (1, None)
    assert "ConnectionRefusedError" in caplog.text
    assert "planted" not in caplog.text

    with clock_at(message.next_attempt_at):  # type: ignore[attr-defined]
        assert due_mails_send() == 1
    due_invitation.refresh_from_db()
    assert due_invitation.sent_at == message.next_attempt_at
    assert not OutboxMessage.objects.exists()


def test_a_withdrawn_or_expired_invitation_is_not_sent(
    due_invitation: Invitation, organisation: Organisation
) -> None:
    with clock_at(due_invitation.expires_at + timedelta(seconds=1)):  # type: ignore[attr-defined]
        assert due_mails_send() == 0
    assert OutboxMessage.objects.exists()
    invitation_withdraw(organisation=organisation, actor=ANN, invitation_id=due_invitation.pk)
    assert due_mails_send() == 0
    assert not OutboxMessage.objects.exists()
    assert mail.outbox == []


def test_a_resent_mail_invalidates_the_former_link(
    due_invitation: Invitation, organisation: Organisation
) -> None:
    due_mails_send()
    former_token = sent_link()
    with clock_at(clock.now() + timedelta(minutes=6)):  # type: ignore[attr-defined]
        invitation_resend(organisation=organisation, actor=ANN, invitation_id=due_invitation.pk)
        assert invitation_get_by_token(token=former_token) == due_invitation
        due_mails_send()

    assert sent_link() != former_token
    assert Invitation.objects.get().digest
    with pytest.raises(Exception, match="works no longer"):
        invitation_get_by_token(token=former_token)


def test_an_invitation_resent_while_it_is_being_sent_is_sent_again(
    due_invitation: Invitation, organisation: Organisation
) -> None:
    moment = clock.now() + timedelta(minutes=6)

    def resend_meanwhile(*args: object) -> int:
        with clock_at(moment):  # type: ignore[attr-defined]
            invitation_resend(organisation=organisation, actor=ANN, invitation_id=due_invitation.pk)
        return 1

    with patch.object(EmailBackend, "send_messages", side_effect=resend_meanwhile):
        due_mails_send()
    with clock_at(moment):  # type: ignore[attr-defined]
        assert due_mails_send() == 1


def test_a_failing_mail_does_not_stop_the_others(
    due_invitation: Invitation, organisation: Organisation
) -> None:
    invitation_create(organisation=organisation, actor=ANN, email="b@example.org", role="viewer")
    send, recipients = EmailBackend.send_messages, []

    def send_messages_failing_once(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        recipients.append(messages[0].to)
        if len(recipients) == 1:
            raise ValueError("odd")
        return int(send(self, messages))

    with patch.object(EmailBackend, "send_messages", send_messages_failing_once):
        assert due_mails_send() == 1
