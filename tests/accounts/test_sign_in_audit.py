"""Sign-ins, sign-outs and failures are in the audit log, without passwords."""

import json

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from tests.accounts.conftest import PASSWORD, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db


def latest_audit_event(tag: AuditTag) -> AuditEvent:
    return AuditEvent.objects.filter(tag=tag).first()  # type: ignore[return-value]


def test_signing_in_and_out_are_events_with_an_address(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    client.post("/accounts/logout/")

    for tag in (AuditTag.SIGNED_IN, AuditTag.SIGNED_OUT):
        event = latest_audit_event(tag)
        assert (event.actor_id, event.actor_name) == (ada.pk, "ada@example.org")
        assert event.address == "127.0.0.1"
        assert event.organisation_id is None


def test_audit_event_names_the_person_and_the_email(client: Client, ada: User) -> None:
    User.objects.update(name="Ada Lovelace")
    sign_in(client, ada.email)

    assert latest_audit_event(AuditTag.SIGNED_IN).actor_name == "Ada Lovelace (ada@example.org)"


@pytest.mark.parametrize(
    ("login", "subject"),
    [("ada@example.org", "ada@example.org"), ("My-Secret@example.org", "my…")],
)
def test_failed_sign_in_is_an_event_and_unknown_logins_are_shortened(
    client: Client, ada: User, login: str, subject: str
) -> None:
    sign_in(client, login, "planted-wrong")
    event = latest_audit_event(AuditTag.SIGN_IN_FAILED)

    assert event.subject == subject
    assert (event.actor_id, event.actor_name) == (None, "somebody not signed in")
    assert event.details == {"step": "password"}


def test_no_password_is_recorded(client: Client, ada: User) -> None:
    sign_in(client, ada.email, "planted-wrong")
    sign_in(client, ada.email)
    rows = json.dumps(list(AuditEvent.objects.values()), default=str)

    assert "planted-wrong" not in rows
    assert PASSWORD not in rows


def test_wrong_second_factor_is_a_failed_sign_in(client: Client, ada: User) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    event = latest_audit_event(AuditTag.SIGN_IN_FAILED)

    assert (event.subject, event.details) == ("ada@example.org", {"step": "second factor"})
    assert not AuditEvent.objects.filter(tag=AuditTag.SIGNED_IN).exists()


def test_a_changed_password_is_an_event(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    client.post("/accounts/password/change/", fields)

    assert latest_audit_event(AuditTag.PASSWORD_CHANGED).actor_id == ada.pk
