"""The link is shown, and can be taken away by its person and by a platform admin."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import sign_in
from tests.accounts.single_sign_on.conftest import came_back, who
from tests.accounts.single_sign_on.provider import Provider

UNLINK = "/profile/single-sign-on/unlink/"


@pytest.fixture
def linked(provider: Provider, ada: User) -> User:
    came_back(Client(), provider)
    return ada


def test_the_profile_says_so_and_unlinks(client: Client, linked: User) -> None:
    sign_in(client, linked.email)
    page = client.get("/profile/").content.decode()
    assert "Example Login signs you in" in page
    answer = client.post(UNLINK, follow=True).content.decode()

    assert "is unlinked" in answer
    assert "Example Login signs you in" not in answer
    assert not SocialAccount.objects.exists()
    event = AuditEvent.objects.filter(tag="single_sign_on_unlinked").get()
    assert (event.actor_id, event.subject) == (linked.pk, linked.email)


def test_it_waits_for_a_recent_confirmation(
    client: Client, linked: User, provider: Provider
) -> None:
    came_back(client, provider)
    answer = client.post(UNLINK)
    assert "Nothing was changed yet." in answer.content.decode()
    assert SocialAccount.objects.exists()


def test_a_platform_admin_unlinks_somebody_whose_account_there_is_new(
    client: Client, linked: User, admin: User, provider: Provider
) -> None:
    sign_in(client, admin.email)
    assert "Single sign-on" in client.get(f"/people/{linked.pk}/").content.decode()
    client.post(f"/people/{linked.pk}/unlink/")
    event = AuditEvent.objects.filter(tag="single_sign_on_unlinked").get()
    assert (event.actor_id, event.subject) == (admin.pk, linked.email)

    provider.claims = {"sub": "ada-anew"}
    anew = Client()
    came_back(anew, provider)
    assert who(anew) == linked.pk
    assert SocialAccount.objects.get().uid == "ada-anew"


def test_where_nothing_is_linked_nothing_is_written_down(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    page = client.post(UNLINK, follow=True).content.decode()
    assert "There is no link to single sign-on" in page
    assert not AuditEvent.objects.filter(tag="single_sign_on_unlinked").exists()


def test_the_export_of_a_person_names_the_link(
    client: Client, linked: User, settings: object
) -> None:
    sign_in(client, linked.email)
    told = client.get("/profile/export/").json()["single_sign_on"]
    assert [one["provider"] for one in told] == [settings.OIDC_ISSUER]  # type: ignore[attr-defined]


def test_removing_a_person_removes_the_link(linked: User) -> None:
    linked.delete()
    assert not SocialAccount.objects.exists()
