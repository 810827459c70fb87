"""Platform admins administer people; the last platform admin cannot be removed."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from freddy_admin.accounts.api_tokens import api_token_create
from freddy_admin.accounts.models import ApiToken, SavedView, User
from freddy_admin.accounts.people import (
    admin_create,
    person_delete,
    person_get,
    person_ids_with_second_factor,
    person_set_active,
    person_set_platform_admin,
    second_factors_list,
)
from freddy_admin.accounts.saved_views import saved_view_save
from freddy_admin.accounts.session_list import sessions_delete
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, NotFound
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/?next=/"


@pytest.fixture
def second_admin(admin: User) -> User:
    return admin_create(actor=ACTOR, email="second@example.org", password=PASSWORD)


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_person_becomes_a_platform_admin_and_is_one_no_longer(ada: User, admin: User) -> None:
    for is_admin, tag in ((True, AuditTag.ADMIN_MADE), (False, AuditTag.ADMIN_UNMADE)):
        person_set_platform_admin(actor=ACTOR, person_id=ada.pk, is_admin=is_admin)
        person_set_platform_admin(actor=ACTOR, person_id=ada.pk, is_admin=is_admin)
        assert person_get(person_id=ada.pk).is_platform_admin is is_admin
        assert AuditEvent.objects.get(tag=tag).subject == ada.email


def test_the_last_platform_admin_stays_whatever_is_tried(ada: User, admin: User) -> None:
    calls: list[Any] = [
        lambda pk: person_set_platform_admin(actor=ACTOR, person_id=pk, is_admin=False),
        lambda pk: person_set_active(actor=ACTOR, person_id=pk, is_active=False),
        lambda pk: person_delete(actor=ACTOR, person_id=pk),
    ]
    for call in calls:
        with pytest.raises(Conflict, match="last platform admin"):
            call(admin.pk)
    admin.refresh_from_db()
    assert (admin.is_platform_admin, admin.is_active) == (True, True)


def test_inactive_admin_does_not_count_as_platform_admin(admin: User, second_admin: User) -> None:
    person_set_active(actor=ACTOR, person_id=second_admin.pk, is_active=False)
    with pytest.raises(Conflict):
        person_delete(actor=ACTOR, person_id=admin.pk)
    person_delete(actor=ACTOR, person_id=second_admin.pk)
    assert list(User.objects.all()) == [admin]


def test_deactivating_a_person_ends_their_sessions_for_good(ada: User, admin: User) -> None:
    adas_client, admins_client = Client(), Client()
    sign_in(adas_client, ada.email)
    sign_in(admins_client, admin.email)
    assert is_signed_in(adas_client)
    person_set_active(actor=ACTOR, person_id=ada.pk, is_active=False)

    assert adas_client.get("/")["Location"] == SIGN_IN
    assert is_signed_in(admins_client)
    assert sign_in(Client(), ada.email).status_code == 200
    person_set_active(actor=ACTOR, person_id=ada.pk, is_active=True)
    assert adas_client.get("/")["Location"] == SIGN_IN
    assert sign_in(Client(), ada.email).status_code == 302


def test_undecodable_session_is_skipped(ada: User) -> None:
    Session.objects.create(
        session_key="odd", session_data="odd", expire_date="2999-01-01T00:00:00Z"
    )
    sign_in(Client(), ada.email)

    assert sessions_delete(user=ada) == 1
    assert Session.objects.get().session_key == "odd"


def test_deleted_person_is_gone_with_all_that_was_theirs(ada: User, admin: User) -> None:
    ada_actor, client = Actor(name="Ada (ada@example.org)", id=ada.pk), Client()
    saved_view_save(actor=OPERATOR, user=ada, name="Late", query="state=late")
    api_token_create(actor=ada_actor, user=ada, name="script")
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    person_delete(actor=ACTOR, person_id=ada.pk)

    assert client.get("/")["Location"] == SIGN_IN
    assert not SavedView.objects.exists()
    assert not ApiToken.objects.exists()
    assert person_ids_with_second_factor(ids=[ada.pk]) == set()
    assert AuditEvent.objects.filter(actor_id=ada.pk, actor_name=ada_actor.name).exists()
    assert AuditEvent.objects.get(tag=AuditTag.PERSON_REMOVED).subject == ada.email


@pytest.mark.parametrize("person_id", [0, -5, 10**9, 2**63, 10**40])
def test_unknown_person_is_not_found(person_id: int, admin: User) -> None:
    with pytest.raises(NotFound):
        person_get(person_id=person_id)
    with pytest.raises(NotFound):
        person_delete(actor=ACTOR, person_id=person_id)


def test_recovery_codes_alone_are_no_second_factor(ada: User, admin: User) -> None:
    set_up_second_factor(ada)

    assert person_ids_with_second_factor(ids=[ada.pk, admin.pk]) == {ada.pk}
    factors = second_factors_list(user=ada)
    assert {factor["kind"] for factor in factors} == {"totp", "recovery_codes"}
    assert "secret" not in str(factors)
