"""REQUIRE_MFA: who needs a second factor reaches no page, until it is verified."""

from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from tests.accounts.conftest import (
    PASSWORD,
    current_totp_code,
    decrypt_second_factor,
    set_up_second_factor,
    sign_in,
)

pytestmark = pytest.mark.django_db

ACTIVATE = "/accounts/2fa/totp/activate/"
SHOW = "/accounts/2fa/reauthenticate/"
PAGES = [
    "/",
    "/audit/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/2fa/recovery-codes/",
    "/accounts/2fa/recovery-codes/download/",
    "/accounts/2fa/recovery-codes/generate/",
    "/accounts/2fa/totp/deactivate/",
]


def signed_in_client(user: User) -> Client:
    client = Client()
    sign_in(client, user.email)
    return client


def redirect_target(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    return unquote(response["Location"]) if response.status_code == 302 else ""


def activate_totp(client: Client) -> Any:
    client.get(ACTIVATE)
    return client.post(
        ACTIVATE,
        {"code": current_totp_code(decrypt_second_factor(client.session["mfa.totp.secret"]))},
    )


@pytest.mark.parametrize("path", PAGES)
def test_admin_without_a_second_factor_is_led_to_set_one_up(
    path: str, admin: User, settings: Settings
) -> None:
    settings.REQUIRE_MFA = "admins"

    assert redirect_target(signed_in_client(admin), path) == f"{ACTIVATE}?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_session_without_a_verified_factor_is_asked_for_a_code(
    path: str, admin: User, settings: Settings
) -> None:
    client = signed_in_client(admin)
    set_up_second_factor(admin)  # elsewhere, perhaps while this session was stolen
    settings.REQUIRE_MFA = "admins"

    assert redirect_target(client, path) == f"{SHOW}?next={path}"
    assert redirect_target(client, ACTIVATE) == f"{SHOW}?next={ACTIVATE}"
    assert redirect_target(client, "/accounts/reauthenticate/").startswith(SHOW)


def test_redirected_post_leads_back_to_the_overview(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    response = signed_in_client(admin).post("/accounts/password/change/", {"oldpassword": PASSWORD})

    assert unquote(response["Location"]) == f"{ACTIVATE}?next=/"


def test_htmx_request_is_redirected_as_a_page(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    response = signed_in_client(admin).get("/", headers={"hx-request": "true"})

    assert (response.status_code, response["HX-Redirect"]) == (200, ACTIVATE)
    assert response.content == b""


def test_a_member_is_not_asked_where_admins_are(ada: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"

    assert redirect_target(signed_in_client(ada), "/accounts/password/change/") == ""


def test_require_mfa_all_asks_members_too(ada: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"

    assert redirect_target(signed_in_client(ada), "/").startswith(ACTIVATE)


def test_require_mfa_off_asks_nobody(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "off"

    assert redirect_target(signed_in_client(admin), "/accounts/password/change/") == ""


def test_signing_out_stays_possible(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    client = signed_in_client(admin)

    assert client.get("/accounts/logout/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_health_and_visitors_are_left_alone(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"

    assert signed_in_client(admin).get("/healthz").status_code == 200
    assert Client().get("/accounts/login/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_setting_up_a_factor_opens_the_panel_to_this_session(
    admin: User, settings: Settings
) -> None:
    settings.REQUIRE_MFA = "admins"
    client = signed_in_client(admin)
    response = activate_totp(client)

    assert response["Location"] == "/accounts/2fa/recovery-codes/"
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200
    assert redirect_target(client, "/accounts/password/change/") == ""
    assert AuditEvent.objects.filter(tag=AuditTag.SECOND_FACTOR_ADDED, actor_id=admin.pk).exists()


def test_setting_up_a_factor_opens_no_other_session(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    thief, owner = signed_in_client(admin), signed_in_client(admin)
    activate_totp(owner)

    assert redirect_target(thief, "/") == f"{SHOW}?next=/"


def test_signing_in_with_a_code_opens_the_panel(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    set_up_second_factor(admin)
    client = Client()
    assert sign_in(client, admin.email)["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    response = client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})

    assert response["Location"] == "/"
    assert redirect_target(client, "/accounts/password/change/") == ""


def test_password_alone_opens_nothing_before_the_second_factor(admin: User) -> None:
    set_up_second_factor(admin)
    client = signed_in_client(admin)

    for path in PAGES:
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_a_code_works_once(admin: User) -> None:
    set_up_second_factor(admin)
    code = current_totp_code()
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, admin.email)
    assert first.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302

    assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200


def test_verifying_a_code_later_opens_the_panel(admin: User, settings: Settings) -> None:
    client = signed_in_client(admin)
    set_up_second_factor(admin)
    settings.REQUIRE_MFA = "admins"
    response = client.post(f"{SHOW}?next=/audit/", {"code": current_totp_code(), "next": "/audit/"})

    assert response["Location"] == "/audit/"
    assert redirect_target(client, "/accounts/password/change/") == ""


def test_required_second_factor_cannot_be_removed(admin: User, settings: Settings) -> None:
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    settings.REQUIRE_MFA = "admins"
    response = client.post("/accounts/2fa/totp/deactivate/")

    assert "cannot be removed" in response.content.decode()
    assert admin.authenticator_set.count() == 2


def test_optional_second_factor_can_be_removed(admin: User) -> None:
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})
    client.post("/accounts/2fa/totp/deactivate/")

    assert admin.authenticator_set.count() == 0
    assert AuditEvent.objects.filter(tag=AuditTag.SECOND_FACTOR_REMOVED).count() == 2


def test_verified_factor_costs_no_query(
    admin: User, settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.REQUIRE_MFA = "admins"
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})

    with django_assert_num_queries(2):  # the session and the person
        client.get("/accounts/logout/")
