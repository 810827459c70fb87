"""Anybody may begin a session; none stays for long, and none that is over is kept."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_store import session_key_hash
from freddy_admin.accounts.sessions import STRANGER_SECONDS, sessions_prune
from freddy_admin.sync.engine import Engine
from tests.accounts.conftest import code_now, set_up_second_factor, sign_in
from tests.accounts.passkey import SIGN_IN, asked_for, browser

pytestmark = pytest.mark.django_db


def left() -> timedelta:
    return Session.objects.get().expire_date - timezone.now()


def test_what_a_stranger_begins_is_over_in_an_hour() -> None:
    asked_for(browser())

    assert timedelta(minutes=59) < left() <= timedelta(seconds=STRANGER_SECONDS)


@pytest.mark.parametrize("more", [{}, {"remember": "on"}])
def test_signing_in_from_there_gives_the_usual_two_weeks(ada: User, more: dict[str, str]) -> None:
    visitor = browser()
    asked_for(visitor)
    sign_in(visitor, ada.email, **more)

    assert left() > timedelta(days=13)
    assert bool(visitor.cookies["sessionid"]["max-age"]) is bool(more)


@pytest.mark.parametrize("more", [{}, {"remember": "on"}])
def test_a_second_step_changes_nothing_of_what_was_ticked(ada: User, more: dict[str, str]) -> None:
    set_up_second_factor(ada)
    visitor = browser()
    asked_for(visitor)
    sign_in(visitor, ada.email, **more)
    visitor.post("/accounts/2fa/authenticate/", {"code": code_now()})

    assert visitor.get("/profile/").status_code == 200
    assert left() > timedelta(days=13)
    assert visitor.session.get_expire_at_browser_close() is not bool(more)


def test_a_passkey_is_asked_for_only_so_often_from_one_address(settings: Settings) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["passkey_asked"] == "60/m/ip"
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"passkey_asked": "3/m/ip"}
    asked = {"accept": "application/json"}
    told = [browser().get(SIGN_IN, headers=asked).status_code for _ in range(5)]

    assert told == [200, 200, 200, 429, 429]
    assert Session.objects.count() == 3


@pytest.mark.usefixtures("believed_clock")
def test_sessions_that_are_over_go_with_what_was_noted_of_them(ada: User, admin: User) -> None:
    over, living = Client(), Client()
    for client, user in ((over, ada), (living, admin)):
        sign_in(client, user.email)
    ended = Session.objects.filter(pk=session_key_hash(over.session.session_key))
    ended.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert sessions_prune() == 1
    assert list(UserSession.objects.values_list("user_id", flat=True)) == [admin.pk]
    assert Session.objects.count() == 1
    assert living.get("/profile/").status_code == 200
    assert sessions_prune() == 0


def test_the_worker_looks_after_that() -> None:
    with patch("freddy_admin.sync.engine.sessions_prune") as pruned:
        engine = Engine()
        try:
            engine.tick(wait=0)
        finally:
            engine.stop()
    pruned.assert_called_once_with()
