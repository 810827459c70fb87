"""Reauthentication at the provider, which must say when the person authenticated there."""

import time
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.accounts.oidc.conftest import (
    followed_page,
    sign_in_through_provider,
    signed_in_user_id,
)
from tests.accounts.oidc.fake_provider import FakeProvider

CONFIRM, NEXT_PATH = "/accounts/single-sign-on/confirm/", "/profile/tokens/new/"
PROVIDER_START_PATH = f"{CONFIRM}?next={NEXT_PATH}&go=1"
PROTECTED = "/accounts/2fa/totp/activate/"


@pytest.fixture
def bea(db: None) -> User:
    return person_get_or_create(actor=ACTOR, email="bea@example.org", password=None)[0]


@pytest.fixture
def signed_in_client(client: Client, provider: FakeProvider, bea: User) -> Client:
    """Bea's client, signed in through the provider, which gave no `auth_time`."""
    provider.claims = {"email": bea.email}
    sign_in_through_provider(client, provider)
    assert signed_in_user_id(client) == bea.pk
    return client


def is_reauthenticated(client: Client) -> bool:
    return "Confirm that it is you" not in client.get(PROTECTED).content.decode()


def test_old_oidc_login_is_no_recent_authentication(
    client: Client, provider: FakeProvider, bea: User
) -> None:
    provider.claims = {"email": bea.email, "auth_time": int(time.time()) - 16 * 60}
    sign_in_through_provider(client, provider)
    assert not is_reauthenticated(client)


def test_fresh_oidc_login_is_a_recent_authentication(
    client: Client, provider: FakeProvider, bea: User
) -> None:
    provider.claims = {"email": bea.email, "auth_time": int(time.time()) - 60}
    sign_in_through_provider(client, provider)
    assert is_reauthenticated(client)


def test_reauthentication_leads_over_a_page_to_the_provider_and_back(
    signed_in_client: Client, provider: FakeProvider
) -> None:
    response = signed_in_client.get(PROTECTED)
    page = response.content.decode()
    assert "Confirm with Example Login" in page
    assert "Use your password" not in page

    provider_path = response.context["method"].href
    assert provider_path.startswith(CONFIRM)
    assert "prompt=login" in signed_in_client.get(provider_path)["Location"]
    assert "max_age=0" in signed_in_client.get(provider_path)["Location"]
    provider.claims |= {"auth_time": int(time.time())}
    assert (
        sign_in_through_provider(signed_in_client, provider, provider_path)["Location"] == PROTECTED
    )
    assert is_reauthenticated(signed_in_client)


@pytest.mark.parametrize("auth_time", [None, 0, "now", True, "an hour ago", "in an hour"])
def test_provider_that_asked_nobody_does_not_reauthenticate(
    signed_in_client: Client, provider: FakeProvider, auth_time: object, bea: User
) -> None:
    moments = {"an hour ago": int(time.time()) - 3_600, "in an hour": int(time.time()) + 3_600}
    provider.claims |= {"auth_time": moments.get(str(auth_time), auth_time)}
    page = followed_page(
        signed_in_client, sign_in_through_provider(signed_in_client, provider, PROVIDER_START_PATH)
    )

    assert "could not be trusted" in page
    assert "Confirm with Example Login" in page
    assert not is_reauthenticated(signed_in_client)
    event = AuditEvent.objects.filter(tag="confirmation_failed").get()
    assert (event.actor_id, event.details["step"]) == (bea.pk, "single sign-on")


def test_another_person_at_the_provider_does_not_reauthenticate(
    signed_in_client: Client, provider: FakeProvider, ada: User
) -> None:
    sign_in_through_provider(Client(), provider, sub="")
    provider.claims = {"sub": "ada", "email": ada.email, "auth_time": int(time.time())}
    sign_in_through_provider(Client(), provider)
    assert "could not be trusted" in followed_page(
        signed_in_client, sign_in_through_provider(signed_in_client, provider, PROVIDER_START_PATH)
    )
    assert not is_reauthenticated(signed_in_client)


def test_unavailable_provider_is_reported_on_the_page(
    signed_in_client: Client, provider: FakeProvider
) -> None:
    provider.faults = {"/.well-known/openid-configuration": "status 500"}
    page = followed_page(signed_in_client, signed_in_client.get(PROVIDER_START_PATH))
    assert "could not be reached" in page
    assert "Confirm with Example Login" in page


def test_another_site_cannot_start_the_reauthentication(
    signed_in_client: Client, provider: FakeProvider
) -> None:
    request_count = len(provider.requested_paths)
    response = signed_in_client.get(PROVIDER_START_PATH, headers={"Sec-Fetch-Site": "cross-site"})
    assert "Confirm with Example Login" in response.content.decode()
    assert len(provider.requested_paths) == request_count


def test_attempt_of_a_former_person_changes_nothing_for_the_next(
    signed_in_client: Client, provider: FakeProvider, ada: User
) -> None:
    authorization_url = signed_in_client.get(PROVIDER_START_PATH)["Location"]
    state = authorization_url.split("state=")[1].split("&")[0]
    signed_in_client.post("/accounts/logout/")
    sign_in(signed_in_client, ada.email)
    query = {"state": state, "code": provider.authorize(authorization_url)}
    signed_in_client.get("/accounts/single-sign-on/return/", query)
    assert signed_in_user_id(signed_in_client) == ada.pk


def test_second_factor_is_offered_for_reauthentication(
    signed_in_client: Client, provider: FakeProvider, bea: User
) -> None:
    set_up_second_factor(bea)
    page = signed_in_client.get(CONFIRM).content.decode()
    assert "/accounts/2fa/reauthenticate/?next=" in page


def test_person_without_a_link_has_no_oidc_reauthentication_page(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    sign_in(client, ada.email, PASSWORD)
    assert client.get(CONFIRM).status_code == 404


def test_password_is_offered_first_to_a_person_who_has_one(
    client: Client, provider: FakeProvider, ada: User, settings: Any
) -> None:
    sign_in_through_provider(client, provider)
    page = client.get(PROTECTED, follow=True).content.decode()
    assert "Type your password once more" in page
    assert f"{CONFIRM}?next=" in page
