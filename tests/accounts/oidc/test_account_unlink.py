"""The link to the provider is shown, and its person or a platform admin can delete it."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import sign_in
from tests.accounts.oidc.conftest import sign_in_through_provider, signed_in_user_id
from tests.accounts.oidc.fake_provider import FakeProvider

UNLINK = "/profile/single-sign-on/unlink/"


@pytest.fixture
def linked_ada(provider: FakeProvider, ada: User) -> User:
    sign_in_through_provider(Client(), provider)
    return ada


def test_profile_shows_the_oidc_link_and_unlinks_it(client: Client, linked_ada: User) -> None:
    sign_in(client, linked_ada.email)
    page = client.get("/profile/").content.decode()
    assert "Example Login signs you in" in page
    unlinked_page = client.post(UNLINK, follow=True).content.decode()

    assert "is unlinked" in unlinked_page
    assert "Example Login signs you in" not in unlinked_page
    assert not SocialAccount.objects.exists()
    event = AuditEvent.objects.filter(tag="single_sign_on_unlinked").get()
    assert (event.actor_id, event.subject) == (linked_ada.pk, linked_ada.email)


def test_unlinking_requires_a_recent_reauthentication(
    client: Client, linked_ada: User, provider: FakeProvider
) -> None:
    sign_in_through_provider(client, provider)
    response = client.post(UNLINK)
    assert "Nothing was changed yet." in response.content.decode()
    assert SocialAccount.objects.exists()


def test_platform_admin_unlinks_a_person_with_a_new_provider_account(
    client: Client, linked_ada: User, admin: User, provider: FakeProvider
) -> None:
    sign_in(client, admin.email)
    assert "Single sign-on" in client.get(f"/people/{linked_ada.pk}/").content.decode()
    client.post(f"/people/{linked_ada.pk}/unlink/")
    event = AuditEvent.objects.filter(tag="single_sign_on_unlinked").get()
    assert (event.actor_id, event.subject) == (admin.pk, linked_ada.email)

    provider.claims = {"sub": "ada-anew"}
    new_client = Client()
    sign_in_through_provider(new_client, provider)
    assert signed_in_user_id(new_client) == linked_ada.pk
    assert SocialAccount.objects.get().uid == "ada-anew"


def test_unlinking_without_a_link_records_no_audit_event(client: Client, ada: User) -> None:
    sign_in(client, ada.email)
    page = client.post(UNLINK, follow=True).content.decode()
    assert "There is no link to single sign-on" in page
    assert not AuditEvent.objects.filter(tag="single_sign_on_unlinked").exists()


def test_the_export_of_a_person_names_the_link(
    client: Client, linked_ada: User, settings: object
) -> None:
    sign_in(client, linked_ada.email)
    links = client.get("/profile/export/").json()["single_sign_on"]
    assert [link["provider"] for link in links] == [settings.OIDC_ISSUER]  # type: ignore[attr-defined]


def test_removing_a_person_removes_the_link(linked_ada: User) -> None:
    linked_ada.delete()
    assert not SocialAccount.objects.exists()
