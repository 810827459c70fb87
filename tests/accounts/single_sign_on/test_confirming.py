"""Who has no password shows the provider once more who they are, and it says when they did."""

import time
from typing import Any

import pytest
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.accounts.single_sign_on.conftest import came_back, told, who
from tests.accounts.single_sign_on.provider import Provider

CONFIRM, ASKING = "/accounts/single-sign-on/confirm/", "/profile/tokens/new/"
GO = f"{CONFIRM}?next={ASKING}&go=1"
PROTECTED = "/accounts/2fa/totp/activate/"


@pytest.fixture
def bea(db: None) -> User:
    return person_ensure(actor=ACTOR, email="bea@example.org", password=None)[0]


@pytest.fixture
def inside(client: Client, provider: Provider, bea: User) -> Client:
    """She came in through the provider, which did not say when she showed it who she is."""
    provider.claims = {"email": bea.email}
    came_back(client, provider)
    assert who(client) == bea.pk
    return client


def confirmed(client: Client) -> bool:
    return "Confirm that it is you" not in client.get(PROTECTED).content.decode()


def test_single_sign_on_of_this_morning_is_no_recent_confirmation(
    client: Client, provider: Provider, bea: User
) -> None:
    provider.claims = {"email": bea.email, "auth_time": int(time.time()) - 16 * 60}
    came_back(client, provider)
    assert not confirmed(client)


def test_single_sign_on_of_just_now_is_one(client: Client, provider: Provider, bea: User) -> None:
    provider.claims = {"email": bea.email, "auth_time": int(time.time()) - 60}
    came_back(client, provider)
    assert confirmed(client)


def test_the_way_leads_over_a_page_to_the_provider_and_back(
    inside: Client, provider: Provider
) -> None:
    asked = inside.get(PROTECTED)
    page = asked.content.decode()
    assert "Confirm with Example Login" in page
    assert "Use your password" not in page

    go = asked.context["way"].href
    assert go.startswith(CONFIRM)
    assert "prompt=login" in inside.get(go)["Location"]
    assert "max_age=0" in inside.get(go)["Location"]
    provider.claims |= {"auth_time": int(time.time())}
    assert came_back(inside, provider, go)["Location"] == PROTECTED
    assert confirmed(inside)


@pytest.mark.parametrize("auth_time", [None, 0, "now", True, "an hour ago", "in an hour"])
def test_a_provider_that_asked_nobody_confirms_nothing(
    inside: Client, provider: Provider, auth_time: object, bea: User
) -> None:
    moments = {"an hour ago": int(time.time()) - 3_600, "in an hour": int(time.time()) + 3_600}
    provider.claims |= {"auth_time": moments.get(str(auth_time), auth_time)}
    page = told(inside, came_back(inside, provider, GO))

    assert "could not be trusted" in page
    assert "Confirm with Example Login" in page
    assert not confirmed(inside)
    event = AuditEvent.objects.filter(tag="confirmation_failed").get()
    assert (event.actor_id, event.details["step"]) == (bea.pk, "single sign-on")


def test_another_person_there_confirms_nothing_here(
    inside: Client, provider: Provider, ada: User
) -> None:
    came_back(Client(), provider, sub="")
    provider.claims = {"sub": "ada", "email": ada.email, "auth_time": int(time.time())}
    came_back(Client(), provider)
    assert "could not be trusted" in told(inside, came_back(inside, provider, GO))
    assert not confirmed(inside)


def test_a_provider_that_is_away_says_so_on_the_page(inside: Client, provider: Provider) -> None:
    provider.faults = {"/.well-known/openid-configuration": "status 500"}
    page = told(inside, inside.get(GO))
    assert "could not be reached" in page
    assert "Confirm with Example Login" in page


def test_another_site_cannot_begin_it(inside: Client, provider: Provider) -> None:
    asked = len(provider.asked)
    answer = inside.get(GO, headers={"Sec-Fetch-Site": "cross-site"})
    assert "Confirm with Example Login" in answer.content.decode()
    assert len(provider.asked) == asked


def test_a_way_that_began_before_somebody_else_signed_in_leads_nowhere(
    inside: Client, provider: Provider, ada: User
) -> None:
    begun = inside.get(GO)["Location"]
    state = begun.split("state=")[1].split("&")[0]
    inside.post("/accounts/logout/")
    sign_in(inside, ada.email)
    values = {"state": state, "code": provider.let_in(begun)}
    inside.get("/accounts/single-sign-on/return/", values)
    assert who(inside) == ada.pk


def test_a_second_factor_confirms_as_well(inside: Client, provider: Provider, bea: User) -> None:
    set_up_second_factor(bea)
    page = inside.get(CONFIRM).content.decode()
    assert "/accounts/2fa/reauthenticate/?next=" in page


def test_who_is_not_linked_has_no_such_page(client: Client, provider: Provider, ada: User) -> None:
    sign_in(client, ada.email, PASSWORD)
    assert client.get(CONFIRM).status_code == 404


def test_a_password_stays_the_first_way_of_who_has_one(
    client: Client, provider: Provider, ada: User, settings: Any
) -> None:
    came_back(client, provider)
    page = client.get(PROTECTED, follow=True).content.decode()
    assert "Type your password once more" in page
    assert f"{CONFIRM}?next=" in page
