"""The worker sends invitations; a mail server that is away costs nothing but time."""

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
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.organisations.invitation_mail import back_off, invitations_send_due
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_find,
    invitation_resend,
    invitation_withdraw,
)
from freddy_admin.organisations.models import Invitation, Organisation

pytestmark = pytest.mark.django_db

ANN = Actor(name="Ann Ray (ann@example.org)")
AWAY = ConnectionRefusedError("planted: 10.0.0.1 new@example.org")


@pytest.fixture
def waiting(organisation: Organisation) -> Invitation:
    return invitation_create(
        organisation=organisation, actor=ANN, email="new@example.org", role="operator"
    )


def link() -> str:
    (found,) = re.findall(r"/invitations/([\w-]+)/", str(mail.outbox[-1].body))
    return str(found)


def at(moment: object) -> object:
    return clock.using(lambda: moment)  # type: ignore[arg-type, return-value]


def test_the_mail_says_who_invites_to_what_and_where(
    waiting: Invitation, settings: LazySettings
) -> None:
    settings.PANEL_URL = "https://panel.example.org"
    assert invitations_send_due() == 1

    (message,) = mail.outbox
    assert message.to == ["new@example.org"]
    assert message.subject == "Ann Ray invites you to Acme in Freddy Admin"
    assert "Ann Ray invites you to look after Acme in Freddy Admin, as operator." in message.body
    assert f"https://panel.example.org/invitations/{link()}/\n" in message.body
    assert message.content_subtype == "plain"
    assert "ann@example.org" not in message.body


def test_the_link_is_known_to_the_mail_alone(waiting: Invitation) -> None:
    invitations_send_due()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM organisations_invitation")
        row = str(cursor.fetchall())

    assert link() not in row
    assert len(link()) == 43
    assert invitation_find(token=link()) == waiting


def test_once_sent_it_is_not_sent_again(waiting: Invitation) -> None:
    assert [invitations_send_due(), invitations_send_due()] == [1, 0]
    waiting.refresh_from_db()
    assert waiting.sent_at is not None
    assert AuditEvent.objects.filter(tag=Tag.INVITATION_SENT).count() == 1


def test_a_mail_server_that_is_away_is_tried_again_later_and_later(
    waiting: Invitation, caplog: pytest.LogCaptureFixture
) -> None:
    with patch.object(EmailBackend, "send_messages", side_effect=AWAY):
        assert invitations_send_due() == 0
        assert invitations_send_due() == 0
    waiting.refresh_from_db()
    assert (waiting.attempts, waiting.sent_at) == (1, None)
    assert "ConnectionRefusedError" in caplog.text
    assert "planted" not in caplog.text

    with at(waiting.next_attempt_at):  # type: ignore[attr-defined]
        assert invitations_send_due() == 1
    waiting.refresh_from_db()
    assert (waiting.attempts, waiting.next_attempt_at) == (2, None)


def test_the_wait_doubles_to_four_hours() -> None:
    minutes = [back_off(attempts) / timedelta(minutes=1) for attempts in (1, 2, 3, 8, 9, 10**6)]

    assert minutes == [1, 2, 4, 128, 240, 240]


def test_one_that_is_withdrawn_or_expired_is_not_sent(
    waiting: Invitation, organisation: Organisation
) -> None:
    with at(waiting.expires_at):  # type: ignore[attr-defined]
        assert invitations_send_due() == 0
    invitation_withdraw(organisation=organisation, actor=ANN, invitation_id=waiting.pk)
    assert invitations_send_due() == 0
    assert mail.outbox == []


def test_the_link_of_a_former_mail_ends_with_the_next_one(
    waiting: Invitation, organisation: Organisation
) -> None:
    invitations_send_due()
    first = link()
    with at(clock.now() + timedelta(minutes=6)):  # type: ignore[attr-defined]
        invitation_resend(organisation=organisation, actor=ANN, invitation_id=waiting.pk)
        assert invitation_find(token=first) == waiting
        invitations_send_due()

    assert link() != first
    assert Invitation.objects.get().digest
    with pytest.raises(Exception, match="works no longer"):
        invitation_find(token=first)


def test_asked_for_anew_while_it_goes_out_it_goes_out_once_more(
    waiting: Invitation, organisation: Organisation
) -> None:
    moment = clock.now() + timedelta(minutes=6)

    def asked_meanwhile(*args: object) -> int:
        with at(moment):  # type: ignore[attr-defined]
            invitation_resend(organisation=organisation, actor=ANN, invitation_id=waiting.pk)
        return 1

    with patch.object(EmailBackend, "send_messages", side_effect=asked_meanwhile):
        invitations_send_due()
    with at(moment):  # type: ignore[attr-defined]
        assert invitations_send_due() == 1


def test_one_that_breaks_holds_up_no_other(waiting: Invitation, organisation: Organisation) -> None:
    invitation_create(organisation=organisation, actor=ANN, email="b@example.org", role="viewer")
    send, seen = EmailBackend.send_messages, []

    def breaks(self: EmailBackend, messages: list[mail.EmailMessage]) -> int:
        seen.append(messages[0].to)
        if len(seen) == 1:
            raise ValueError("odd")
        return int(send(self, messages))

    with patch.object(EmailBackend, "send_messages", breaks):
        assert invitations_send_due() == 1
