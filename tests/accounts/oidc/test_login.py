"""Somebody who exists here signs in through the provider; nobody else does."""

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import current_totp_code, set_up_second_factor, sign_in
from tests.accounts.oidc.conftest import (
    CALLBACK_PATH,
    LOGIN_PATH,
    followed_page,
    sign_in_through_provider,
    signed_in_user_id,
)
from tests.accounts.oidc.fake_provider import CLIENT_SECRET, FakeProvider


def test_oidc_pages_are_missing_without_a_provider(client: Client, ada: User) -> None:
    for path in (LOGIN_PATH, CALLBACK_PATH, f"{CALLBACK_PATH}?state=x&code=y"):
        assert client.get(path).status_code == 404
    sign_in(client, ada.email)
    assert client.get(f"{LOGIN_PATH}confirm/").status_code == 404
    assert "Sign in with Example" not in Client().get("/accounts/login/").content.decode()


def test_login_button_names_the_provider_and_keeps_next(
    client: Client, provider: FakeProvider
) -> None:
    page = client.get("/accounts/login/?next=/system/%3Fa%3D1").content.decode()
    assert "Sign in with Example Login" in page
    assert f'href="{LOGIN_PATH}?next=%2Fsystem%2F%3Fa%3D1"' in page


def test_person_with_the_verified_email_is_signed_in_and_linked(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    response = sign_in_through_provider(
        client, provider, f"{LOGIN_PATH}?next=/organisations/alder/"
    )

    assert response["Location"] == "/organisations/alder/"
    assert signed_in_user_id(client) == ada.pk
    assert SocialAccount.objects.get().uid == "ada-at-the-provider"
    events = list(AuditEvent.objects.values_list("tag", "subject", "details", "actor_id"))
    assert ("single_sign_on_linked", ada.email, {}, ada.pk) in events
    assert ("signed_in", ada.email, {"way": "single sign-on"}, ada.pk) in events


def test_oidc_session_gets_a_new_key_and_ends_with_all_others(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    client.get(LOGIN_PATH)
    former_key = client.cookies["sessionid"].value
    sign_in_through_provider(client, provider)
    assert client.cookies["sessionid"].value != former_key
    assert "this one" in client.get("/profile/sessions/").content.decode()

    other_client = Client()
    sign_in_through_provider(other_client, provider)
    other_client.post("/profile/sessions/end/", {"here": "1"})
    assert client.get("/profile/")["Location"].startswith("/accounts/login/")


def test_only_the_link_is_stored_of_the_provider(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    sign_in_through_provider(client, provider)

    assert not SocialToken.objects.exists()
    assert SocialAccount.objects.get().extra_data == {}
    assert "planted" not in str(dict(client.session))


def test_linked_subject_signs_in_whatever_its_email(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    sign_in_through_provider(client, provider)
    provider.claims = {"email": "another@example.org", "email_verified": False}
    other_client = Client()
    sign_in_through_provider(other_client, provider)
    assert signed_in_user_id(other_client) == ada.pk


def test_email_that_changed_hands_does_not_open_the_account(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    sign_in_through_provider(client, provider)
    provider.claims = {"sub": "somebody-new"}
    other_client = Client()
    page = followed_page(other_client, sign_in_through_provider(other_client, provider))

    assert "linked to another person at Example Login" in page
    assert signed_in_user_id(other_client) is None
    event = AuditEvent.objects.filter(tag="sign_in_failed").get()
    assert event.subject == ada.email
    assert event.details == {"step": "single sign-on", "reason": "linked to another subject"}


def test_the_same_subject_of_another_issuer_is_somebody_else(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    SocialAccount.objects.create(
        user=ada, provider="https://former.example.org", uid="eve-at-the-provider"
    )
    provider.claims = {"sub": "eve-at-the-provider", "email": "eve@example.org"}
    assert "no account for eve@example.org" in followed_page(
        client, sign_in_through_provider(client, provider)
    )
    assert signed_in_user_id(client) is None


@pytest.mark.parametrize("is_linked", [False, True])
def test_inactive_person_reads_no_more_than_a_stranger(
    client: Client, provider: FakeProvider, ada: User, is_linked: bool
) -> None:
    if is_linked:
        sign_in_through_provider(Client(), provider)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    page_of_inactive = followed_page(client, sign_in_through_provider(client, provider))
    provider.claims = {"email": "nobody@example.org", "sub": "nobody"}
    page_of_stranger = followed_page(client, sign_in_through_provider(client, provider))

    assert "There is no account for ada@example.org in this panel" in page_of_inactive
    assert "There is no account for nobody@example.org in this panel" in page_of_stranger
    assert signed_in_user_id(client) is None
    assert User.objects.count() == 1


def test_the_case_of_the_address_does_not_matter(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    provider.claims = {"email": "ADA@Example.org"}
    sign_in_through_provider(client, provider)
    assert signed_in_user_id(client) == ada.pk


def test_the_panels_own_second_factor_is_still_asked_for(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    set_up_second_factor(ada)
    assert sign_in_through_provider(client, provider)["Location"] == "/accounts/2fa/authenticate/"
    assert signed_in_user_id(client) is None
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    assert signed_in_user_id(client) == ada.pk


def test_required_second_factor_is_set_up_after_oidc_login(
    client: Client, provider: FakeProvider, ada: User, settings: object
) -> None:
    settings.REQUIRE_MFA = "all"  # type: ignore[attr-defined]
    sign_in_through_provider(client, provider)
    assert client.get("/")["Location"].startswith("/accounts/2fa/totp/activate/")


def test_client_secret_goes_to_the_token_endpoint_alone(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    provider.configuration = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    authorization_url = client.get(LOGIN_PATH)["Location"]
    sign_in_through_provider(client, provider)

    assert provider.last_form["client_secret"] == CLIENT_SECRET
    assert "planted" not in authorization_url
    assert "code_challenge_method=S256" in authorization_url


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example/", "javascript:1", "/\\e"]
)
def test_next_never_leads_to_another_site(
    client: Client, provider: FakeProvider, ada: User, target: str
) -> None:
    start_path = f"{LOGIN_PATH}?next={target}&process=connect"
    assert sign_in_through_provider(client, provider, start_path)["Location"] == "/"


def test_another_site_cannot_start_the_login(client: Client, provider: FakeProvider) -> None:
    response = client.get(LOGIN_PATH, headers={"Sec-Fetch-Site": "cross-site"})
    assert response["Location"] == "/accounts/login/"
    assert not provider.requested_paths


def test_callback_does_not_replace_a_signed_in_person(
    client: Client, provider: FakeProvider, ada: User, admin: User
) -> None:
    authorization_url = client.get(LOGIN_PATH)["Location"]
    state = authorization_url.split("state=")[1].split("&")[0]
    sign_in(client, admin.email)
    client.get(CALLBACK_PATH, {"state": state, "code": provider.authorize(authorization_url)})
    assert signed_in_user_id(client) == admin.pk
    assert client.get(LOGIN_PATH)["Location"] == "/"


def test_email_may_come_from_userinfo_alone(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    provider.claims = {"email": None, "email_verified": None}
    provider.userinfo = {
        "sub": "ada-at-the-provider",
        "email": ada.email,
        "email_verified": True,
    }
    sign_in_through_provider(client, provider)
    assert signed_in_user_id(client) == ada.pk
    assert provider.headers["Authorization"] == "Bearer planted-access-token"


def test_oidc_views_refuse_methods_other_than_get(client: Client, provider: FakeProvider) -> None:
    for path in (LOGIN_PATH, CALLBACK_PATH):
        assert client.post(path).status_code == 405
        assert client.head(path).status_code == 405


def test_oidc_callback_is_rate_limited(client: Client, provider: FakeProvider) -> None:
    statuses = [client.get(CALLBACK_PATH, {"state": "x"}).status_code for _ in range(61)]
    assert statuses == [302] * 60 + [429]


def test_an_address_that_only_looks_the_same_in_lower_case_opens_no_account(
    client: Client, provider: FakeProvider, ada: User
) -> None:
    User.objects.filter(pk=ada.pk).update(email="kate@example.org")
    provider.claims = {"email": "\N{KELVIN SIGN}ate@example.org", "email_verified": True}
    page = followed_page(client, sign_in_through_provider(client, provider))

    assert "is verified, so it opens no account" in page
    assert signed_in_user_id(client) is None
    assert not SocialAccount.objects.exists()
