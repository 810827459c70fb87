"""A session ends for good: signed out, idle, too old, switched off, or after a new password."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.people import person_admin_set, person_delete, person_switch
from freddy_admin.accounts.second_factor.required import second_factors
from freddy_admin.accounts.sessions import _noted
from freddy_admin.accounts.signing_in.resets import resets_send_due
from freddy_admin.core import clock
from tests.accounts.conftest import ACTOR, PASSWORD, code_now, set_up_second_factor, sign_in

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAGE = "/profile/"


def browser(user: User) -> Client:
    client = Client()
    assert sign_in(client, user.email).status_code == 302
    return client


def replayed(cookie: str) -> Client:
    """Another browser with this session's cookie."""
    client = Client()
    client.cookies["sessionid"] = cookie
    return client


def test_the_cookie_from_before_signing_in_is_worth_nothing_after_it(ada: User) -> None:
    victim = Client()
    session = victim.session  # as an attacker would plant it
    session["planted"] = "yes"
    session.save()
    planted = str(session.session_key)
    victim.cookies["sessionid"] = planted
    sign_in(victim, ada.email)
    assert victim.cookies["sessionid"].value != planted
    assert replayed(planted).get(PAGE).status_code == 302
    assert not victim.session.exists(planted)


def test_a_cookie_the_panel_never_made_is_not_taken_over(ada: User) -> None:
    client = replayed("a" * 32)
    sign_in(client, ada.email)
    assert client.cookies["sessionid"].value != "a" * 32


def test_a_cookie_kept_from_before_signing_out_opens_nothing(ada: User) -> None:
    client = browser(ada)
    kept = client.cookies["sessionid"].value
    assert replayed(kept).get(PAGE).status_code == 200
    client.post("/accounts/logout/")
    assert replayed(kept).get(PAGE).status_code == 302
    assert replayed(kept).post(PAGE, {"name": "Eve"}).status_code == 302
    assert not client.session.exists(kept)


def test_a_day_without_a_word_ends_a_session(ada: User) -> None:
    with clock.using(lambda: NOON):
        client = browser(ada)
    with clock.using(lambda: NOON + timedelta(hours=23, minutes=59)):
        assert client.get(PAGE).status_code == 200
    with clock.using(lambda: NOON + timedelta(hours=47, minutes=58)):
        assert client.get(PAGE).status_code == 200
    cookie = client.cookies["sessionid"].value
    with clock.using(lambda: NOON + timedelta(hours=71, minutes=58)):
        assert client.get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
        assert replayed(cookie).get(PAGE).status_code == 302


def test_another_process_knows_that_somebody_is_still_there(ada: User) -> None:
    with clock.using(lambda: NOON):
        client = browser(ada)
    UserSession.objects.update(last_seen_at=NOON + timedelta(hours=20))  # noted by the other one
    with clock.using(lambda: NOON + timedelta(hours=25)):
        assert client.get(PAGE).status_code == 200


def test_a_process_that_remembers_nothing_ends_it_all_the_same(ada: User) -> None:
    with clock.using(lambda: NOON):
        client = browser(ada)
    _noted.clear()
    with clock.using(lambda: NOON + timedelta(days=1)):
        assert client.get(PAGE).status_code == 302


def test_in_the_demo_s_fast_clock_a_day_is_still_a_day(ada: User) -> None:
    with clock.using(lambda: NOON, speed=60):
        client = browser(ada)
    with clock.using(lambda: NOON + timedelta(days=59), speed=60):
        assert client.get(PAGE).status_code == 200


def _new_password(user: User) -> None:
    here = browser(user)
    fields = {"oldpassword": PASSWORD, "password1": "other-words-42", "password2": "other-words-42"}
    assert here.post("/accounts/password/change/", fields).status_code == 302


def _set_by_command(user: User) -> None:
    user.set_password("other-words-42")
    user.save()


ENDS: dict[str, Callable[[User], Any]] = {
    "switched off": lambda user: person_switch(actor=ACTOR, person_id=user.pk, is_active=False),
    "removed": lambda user: person_delete(actor=ACTOR, person_id=user.pk),
    "a new password": _new_password,
    "a new password in the database": _set_by_command,
}


@pytest.mark.parametrize("what", ENDS)
def test_all_sessions_are_refused_at_the_next_request(what: str, ada: User, admin: User) -> None:
    clients = [browser(ada) for _ in range(3)]
    for client in clients:
        assert client.get(PAGE).status_code == 200
    ENDS[what](ada)
    for client in clients:
        assert client.get(PAGE).status_code == 302
        assert client.post("/profile/sessions/end/").status_code == 302
    assert browser(admin).get(PAGE).status_code == 200


def test_a_former_platform_admin_is_one_no_longer_at_the_next_request(
    ada: User, admin: User
) -> None:
    person_admin_set(actor=ACTOR, person_id=ada.pk, is_admin=True)
    client = browser(ada)
    assert client.get("/system/").status_code == 200
    person_admin_set(actor=ACTOR, person_id=ada.pk, is_admin=False)
    assert client.get("/system/").status_code == 403
    assert client.post(f"/people/{admin.pk}/change/", {"active": "no"}).status_code == 403


def test_asking_for_a_link_alone_ends_nothing(ada: User) -> None:
    client = browser(ada)
    Client().post("/accounts/password/reset/", {"email": ada.email})
    resets_send_due()
    assert client.get(PAGE).status_code == 200


def test_the_first_second_factor_ends_what_came_in_by_a_password_alone(
    ada: User, django_capture_on_commit_callbacks: Any
) -> None:
    thief, owner = browser(ada), browser(ada)
    asked = owner.get("/accounts/2fa/totp/activate/")
    with django_capture_on_commit_callbacks(execute=True):
        code = {"code": code_now(asked.context["form"].secret)}
        assert owner.post("/accounts/2fa/totp/activate/", code).status_code == 302

    assert owner.get(PAGE).status_code == 200
    assert thief.post("/accounts/2fa/totp/deactivate/")["Location"].startswith("/accounts/login/")
    assert second_factors(ada) == {"totp"}


def test_new_recovery_codes_are_no_proof_of_a_second_factor(
    ada: User, settings: Settings, django_capture_on_commit_callbacks: Any
) -> None:
    client = browser(ada)
    set_up_second_factor(ada)  # past the page that would end this session
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/accounts/2fa/recovery-codes/generate/")
    settings.REQUIRE_MFA = "all"
    assert client.get(PAGE)["Location"].startswith("/accounts/2fa/reauthenticate/")
