"""Passkeys: added, named, used instead of a password or after it, removed."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.audit.models import AuditEvent, RepeatCount
from freddy_admin.audit.tags import AuditTag
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.accounts.test_allauth_pages_are_styled import assert_page_is_styled
from tests.accounts.virtual_passkey import (
    ADD_PATH,
    SIGN_IN_PATH,
    VirtualPasskey,
    localhost_client,
    passkey_add,
    passkey_sign_in,
)

pytestmark = pytest.mark.django_db
LIST = "/accounts/2fa/passkeys/"
SHOW = "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/passkeys/reauthenticate/"


@pytest.fixture
def phone() -> VirtualPasskey:
    return VirtualPasskey()


@pytest.fixture
def client(ada: User, phone: VirtualPasskey) -> Client:
    """Ada's signed-in client, with her phone added as a passkey."""
    client = localhost_client()
    sign_in(client, ada.email)
    assert passkey_add(client, phone).status_code == 302
    return client


def passkey_row() -> Authenticator:
    return Authenticator.objects.get(type="webauthn")


def test_an_added_passkey_is_listed_with_its_name(client: Client) -> None:
    html = assert_page_is_styled(client.get(LIST))
    assert "Phone" in html
    assert "Opens the panel alone." in html
    assert "Not used yet." in html
    second_factors = assert_page_is_styled(client.get("/accounts/2fa/"))
    assert "1 passkey." in second_factors
    assert "Signing in asks for your passkey" in second_factors
    assert "your password alone" not in second_factors
    event = AuditEvent.objects.filter(tag=AuditTag.SECOND_FACTOR_ADDED).last()
    assert event
    assert event.details == {"kind": "webauthn", "name": "Phone"}


def test_recovery_codes_come_with_the_first_passkey(client: Client, ada: User) -> None:
    kinds = Authenticator.objects.filter(user=ada).values_list("type", flat=True)
    assert set(kinds) == {"webauthn", "recovery_codes"}


def test_passkey_signs_in_without_a_password(
    client: Client, phone: VirtualPasskey, ada: User
) -> None:
    visitor = localhost_client()
    response = passkey_sign_in(visitor, phone, ada.pk)
    assert (response.status_code, response["Location"]) == (302, "/")
    assert visitor.get(LIST).status_code == 200
    assert passkey_row().last_used_at is not None


def test_next_after_a_passkey_stays_in_the_panel(
    client: Client, phone: VirtualPasskey, ada: User
) -> None:
    assert (
        passkey_sign_in(localhost_client(), phone, ada.pk, next="/audit/")["Location"] == "/audit/"
    )
    assert (
        passkey_sign_in(localhost_client(), phone, ada.pk, next="//evil.example")["Location"] == "/"
    )


def test_passkey_is_the_second_factor_after_the_password(
    client: Client, phone: VirtualPasskey, ada: User
) -> None:
    visitor = localhost_client()
    assert sign_in(visitor, ada.email)["Location"] == SHOW
    assert visitor.get(LIST)["Location"].startswith("/accounts/login/")
    page = visitor.get(SHOW)
    assert "Use a passkey" in assert_page_is_styled(page)
    credential = phone.authentication_response(
        page.context["js_data"]["request_options"], person=ada.pk
    )
    response = visitor.post(SHOW, {"credential": json.dumps(credential)})
    assert response["Location"] == "/"


def test_second_factor_page_offers_no_passkey_without_one(ada: User) -> None:
    set_up_second_factor(ada)
    client = localhost_client()
    sign_in(client, ada.email)
    assert "Use a passkey" not in assert_page_is_styled(client.get(SHOW))


def test_key_without_user_verification_is_a_second_factor_alone(ada: User) -> None:
    passkey, client = VirtualPasskey(verifies=False), localhost_client()
    sign_in(client, ada.email)
    assert passkey_add(client, passkey).status_code == 200  # passwordless needs user verification
    assert not Authenticator.objects.exists()
    options = client.get(ADD_PATH).context["js_data"]["creation_options"]
    client.post(
        ADD_PATH,
        {"credential": json.dumps(passkey.registration_response(options)), "name": "Stick"},
    )
    assert passkey_row().wrap().name == "Stick"
    assert passkey_sign_in(localhost_client(), passkey, ada.pk)["Location"] == "/accounts/login/"


def test_foreign_origin_and_foreign_key_are_refused_alike(
    client: Client, phone: VirtualPasskey, ada: User
) -> None:
    foreign_origin = VirtualPasskey(origin="http://evil.localhost.example")
    foreign_origin.id, foreign_origin.key = phone.id, phone.key
    unknown = VirtualPasskey()
    forged = VirtualPasskey()
    forged.id = phone.id
    for passkey in (foreign_origin, unknown, forged):
        visitor = localhost_client()
        response = passkey_sign_in(visitor, passkey, ada.pk)
        assert response["Location"] == "/accounts/login/"
        assert visitor.get(LIST).status_code == 302
    event = AuditEvent.objects.get(tag=AuditTag.SIGN_IN_FAILED)
    assert event.details == {"step": "passkey"}
    assert RepeatCount.objects.get(tag=AuditTag.SIGN_IN_FAILED).times == 2


def test_passkey_response_works_once(client: Client, phone: VirtualPasskey, ada: User) -> None:
    visitor = localhost_client()
    challenge = visitor.get(SIGN_IN_PATH, headers={"accept": "application/json"}).json()
    fields = {
        "credential": json.dumps(
            phone.authentication_response(challenge["request_options"], person=ada.pk)
        )
    }
    assert visitor.post(SIGN_IN_PATH, fields)["Location"] == "/"
    assert localhost_client().post(SIGN_IN_PATH, fields)["Location"] == "/accounts/login/"
    visitor.post("/accounts/logout/")
    assert visitor.post(SIGN_IN_PATH, fields)["Location"] == "/accounts/login/"


def test_inactive_person_cannot_sign_in_with_a_passkey(
    client: Client, phone: VirtualPasskey, ada: User
) -> None:
    User.objects.update(is_active=False)
    visitor = localhost_client()
    assert passkey_sign_in(visitor, phone, ada.pk)["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in visitor.session


def test_passkey_can_be_renamed(client: Client) -> None:
    path = f"{LIST}{passkey_row().pk}/rename/"
    assert_page_is_styled(client.get(path))
    client.post(path, {"name": " My  telephone "})
    assert passkey_row().wrap().name == "My telephone"
    assert "invisible" in assert_page_is_styled(client.post(path, {"name": "a\u202eb"}))
    assert AuditEvent.objects.filter(tag=AuditTag.SECOND_FACTOR_CHANGED).count() == 1


def test_passkey_can_be_removed(client: Client, phone: VirtualPasskey, ada: User) -> None:
    path = f"{LIST}{passkey_row().pk}/remove/"
    assert "your only second factor" in assert_page_is_styled(client.get(path))
    assert client.post(path)["Location"] == LIST
    assert not Authenticator.objects.filter(user=ada).exists()
    assert AuditEvent.objects.filter(tag=AuditTag.SECOND_FACTOR_REMOVED).count() == 2
    assert passkey_sign_in(localhost_client(), phone, ada.pk)["Location"] == "/accounts/login/"


def test_a_page_that_removes_one_of_two_factors_says_what_is_left(
    client: Client, ada: User
) -> None:
    set_up_second_factor(ada)
    page = assert_page_is_styled(client.get(f"{LIST}{passkey_row().pk}/remove/"))
    assert "your password alone" not in page
    page = assert_page_is_styled(client.get("/accounts/2fa/totp/deactivate/"))
    assert "Signing in will ask for a passkey" in page
    passkey_row().delete()
    page = assert_page_is_styled(client.get("/accounts/2fa/totp/deactivate/"))
    assert "Signing in will ask for your password alone" in page


@pytest.mark.parametrize("action", ["rename", "remove"])
def test_passkey_of_somebody_else_is_not_found(client: Client, admin: User, action: str) -> None:
    other_client = localhost_client()
    sign_in(other_client, admin.email)
    path = f"{LIST}{passkey_row().pk}/{action}/"
    assert (other_client.get(path).status_code, other_client.post(path).status_code) == (404, 404)


def test_last_passkey_stays_where_a_second_factor_is_required(
    client: Client, settings: Settings, ada: User, phone: VirtualPasskey
) -> None:
    settings.REQUIRE_MFA = "all"
    visitor = localhost_client()
    passkey_sign_in(visitor, phone, ada.pk)
    path = f"{LIST}{passkey_row().pk}/remove/"
    html = visitor.post(path, follow=True).content.decode()
    assert "cannot be removed" in html
    add_totp_to_passkey_user(ada)
    visitor.post(path)
    assert not Authenticator.objects.filter(type="webauthn").exists()


def add_totp_to_passkey_user(user: User) -> None:
    Authenticator.objects.filter(user=user, type="recovery_codes").delete()
    set_up_second_factor(user)


def test_passkey_sign_in_satisfies_a_required_second_factor(
    client: Client, settings: Settings, ada: User, phone: VirtualPasskey
) -> None:
    settings.REQUIRE_MFA = "all"
    visitor = localhost_client()
    passkey_sign_in(visitor, phone, ada.pk)
    assert visitor.get("/accounts/password/change/").status_code == 200


def test_session_without_a_verified_passkey_is_led_to_verify_it(
    settings: Settings, ada: User, phone: VirtualPasskey
) -> None:
    older_client, owner_client = localhost_client(), localhost_client()
    sign_in(owner_client, ada.email)
    passkey_add(owner_client, phone)
    older_client.force_login(ada, backend="freddy_admin.accounts.auth.backends.PasswordBackend")
    settings.REQUIRE_MFA = "all"
    verify_path = older_client.get("/audit/")["Location"]
    assert verify_path == f"{CONFIRM}?next=%2Faudit%2F"
    page = older_client.get(verify_path)
    assert_page_is_styled(page)
    credential = phone.authentication_response(
        page.context["js_data"]["request_options"], person=ada.pk
    )
    response = older_client.post(verify_path, {"credential": json.dumps(credential)})
    assert response["Location"] == "/audit/"
    assert older_client.get("/accounts/password/change/").status_code == 200


def test_person_who_needs_a_factor_may_choose_a_passkey(
    settings: Settings, ada: User, phone: VirtualPasskey
) -> None:
    settings.REQUIRE_MFA = "all"
    client = localhost_client()
    sign_in(client, ada.email)
    assert "Use a passkey instead" in client.get("/", follow=True).content.decode()
    passkey_add(client, phone)
    assert client.get("/accounts/password/change/").status_code == 200


def test_person_without_a_password_reauthenticates_with_a_passkey(phone: VirtualPasskey) -> None:
    person = person_get_or_create(actor=ACTOR, email="new@example.org", password=PASSWORD)[0]
    client = localhost_client()
    sign_in(client, person.email)
    passkey_add(client, phone)
    person.set_unusable_password()
    person.save()
    client = localhost_client()
    passkey_sign_in(client, phone, person.pk)
    age_session(client)
    assert "Use one of your passkeys" in assert_page_is_styled(client.get(ADD_PATH))
    response = client.post(CONFIRM, {"credential": json.dumps({"response": {}})})
    assert response.status_code == 302
    assert AuditEvent.objects.filter(tag=AuditTag.CONFIRMATION_FAILED, actor_id=person.pk).exists()
    options = client.get(CONFIRM).context["js_data"]["request_options"]
    credential = json.dumps(phone.authentication_response(options, person=person.pk))
    assert (
        client.post(f"{CONFIRM}?next={ADD_PATH}", {"credential": credential})["Location"]
        == ADD_PATH
    )
    assert client.get(ADD_PATH).status_code == 200


def age_session(client: Client) -> None:
    session: Any = client.session
    for record in session["account_authentication_methods"]:
        record["at"] -= 16 * 60
    session.save()


def test_passkey_pages_are_styled(client: Client) -> None:
    for path in (LIST, ADD_PATH, "/accounts/2fa/", CONFIRM):
        html = assert_page_is_styled(client.get(path))
        assert "dist/panel.js" in html
    assert "Sign in with a passkey" in assert_page_is_styled(
        localhost_client().get("/accounts/login/")
    )


def test_passkey_without_passwordless_does_not_sign_in_alone(ada: User) -> None:
    client, passkey, visitor = localhost_client(), VirtualPasskey(), localhost_client()
    sign_in(client, ada.email)
    passkey_add(client, passkey, passwordless="")
    passkey_sign_in(visitor, passkey, ada.pk)
    assert visitor.get("/profile/").status_code == 302

    # After the password it verifies the second factor.
    assert sign_in(visitor, ada.email)["Location"] == "/accounts/2fa/authenticate/"
    page = visitor.get("/accounts/2fa/authenticate/")
    credential = passkey.authentication_response(
        page.context["js_data"]["request_options"], person=ada.pk
    )
    visitor.post("/accounts/2fa/authenticate/", {"credential": json.dumps(credential)})
    assert visitor.get("/profile/").status_code == 200
