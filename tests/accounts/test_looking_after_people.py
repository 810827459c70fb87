"""Platform admins look after everybody; the last of them stays."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from freddy_admin.accounts.ending import sessions_end
from freddy_admin.accounts.models import ApiToken, SavedView, User
from freddy_admin.accounts.people import (
    person_admin_set,
    person_delete,
    person_get,
    person_switch,
    second_factor_people,
    second_factors_of,
)
from freddy_admin.accounts.saved_views import saved_view_keep
from freddy_admin.accounts.services import admin_create
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, NotFound
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/login/?next=/"


@pytest.fixture
def second_admin(admin: User) -> User:
    return admin_create(actor=ACTOR, email="second@example.org", password=PASSWORD)


def inside(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_a_person_becomes_a_platform_admin_and_is_one_no_longer(ada: User, admin: User) -> None:
    for is_admin, tag in ((True, Tag.ADMIN_MADE), (False, Tag.ADMIN_UNMADE)):
        person_admin_set(actor=ACTOR, person_id=ada.pk, is_admin=is_admin)
        person_admin_set(actor=ACTOR, person_id=ada.pk, is_admin=is_admin)
        assert person_get(person_id=ada.pk).is_platform_admin is is_admin
        assert AuditEvent.objects.get(tag=tag).subject == ada.email


def test_the_last_platform_admin_stays_whatever_is_tried(ada: User, admin: User) -> None:
    calls: list[Any] = [
        lambda pk: person_admin_set(actor=ACTOR, person_id=pk, is_admin=False),
        lambda pk: person_switch(actor=ACTOR, person_id=pk, is_active=False),
        lambda pk: person_delete(actor=ACTOR, person_id=pk),
    ]
    for call in calls:
        with pytest.raises(Conflict, match="last platform admin"):
            call(admin.pk)
    admin.refresh_from_db()
    assert (admin.is_platform_admin, admin.is_active) == (True, True)


def test_an_admin_who_is_switched_off_does_not_count(admin: User, second_admin: User) -> None:
    person_switch(actor=ACTOR, person_id=second_admin.pk, is_active=False)
    with pytest.raises(Conflict):
        person_delete(actor=ACTOR, person_id=admin.pk)
    person_delete(actor=ACTOR, person_id=second_admin.pk)
    assert list(User.objects.all()) == [admin]


def test_switched_off_the_sessions_of_one_person_end_for_good(ada: User, admin: User) -> None:
    mine, others = Client(), Client()
    sign_in(mine, ada.email)
    sign_in(others, admin.email)
    assert inside(mine)
    person_switch(actor=ACTOR, person_id=ada.pk, is_active=False)

    assert mine.get("/")["Location"] == SIGN_IN
    assert inside(others)
    assert sign_in(Client(), ada.email).status_code == 200
    person_switch(actor=ACTOR, person_id=ada.pk, is_active=True)
    assert mine.get("/")["Location"] == SIGN_IN
    assert sign_in(Client(), ada.email).status_code == 302


def test_a_session_whose_text_cannot_be_read_is_passed_over(ada: User) -> None:
    Session.objects.create(
        session_key="odd", session_data="odd", expire_date="2999-01-01T00:00:00Z"
    )
    sign_in(Client(), ada.email)

    assert sessions_end(user=ada) == 1
    assert Session.objects.get().session_key == "odd"


def test_a_removed_person_is_gone_with_all_that_was_theirs(ada: User, admin: User) -> None:
    own, client = Actor(name="Ada (ada@example.org)", id=ada.pk), Client()
    saved_view_keep(actor=OPERATOR, user=ada, name="Late", query="state=late")
    api_token_create(actor=own, user=ada, name="script")
    set_up_second_factor(ada)
    sign_in(client, ada.email)
    person_delete(actor=ACTOR, person_id=ada.pk)

    assert client.get("/")["Location"] == SIGN_IN
    assert not SavedView.objects.exists()
    assert not ApiToken.objects.exists()
    assert second_factor_people(ids=[ada.pk]) == set()
    assert AuditEvent.objects.filter(actor_id=ada.pk, actor_name=own.name).exists()
    assert AuditEvent.objects.get(tag=Tag.PERSON_REMOVED).subject == ada.email


@pytest.mark.parametrize("person_id", [0, -5, 10**9, 2**63, 10**40])
def test_somebody_who_is_not_there_is_not_found(person_id: int, admin: User) -> None:
    with pytest.raises(NotFound):
        person_get(person_id=person_id)
    with pytest.raises(NotFound):
        person_delete(actor=ACTOR, person_id=person_id)


def test_recovery_codes_alone_are_no_second_factor(ada: User, admin: User) -> None:
    set_up_second_factor(ada)

    assert second_factor_people(ids=[ada.pk, admin.pk]) == {ada.pk}
    kinds = second_factors_of(user=ada)
    assert {one["kind"] for one in kinds} == {"totp", "recovery_codes"}
    assert "secret" not in str(kinds)
