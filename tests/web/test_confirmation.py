"""Keys and members change only for somebody who showed a moment ago that it is still them."""

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from freddy_admin.audit.models import AuditEvent
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import MakeKey, People, SignIn, confirm
from tests.web.test_access_table import _patterns

PASSWORD = "correct-horse-battery"
KEY_PAGES = ("key_replace", "key_revoke")
EXPORTS = {"organisation_export", "profile_export", "person_export"}
ASKED = {"key_add", "candidate_keep", *KEY_PAGES, *EXPORTS}


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    return make_key()


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    people.manager.set_password(PASSWORD)
    people.manager.save()
    client = signed_in(people.manager)
    confirm(client, people.manager, minutes_ago=16)
    return client


def test_these_pages_ask_for_it() -> None:
    found = {
        pattern.name
        for _, pattern in _patterns(get_resolver())
        if getattr(pattern.callback, "asks_confirmation", False)
    }
    assert found >= ASKED


@pytest.mark.parametrize("name", KEY_PAGES)
def test_a_page_waits_for_it_and_is_come_back_to(name: str, manager: Client, key: ApiKey) -> None:
    page = reverse(name, args=[key.organisation.slug, key.pk])
    answer = manager.get(page)
    assert answer["Location"] == f"/accounts/reauthenticate/?next={page.replace('/', '%2F')}"

    back = manager.post(answer["Location"], {"password": PASSWORD})
    assert back["Location"] == page
    assert manager.get(page).status_code == 200


def test_what_was_sent_is_neither_done_nor_kept(
    manager: Client, organisation: Organisation
) -> None:
    page = reverse("key_add", args=[organisation.slug])
    secret = "oak_live_planted_0123456789abcdef"
    answer = manager.post(page, {"label": "New", "api_key": secret})
    asked = manager.get(answer["Location"])

    assert "Nothing was changed yet" in asked.content.decode()
    assert secret not in str(dict(manager.session))
    manager.post(answer["Location"], {"password": PASSWORD})
    assert not ApiKey.objects.exists()


def test_where_an_address_cannot_be_opened_the_keys_page_is_come_back_to(
    manager: Client, key: ApiKey
) -> None:
    answer = manager.post(reverse("candidate_keep", args=[key.organisation.slug, key.pk]))
    assert answer["Location"].endswith(f"next=%2Forganisations%2Falder%2Fkeys%2F{key.pk}%2F")


def test_a_wrong_password_confirms_nothing_and_is_written_down(
    manager: Client, key: ApiKey, people: People
) -> None:
    page = reverse("key_revoke", args=[key.organisation.slug, key.pk])
    asked = manager.get(page)["Location"]
    assert "password" in manager.post(asked, {"password": "wrong"}).content.decode()
    assert manager.get(page)["Location"] == asked
    event = AuditEvent.objects.first()
    assert event
    assert (event.tag, event.actor_id) == ("confirmation_failed", people.manager.pk)


def test_a_part_of_a_page_leads_the_whole_page_there(manager: Client, key: ApiKey) -> None:
    page = reverse("key_revoke", args=[key.organisation.slug, key.pk])
    answer = manager.get(page, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith("/accounts/reauthenticate/?next=")


@pytest.mark.parametrize(("who", "status"), [("stranger", 404), ("operator", 403)])
def test_who_may_not_is_turned_away_before_being_asked(
    who: str, status: int, people: People, signed_in: SignIn, key: ApiKey
) -> None:
    person = getattr(people, who)
    client = signed_in(person)
    confirm(client, person, minutes_ago=16)
    page = reverse("key_revoke", args=[key.organisation.slug, key.pk])
    assert client.get(page).status_code == status


def test_another_persons_confirmation_in_the_same_browser_does_not_count(
    people: People, key: ApiKey
) -> None:
    client = Client()
    client.force_login(people.manager)
    confirm(client, people.operator)
    page = reverse("key_revoke", args=[key.organisation.slug, key.pk])
    assert client.get(page).status_code == 302


@pytest.mark.parametrize(
    ("export", "back"),
    [("/organisations/alder/export/", "/organisations/alder/"), ("/profile/export/", "/profile/")],
)
def test_a_copy_to_take_away_waits_for_it_and_the_page_before_is_come_back_to(
    export: str, back: str, manager: Client
) -> None:
    answer = manager.get(export)
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"next={back.replace('/', '%2F')}")
    assert not AuditEvent.objects.filter(tag__endswith="exported").exists()
