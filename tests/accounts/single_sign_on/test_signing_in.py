"""Somebody who exists here signs in through the provider; nobody else does."""

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import code_now, set_up_second_factor, sign_in
from tests.accounts.single_sign_on.conftest import BEGIN, RETURN, came_back, told, who
from tests.accounts.single_sign_on.provider import CLIENT_SECRET, Provider


def test_it_is_not_there_while_it_is_off(client: Client, ada: User) -> None:
    for page in (BEGIN, RETURN, f"{RETURN}?state=x&code=y"):
        assert client.get(page).status_code == 404
    sign_in(client, ada.email)
    assert client.get(f"{BEGIN}confirm/").status_code == 404
    assert "Sign in with Example" not in Client().get("/accounts/login/").content.decode()


def test_the_button_names_the_provider_and_keeps_the_way(
    client: Client, provider: Provider
) -> None:
    page = client.get("/accounts/login/?next=/system/%3Fa%3D1").content.decode()
    assert "Sign in with Example Login" in page
    assert f'href="{BEGIN}?next=%2Fsystem%2F%3Fa%3D1"' in page


def test_a_person_with_that_verified_address_comes_in_and_is_linked(
    client: Client, provider: Provider, ada: User
) -> None:
    answer = came_back(client, provider, f"{BEGIN}?next=/organisations/alder/")

    assert answer["Location"] == "/organisations/alder/"
    assert who(client) == ada.pk
    assert SocialAccount.objects.get().uid == "ada-at-the-provider"
    tags = list(AuditEvent.objects.values_list("tag", "subject", "details", "actor_id"))
    assert ("single_sign_on_linked", ada.email, {}, ada.pk) in tags
    assert ("signed_in", ada.email, {"way": "single sign-on"}, ada.pk) in tags


def test_the_session_is_new_listed_and_ends_with_all_others(
    client: Client, provider: Provider, ada: User
) -> None:
    client.get(BEGIN)
    before = client.cookies["sessionid"].value
    came_back(client, provider)
    assert client.cookies["sessionid"].value != before
    assert "this one" in client.get("/profile/sessions/").content.decode()

    elsewhere = Client()
    came_back(elsewhere, provider)
    elsewhere.post("/profile/sessions/end/", {"here": "1"})
    assert client.get("/profile/")["Location"].startswith("/accounts/login/")


def test_nothing_of_the_provider_is_kept_but_the_link(
    client: Client, provider: Provider, ada: User
) -> None:
    came_back(client, provider)

    assert not SocialToken.objects.exists()
    assert SocialAccount.objects.get().extra_data == {}
    assert "planted" not in str(dict(client.session))


def test_afterwards_the_subject_counts_and_not_the_address(
    client: Client, provider: Provider, ada: User
) -> None:
    came_back(client, provider)
    provider.claims = {"email": "another@example.org", "email_verified": False}
    again = Client()
    came_back(again, provider)
    assert who(again) == ada.pk


def test_an_address_that_changed_hands_does_not_open_the_account(
    client: Client, provider: Provider, ada: User
) -> None:
    came_back(client, provider)
    provider.claims = {"sub": "somebody-new"}
    other = Client()
    page = told(other, came_back(other, provider))

    assert "linked to another person at Example Login" in page
    assert who(other) is None
    event = AuditEvent.objects.filter(tag="sign_in_failed").get()
    assert event.subject == ada.email
    assert event.details == {"step": "single sign-on", "reason": "linked to another subject"}


def test_the_same_subject_of_another_issuer_is_somebody_else(
    client: Client, provider: Provider, ada: User
) -> None:
    SocialAccount.objects.create(
        user=ada, provider="https://former.example.org", uid="eve-at-the-provider"
    )
    provider.claims = {"sub": "eve-at-the-provider", "email": "eve@example.org"}
    assert "no account for eve@example.org" in told(client, came_back(client, provider))
    assert who(client) is None


@pytest.mark.parametrize("linked", [False, True])
def test_somebody_switched_off_is_told_no_more_than_a_stranger(
    client: Client, provider: Provider, ada: User, linked: bool
) -> None:
    if linked:
        came_back(Client(), provider)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    known = told(client, came_back(client, provider))
    provider.claims = {"email": "nobody@example.org", "sub": "nobody"}
    unknown = told(client, came_back(client, provider))

    assert "There is no account for ada@example.org in this panel" in known
    assert "There is no account for nobody@example.org in this panel" in unknown
    assert who(client) is None
    assert User.objects.count() == 1


def test_the_case_of_the_address_does_not_matter(
    client: Client, provider: Provider, ada: User
) -> None:
    provider.claims = {"email": "ADA@Example.org"}
    came_back(client, provider)
    assert who(client) == ada.pk


def test_the_panels_own_second_factor_is_still_asked_for(
    client: Client, provider: Provider, ada: User
) -> None:
    set_up_second_factor(ada)
    assert came_back(client, provider)["Location"] == "/accounts/2fa/authenticate/"
    assert who(client) is None
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    assert who(client) == ada.pk


def test_where_one_is_required_it_has_to_be_set_up(
    client: Client, provider: Provider, ada: User, settings: object
) -> None:
    settings.REQUIRE_MFA = "all"  # type: ignore[attr-defined]
    came_back(client, provider)
    assert client.get("/")["Location"].startswith("/accounts/2fa/totp/activate/")


def test_the_secret_goes_to_the_token_address_alone(
    client: Client, provider: Provider, ada: User
) -> None:
    provider.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    begun = client.get(BEGIN)["Location"]
    came_back(client, provider)

    assert provider.sent["client_secret"] == CLIENT_SECRET
    assert "planted" not in begun
    assert "code_challenge_method=S256" in begun


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/", "javascript:1", "/\\e"])
def test_next_leads_nowhere_else(client: Client, provider: Provider, ada: User, to: str) -> None:
    begin = f"{BEGIN}?next={to}&process=connect"
    assert came_back(client, provider, begin)["Location"] == "/"


def test_another_site_cannot_begin_it(client: Client, provider: Provider) -> None:
    answer = client.get(BEGIN, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer["Location"] == "/accounts/login/"
    assert not provider.asked


def test_who_is_signed_in_stays_who_they_are(
    client: Client, provider: Provider, ada: User, admin: User
) -> None:
    begun = client.get(BEGIN)["Location"]
    state = begun.split("state=")[1].split("&")[0]
    sign_in(client, admin.email)
    client.get(RETURN, {"state": state, "code": provider.let_in(begun)})
    assert who(client) == admin.pk
    assert client.get(BEGIN)["Location"] == "/"


def test_the_address_may_be_told_apart_from_the_token(
    client: Client, provider: Provider, ada: User
) -> None:
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {
        "sub": "ada-at-the-provider",
        "email": ada.email,
        "email_verified": True,
    }
    came_back(client, provider)
    assert who(client) == ada.pk
    assert provider.headers["Authorization"] == "Bearer planted-access-token"


def test_other_ways_of_asking_are_refused(client: Client, provider: Provider) -> None:
    for page in (BEGIN, RETURN):
        assert client.post(page).status_code == 405
        assert client.head(page).status_code == 405


def test_too_many_attempts_are_held_back(client: Client, provider: Provider) -> None:
    statuses = [client.get(RETURN, {"state": "x"}).status_code for _ in range(61)]
    assert statuses == [302] * 60 + [429]


def test_an_address_that_only_looks_the_same_in_lower_case_opens_no_account(
    client: Client, provider: Provider, ada: User
) -> None:
    User.objects.filter(pk=ada.pk).update(email="kate@example.org")
    provider.claims = {"email": "\N{KELVIN SIGN}ate@example.org", "email_verified": True}
    page = told(client, came_back(client, provider))

    assert "is verified, so it opens no account" in page
    assert who(client) is None
    assert not SocialAccount.objects.exists()
