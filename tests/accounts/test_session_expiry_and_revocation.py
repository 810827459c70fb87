"""A session ends for good: signed out, idle, expired, deactivated, or by a new password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts import sessions
from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.people import (
    person_delete,
    person_set_active,
    person_set_platform_admin,
    second_factor_types,
)
from freddy_admin.core import clock
from tests.accounts.conftest import (
    ACTOR,
    PASSWORD,
    current_totp_code,
    set_up_second_factor,
    sign_in,
)
from tests.mails import due_mails_send

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAGE = "/profile/"


def signed_in_client(user: User) -> Client:
    client = Client()
    assert sign_in(client, user.email).status_code == 302
    return client


def client_with_session_cookie(cookie: str) -> Client:
    """Another client with this session's cookie."""
    client = Client()
    client.cookies["sessionid"] = cookie
    return client


def test_cookie_from_before_signing_in_is_invalid_after_it(ada: User) -> None:
    victim = Client()
    session = victim.session  # as an attacker would plant it
    session["planted"] = "yes"
    session.save()
    planted_key = str(session.session_key)
    victim.cookies["sessionid"] = planted_key
    sign_in(victim, ada.email)
    assert victim.cookies["sessionid"].value != planted_key
    assert client_with_session_cookie(planted_key).get(PAGE).status_code == 302
    assert not victim.session.exists(planted_key)


def test_made_up_cookie_is_not_taken_over(ada: User) -> None:
    client = client_with_session_cookie("a" * 32)
    sign_in(client, ada.email)
    assert client.cookies["sessionid"].value != "a" * 32


def test_cookie_from_before_signing_out_opens_nothing(ada: User) -> None:
    client = signed_in_client(ada)
    cookie = client.cookies["sessionid"].value
    assert client_with_session_cookie(cookie).get(PAGE).status_code == 200
    client.post("/accounts/logout/")
    assert client_with_session_cookie(cookie).get(PAGE).status_code == 302
    assert client_with_session_cookie(cookie).post(PAGE, {"name": "Eve"}).status_code == 302
    assert not client.session.exists(cookie)


def test_session_ends_after_an_idle_day(ada: User) -> None:
    with clock.override_clock(lambda: NOON):
        client = signed_in_client(ada)
    with clock.override_clock(lambda: NOON + timedelta(hours=23, minutes=59)):
        assert client.get(PAGE).status_code == 200
    with clock.override_clock(lambda: NOON + timedelta(hours=47, minutes=58)):
        assert client.get(PAGE).status_code == 200
    cookie = client.cookies["sessionid"].value
    with clock.override_clock(lambda: NOON + timedelta(hours=71, minutes=58)):
        assert client.get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
        assert client_with_session_cookie(cookie).get(PAGE).status_code == 302


def test_use_recorded_by_another_process_keeps_a_session(ada: User) -> None:
    with clock.override_clock(lambda: NOON):
        client = signed_in_client(ada)
    UserSession.objects.update(last_seen_at=NOON + timedelta(hours=20))  # recorded by the other one
    with clock.override_clock(lambda: NOON + timedelta(hours=25)):
        assert client.get(PAGE).status_code == 200


def test_idle_session_ends_in_a_process_without_memory_of_it(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LAST_RECORDED_LIMIT", 0)
    with clock.override_clock(lambda: NOON):
        client = signed_in_client(ada)
    with clock.override_clock(lambda: NOON + timedelta(days=1)):
        assert client.get(PAGE).status_code == 302


def test_idle_day_is_a_real_day_under_the_fast_clock(ada: User) -> None:
    with clock.override_clock(lambda: NOON, speed=60):
        client = signed_in_client(ada)
    with clock.override_clock(lambda: NOON + timedelta(days=59), speed=60):
        assert client.get(PAGE).status_code == 200


def change_password(user: User) -> None:
    client = signed_in_client(user)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    assert client.post("/accounts/password/change/", fields).status_code == 302


def set_password_by_command(user: User) -> None:
    user.set_password("other-words-42")
    user.save()


REVOCATIONS: dict[str, Callable[[User], Any]] = {
    "switched off": lambda user: person_set_active(actor=ACTOR, person_id=user.pk, is_active=False),
    "removed": lambda user: person_delete(actor=ACTOR, person_id=user.pk),
    "a new password": change_password,
    "a new password in the database": set_password_by_command,
}


@pytest.mark.parametrize("revocation", REVOCATIONS)
def test_all_sessions_are_refused_at_the_next_request(
    revocation: str, ada: User, admin: User
) -> None:
    clients = [signed_in_client(ada) for _ in range(3)]
    for client in clients:
        assert client.get(PAGE).status_code == 200
    REVOCATIONS[revocation](ada)
    for client in clients:
        assert client.get(PAGE).status_code == 302
        assert client.post("/profile/sessions/end/").status_code == 302
    assert signed_in_client(admin).get(PAGE).status_code == 200


def test_a_former_platform_admin_is_one_no_longer_at_the_next_request(
    ada: User, admin: User
) -> None:
    person_set_platform_admin(actor=ACTOR, person_id=ada.pk, is_admin=True)
    client = signed_in_client(ada)
    assert client.get("/system/").status_code == 200
    person_set_platform_admin(actor=ACTOR, person_id=ada.pk, is_admin=False)
    assert client.get("/system/").status_code == 403
    assert client.post(f"/people/{admin.pk}/change/", {"active": "no"}).status_code == 403


def test_password_reset_request_alone_ends_no_session(ada: User) -> None:
    client = signed_in_client(ada)
    Client().post("/accounts/password/reset/", {"email": ada.email})
    due_mails_send()
    assert client.get(PAGE).status_code == 200


def test_first_second_factor_ends_sessions_of_the_password_alone(
    ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    thief_client, owner_client = signed_in_client(ada), signed_in_client(ada)
    setup_page = owner_client.get("/accounts/2fa/totp/activate/")
    with django_capture_on_commit_callbacks(execute=True):
        code = {"code": current_totp_code(setup_page.context["form"].secret)}
        assert owner_client.post("/accounts/2fa/totp/activate/", code).status_code == 302

    assert owner_client.get(PAGE).status_code == 200
    assert thief_client.post("/accounts/2fa/totp/deactivate/")["Location"].startswith(
        "/accounts/login/"
    )
    assert second_factor_types(ada) == {"totp"}


def test_new_recovery_codes_do_not_verify_a_second_factor(
    ada: User, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    client = signed_in_client(ada)
    set_up_second_factor(ada)  # not by the page, which would end this session
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/recovery-codes/generate/")
    settings.REQUIRE_MFA = "all"
    assert client.get(PAGE)["Location"].startswith("/accounts/2fa/reauthenticate/")
