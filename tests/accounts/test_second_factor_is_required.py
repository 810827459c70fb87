"""REQUIRE_MFA: who owes a second factor reaches nothing else, by any way, until it is shown."""

from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from tests.accounts.conftest import PASSWORD, code_now, opened, set_up_second_factor, sign_in

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


def signed_in(user: User) -> Client:
    client = Client()
    sign_in(client, user.email)
    return client


def led_to(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    return unquote(answer["Location"]) if answer.status_code == 302 else ""


def activate(client: Client) -> Any:
    client.get(ACTIVATE)
    return client.post(ACTIVATE, {"code": code_now(opened(client.session["mfa.totp.secret"]))})


@pytest.mark.parametrize("path", PAGES)
def test_an_admin_without_one_is_led_to_set_it_up(
    path: str, admin: User, settings: Settings
) -> None:
    settings.REQUIRE_MFA = "admins"

    assert led_to(signed_in(admin), path) == f"{ACTIVATE}?next={path}"


@pytest.mark.parametrize("path", PAGES)
def test_a_session_that_has_not_shown_it_is_asked_for_a_code(
    path: str, admin: User, settings: Settings
) -> None:
    client = signed_in(admin)
    set_up_second_factor(admin)  # elsewhere, perhaps while this session was stolen
    settings.REQUIRE_MFA = "admins"

    assert led_to(client, path) == f"{SHOW}?next={path}"
    assert led_to(client, ACTIVATE) == f"{SHOW}?next={ACTIVATE}"
    assert led_to(client, "/accounts/reauthenticate/").startswith(SHOW)


def test_a_post_leads_back_to_the_overview(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    answer = signed_in(admin).post("/accounts/password/change/", {"oldpassword": PASSWORD})

    assert unquote(answer["Location"]) == f"{ACTIVATE}?next=/"


def test_htmx_is_told_to_leave_the_page(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    answer = signed_in(admin).get("/", headers={"hx-request": "true"})

    assert (answer.status_code, answer["HX-Redirect"]) == (200, ACTIVATE)
    assert answer.content == b""


def test_a_member_is_not_asked_where_admins_are(ada: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"

    assert led_to(signed_in(ada), "/accounts/password/change/") == ""


def test_all_means_all(ada: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"

    assert led_to(signed_in(ada), "/").startswith(ACTIVATE)


def test_off_means_nobody(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "off"

    assert led_to(signed_in(admin), "/accounts/password/change/") == ""


def test_signing_out_stays_possible(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    client = signed_in(admin)

    assert client.get("/accounts/logout/").status_code == 200
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_health_and_visitors_are_left_alone(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"

    assert signed_in(admin).get("/healthz").status_code == 200
    assert Client().get("/accounts/login/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_setting_one_up_opens_the_panel_to_this_session(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    client = signed_in(admin)
    answer = activate(client)

    assert answer["Location"] == "/accounts/2fa/recovery-codes/"
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200
    assert led_to(client, "/accounts/password/change/") == ""
    assert AuditEvent.objects.filter(tag=Tag.SECOND_FACTOR_ADDED, actor_id=admin.pk).exists()


def test_setting_one_up_opens_no_other_session(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    thief, owner = signed_in(admin), signed_in(admin)
    activate(owner)

    assert led_to(thief, "/") == f"{SHOW}?next=/"


def test_signing_in_with_a_code_opens_the_panel(admin: User, settings: Settings) -> None:
    settings.REQUIRE_MFA = "admins"
    set_up_second_factor(admin)
    client = Client()
    assert sign_in(client, admin.email)["Location"] == "/accounts/2fa/authenticate/"
    assert "_auth_user_id" not in client.session
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_now()})

    assert answer["Location"] == "/"
    assert led_to(client, "/accounts/password/change/") == ""


def test_a_password_alone_opens_nothing_half_way(admin: User) -> None:
    set_up_second_factor(admin)
    client = signed_in(admin)

    for path in PAGES:
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_a_code_works_once(admin: User) -> None:
    set_up_second_factor(admin)
    code = code_now()
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, admin.email)
    assert first.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 302

    assert second.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200


def test_showing_a_code_later_opens_the_panel(admin: User, settings: Settings) -> None:
    client = signed_in(admin)
    set_up_second_factor(admin)
    settings.REQUIRE_MFA = "admins"
    answer = client.post(f"{SHOW}?next=/audit/", {"code": code_now(), "next": "/audit/"})

    assert answer["Location"] == "/audit/"
    assert led_to(client, "/accounts/password/change/") == ""


def test_one_that_is_required_cannot_be_removed(admin: User, settings: Settings) -> None:
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    settings.REQUIRE_MFA = "admins"
    answer = client.post("/accounts/2fa/totp/deactivate/")

    assert "cannot be removed" in answer.content.decode()
    assert admin.authenticator_set.count() == 2


def test_one_that_is_not_required_can_be_removed(admin: User) -> None:
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})
    client.post("/accounts/2fa/totp/deactivate/")

    assert admin.authenticator_set.count() == 0
    assert AuditEvent.objects.filter(tag=Tag.SECOND_FACTOR_REMOVED).count() == 2


def test_a_shown_factor_costs_no_query(
    admin: User, settings: Settings, django_assert_num_queries: Any
) -> None:
    settings.REQUIRE_MFA = "admins"
    set_up_second_factor(admin)
    client = Client()
    sign_in(client, admin.email)
    client.post("/accounts/2fa/authenticate/", {"code": code_now()})

    with django_assert_num_queries(2):  # the session and the person
        client.get("/accounts/logout/")
