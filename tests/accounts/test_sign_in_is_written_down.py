"""Who came, who left, who failed: in the audit log, and no password with it."""

import json

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from tests.accounts.conftest import PASSWORD, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db


def latest(tag: Tag) -> AuditEvent:
    return AuditEvent.objects.filter(tag=tag).first()  # type: ignore[return-value]


def test_signing_in_and_out_are_events_with_an_address(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    client.post("/accounts/logout/")

    for tag in (Tag.SIGNED_IN, Tag.SIGNED_OUT):
        event = latest(tag)
        assert (event.actor_id, event.actor_name) == (ada.pk, "ada@example.org")
        assert event.address == "127.0.0.1"
        assert event.organisation_id is None


def test_a_name_stands_beside_the_address(client: Client, ada: User) -> None:
    User.objects.update(name="Ada Lovelace")
    sign_in(client, ada.email)

    assert latest(Tag.SIGNED_IN).actor_name == "Ada Lovelace (ada@example.org)"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("ada@example.org", "ada@example.org"), ("My-Secret@example.org", "my…")],
)
def test_a_failure_is_an_event_and_unknown_addresses_are_cut(
    client: Client, ada: User, typed: str, kept: str
) -> None:
    sign_in(client, typed, "planted-wrong")
    event = latest(Tag.SIGN_IN_FAILED)

    assert event.subject == kept
    assert (event.actor_id, event.actor_name) == (None, "somebody not signed in")
    assert event.details == {"step": "password"}


def test_no_password_is_written_down(client: Client, ada: User) -> None:
    sign_in(client, ada.email, "planted-wrong")
    sign_in(client, ada.email)
    rows = json.dumps(list(AuditEvent.objects.values()), default=str)

    assert "planted-wrong" not in rows
    assert PASSWORD not in rows


def test_a_wrong_second_factor_is_a_failure_too(client: Client, ada: User) -> None:
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    event = latest(Tag.SIGN_IN_FAILED)

    assert (event.subject, event.details) == ("ada@example.org", {"step": "second factor"})
    assert not AuditEvent.objects.filter(tag=Tag.SIGNED_IN).exists()


def test_a_changed_password_is_an_event(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    client.post("/accounts/password/change/", fields)

    assert latest(Tag.PASSWORD_CHANGED).actor_id == ada.pk
