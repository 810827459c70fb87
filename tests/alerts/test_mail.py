"""Mails about incidents, on their way through a real mail server."""

import re

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.messages.content import message_content
from freddy_admin.alerts.models import (
    CauseKind,
    DeliveryKind,
    DeliveryState,
    Incident,
)
from freddy_admin.alerts.preferences import PreferenceValues, preferences_update
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import NothingToSend
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.conftest import ACTOR, HandClock, MakeKey, keys_create
from tests.alerts.mail_fixtures import (
    all_mails_send,
    incident,
    manager,
    send_and_read,
    smtp,
)
from tests.alerts.message_factories import (
    alert_mails_send,
    cause_create,
    incident_create,
    incident_end,
    message_create,
)
from tests.alerts.received_mails import mail_part, mails_received
from tests.smtp_server import SmtpScript

__all__ = ["incident", "manager", "smtp"]

OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED


def test_mail_says_what_happened_since_when_whose_move_it_is_and_where_to_look(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident])
    mail = send_and_read(smtp)
    assert mail["to"] == "mona@example.org"
    assert mail["subject"] == f"Alder: Overdue (incident {incident.pk})"
    for kind in ("plain", "html"):
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", mail_part(mail, kind)))
        assert "Action needed" in text
        assert "Alder: Overdue" in text
        assert "API key: Nightly" in text
        assert "A planned sync is missing." in text
        assert "Since 2 Mar 2026, 17:30:00 IST." in text
        assert "An operator starts a sync." in text
        assert "Times are those of Asia/Kolkata." in text
        assert f"/organisations/alder/incidents/{incident.pk}/" in mail_part(mail, kind)


def test_end_says_since_when_it_is_well_and_how_long_it_was_not(
    manager: User, incident: Incident, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    hand_clock.advance(hours=3)
    message_create(manager, [incident_end(incident)], RESOLVED)
    mail = send_and_read(smtp)
    assert mail["subject"] == f"Resolved: Alder: Overdue (incident {incident.pk})"
    text = mail_part(mail, "plain")
    assert "Well again since 2 Mar 2026, 20:30:00 IST. It lasted 3 h." in text
    assert "operator" not in text  # nobody's move any more


def test_refusal_is_told_by_its_code(
    manager: User, organisation: Organisation, make_key: MakeKey, smtp: SmtpScript
) -> None:
    refusal = {"error_kind": "key_not_permitted", "error_http_status": 403}
    code = "NO_ORGANIZATION_MEMBERSHIP"
    state = HealthState.KEY_NOT_PERMITTED
    incident = incident_create(organisation, make_key(), state=state, error_code=code, **refusal)
    message_create(manager, [incident])
    text = mail_part(send_and_read(smtp), "plain")
    assert "does not belong to this organisation at Aitronos" in text
    assert "A manager pastes a key that was made in the right organisation" in text


@pytest.mark.parametrize(
    ("error_kind", "advice"),
    [
        ("spending_limit", "Raise the spending limit at Aitronos."),
        ("firewall", "Ask whether this panel's address is allowed to reach Aitronos."),
        ("read_timeout", "Nothing for you to do: we keep trying."),
        ("server_error", "Nothing for you to do: we keep trying."),
    ],
)
def test_failure_that_somebody_can_end_says_how(
    error_kind: str,
    advice: str,
    manager: User,
    organisation: Organisation,
    make_key: MakeKey,
    smtp: SmtpScript,
) -> None:
    state = HealthState.UNKNOWN
    incident = incident_create(organisation, make_key(), state=state, error_kind=error_kind)
    message_create(manager, [incident])
    assert advice in mail_part(send_and_read(smtp), "plain")


@pytest.mark.parametrize("kind", CauseKind)
def test_one_cause_is_said_once_over_all_that_it_reached(
    kind: CauseKind,
    manager: User,
    organisation: Organisation,
    smtp: SmtpScript,
) -> None:
    incidents = [
        incident_create(organisation, key, state=HealthState.UNKNOWN)
        for key in keys_create([f"Key {n}" for n in range(52)], at=organisation)
    ]
    cause = cause_create(kind)
    message_create(manager, incidents, cause=cause)
    mail = send_and_read(smtp)
    assert (
        mail["subject"]
        == f"{kind.label[0].upper()}{kind.label[1:]}: 52 incidents (cause {cause.pk})"
    )
    text = mail_part(mail, "plain")
    assert "And 2 more incidents." in text
    assert "/alerts/" in text

    message_create(manager, [incident_end(one) for one in incidents], RESOLVED, cause)
    end = send_and_read(smtp)
    assert end["subject"] == f"Resolved: {mail['subject']}"
    assert "again" in mail_part(end, "plain") or "no longer" in mail_part(end, "plain")
    assert end["references"] == mail["message-id"]


def test_mail_about_many_incidents_is_read_in_few_statements(
    manager: User,
    organisation: Organisation,
    django_assert_max_num_queries: pytest.FixtureRequest,
) -> None:
    incidents = [
        incident_create(organisation, key)
        for key in keys_create([f"Key {n}" for n in range(20)], at=organisation)
    ]
    message = message_create(manager, incidents)
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        content = message_content(message)
    assert content.count == 20
    assert content.title.as_text(None) == (
        f"Alder and 19 more incidents (incident {incidents[0].pk})"
    )


def test_pretend_incident_says_that_it_is_one(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident], is_test=True)
    mail = send_and_read(smtp)
    assert str(mail["subject"]).startswith("Test: ")
    assert "nothing has to be done about it" in mail_part(mail, "plain")


# --- Whose mail it is -----------------------------------------------------------
def test_reader_learns_of_no_organisation_that_they_may_not_see(
    manager: User,
    incident: Incident,
    other_organisation: Organisation,
    smtp: SmtpScript,
) -> None:
    foreign = incident_create(other_organisation)
    message = message_create(manager, [incident, foreign])
    mail = send_and_read(smtp)
    assert other_organisation.name not in mail.as_string()
    assert mail["subject"] == f"Alder: Overdue (incident {incident.pk})"

    Membership.objects.filter(user=manager).delete()
    with pytest.raises(NothingToSend):
        message_content(message)


@pytest.mark.parametrize("how", ["unsubscribed", "left", "deactivated", "removed"])
def test_person_who_is_gone_gets_nothing(
    how: str, manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message = message_create(manager, [incident])
    leave(manager, how)
    assert alert_mails_send() == 0
    assert smtp.received == []
    assert not OutboxMessage.objects.exists()
    if how != "removed":
        message.refresh_from_db()
        assert message.state == DeliveryState.DROPPED


@pytest.mark.parametrize("how", ["unsubscribed", "left", "deactivated"])
def test_person_who_goes_between_two_attempts_gets_nothing(
    how: str, manager: User, incident: Incident, smtp: SmtpScript, hand_clock: HandClock
) -> None:
    smtp.replies["mona@example.org"] = ["451 later"]
    message = message_create(manager, [incident])
    assert alert_mails_send() == 0
    leave(manager, how)
    hand_clock.advance(minutes=1)
    alert_mails_send()
    assert smtp.received == []
    message.refresh_from_db()
    assert message.state == DeliveryState.DROPPED


def test_retry_to_somebody_who_left_an_organisation_tells_of_the_others_alone(
    manager: User,
    incident: Incident,
    other_organisation: Organisation,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    Membership.objects.create(
        organisation=other_organisation, user=manager, role="manager", created_at=hand_clock.at
    )
    smtp.replies["mona@example.org"] = ["451 later"]
    message = message_create(manager, [incident, incident_create(other_organisation)])
    assert alert_mails_send() == 0
    Membership.objects.filter(organisation=other_organisation).delete()
    hand_clock.advance(minutes=1)
    mail = send_and_read(smtp)
    assert other_organisation.name not in mail.as_string()
    assert str(message.uid) in mail["message-id"]
    assert incident.organisation.name in mail.as_string()


def leave(user: User, how: str) -> None:
    if how == "removed":
        user.delete()
    elif how == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif how == "left":
        Membership.objects.filter(user=user).delete()
    else:
        values = PreferenceValues(
            gets_mail=False,
            quiet_from=None,
            quiet_until=None,
            digest="none",
            digest_hour=8,
            digest_weekday=0,
            digest_skips_quiet=True,
        )
        preferences_update(actor=ACTOR, user=user, values=values)


# --- Threads and subjects (case 32) ------------------------------------------------
def test_incident_has_one_thread_and_no_two_subjects_are_the_same(
    manager: User,
    incident: Incident,
    organisation: Organisation,
    make_key: MakeKey,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    other = incident_create(organisation, make_key("Daily"))
    first = message_create(manager, [incident])
    message_create(manager, [other])
    message_create(manager, [incident], REMINDER)
    all_mails_send(hand_clock)
    message_create(manager, [incident_end(incident)], RESOLVED)
    message_create(manager, [incident_end(other)], RESOLVED)
    all_mails_send(hand_clock)
    opened, other_opened, reminder, resolved, other_resolved = mails_received(smtp)
    subjects = {mail["subject"] for mail in mails_received(smtp)}
    assert len(subjects) == 5
    assert opened["message-id"] == f"<{first.uid}@localhost>"
    assert opened["references"] is None
    for mail in (reminder, resolved):
        assert mail["references"] == mail["in-reply-to"] == opened["message-id"]
    assert other_resolved["references"] == other_opened["message-id"]
    assert len({mail["message-id"] for mail in mails_received(smtp)}) == 5


def test_mail_about_incidents_of_several_threads_joins_none(
    manager: User,
    incident: Incident,
    organisation: Organisation,
    make_key: MakeKey,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    other = incident_create(organisation, make_key("Daily"))
    message_create(manager, [incident])
    message_create(manager, [other])
    message_create(manager, [incident_end(incident), incident_end(other)], RESOLVED)
    all_mails_send(hand_clock)
    mails = mails_received(smtp)
    assert mails[-1]["references"] is None
    assert len({mail["subject"] for mail in mails}) == 3


def test_incidents_that_were_told_together_end_in_that_thread(
    manager: User,
    incident: Incident,
    organisation: Organisation,
    make_key: MakeKey,
    smtp: SmtpScript,
    hand_clock: HandClock,
) -> None:
    other = incident_create(organisation, make_key("Daily"))
    message_create(manager, [incident, other])
    message_create(manager, [incident_end(incident)], RESOLVED)
    all_mails_send(hand_clock)
    together, end = mails_received(smtp)
    assert end["references"] == together["message-id"]


def test_first_message_of_a_cause_that_ends_begins_a_thread(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident], cause=cause_create())
    assert send_and_read(smtp)["references"] is None


# --- Headers ------------------------------------------------------------------------
def test_mail_is_left_with_one_click_and_answers_nobody(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident])
    mail = send_and_read(smtp)
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"<https?://[^/]+/unsubscribe/[^/]+/>", mail["list-unsubscribe"].strip())
    assert mail["auto-submitted"] == "auto-generated"
    unsubscribe = mail["list-unsubscribe"].strip(" <>")
    assert unsubscribe in mail_part(mail, "plain")
    assert unsubscribe in mail_part(mail, "html")


def test_html_loads_nothing_and_keeps_its_dark_look(
    manager: User, incident: Incident, smtp: SmtpScript
) -> None:
    message_create(manager, [incident])
    html = mail_part(send_and_read(smtp), "html")
    assert not re.search(r"<(img|link|script|iframe|object)\b|url\(|@import|\bsrc=", html)
    assert "@media (prefers-color-scheme: dark)" in html
    assert 'name="color-scheme" content="light dark"' in html
    assert re.search(r'<h1 style="[^"]+"', html)  # programs that drop the head keep the look
