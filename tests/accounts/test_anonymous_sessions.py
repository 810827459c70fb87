"""Anonymous sessions expire soon, and expired sessions are pruned."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User, UserSession
from freddy_admin.accounts.session_list import sessions_prune
from freddy_admin.accounts.sessions import ANONYMOUS_SECONDS, session_key_hash
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.accounts.conftest import current_totp_code, set_up_second_factor, sign_in
from tests.accounts.virtual_passkey import SIGN_IN_PATH, localhost_client, passkey_request_options

pytestmark = pytest.mark.django_db


def remaining_lifetime() -> timedelta:
    return Session.objects.get().expire_date - timezone.now()


def test_anonymous_session_expires_in_an_hour() -> None:
    passkey_request_options(localhost_client())

    assert timedelta(minutes=59) < remaining_lifetime() <= timedelta(seconds=ANONYMOUS_SECONDS)


@pytest.mark.parametrize("extra_fields", [{}, {"remember": "on"}])
def test_sign_in_from_an_anonymous_session_lasts_two_weeks(
    ada: User, extra_fields: dict[str, str]
) -> None:
    visitor = localhost_client()
    passkey_request_options(visitor)
    sign_in(visitor, ada.email, **extra_fields)

    assert remaining_lifetime() > timedelta(days=13)
    assert bool(visitor.cookies["sessionid"]["max-age"]) is bool(extra_fields)


@pytest.mark.parametrize("extra_fields", [{}, {"remember": "on"}])
def test_second_factor_step_keeps_the_remember_choice(
    ada: User, extra_fields: dict[str, str]
) -> None:
    set_up_second_factor(ada)
    visitor = localhost_client()
    passkey_request_options(visitor)
    sign_in(visitor, ada.email, **extra_fields)
    visitor.post("/accounts/2fa/authenticate/", {"code": current_totp_code()})

    assert visitor.get("/profile/").status_code == 200
    assert remaining_lifetime() > timedelta(days=13)
    assert visitor.session.get_expire_at_browser_close() is not bool(extra_fields)


def test_passkey_challenges_are_limited_by_address(settings: Settings) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["passkey_asked"] == "60/m/ip"
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"passkey_asked": "3/m/ip"}
    headers = {"accept": "application/json"}
    statuses = [localhost_client().get(SIGN_IN_PATH, headers=headers).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]
    assert Session.objects.count() == 3


@pytest.mark.usefixtures("trusted_clock")
def test_expired_sessions_are_pruned_with_their_user_sessions(ada: User, admin: User) -> None:
    expired_client, live_client = Client(), Client()
    for client, user in ((expired_client, ada), (live_client, admin)):
        sign_in(client, user.email)
    expired_sessions = Session.objects.filter(
        pk=session_key_hash(expired_client.session.session_key)
    )
    expired_sessions.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert sessions_prune() == 1
    assert list(UserSession.objects.values_list("user_id", flat=True)) == [admin.pk]
    assert Session.objects.count() == 1
    assert live_client.get("/profile/").status_code == 200
    assert sessions_prune() == 0


def test_worker_prunes_sessions() -> None:
    with patch("freddy_admin.sync.worker.loop.sessions_prune") as prune:
        worker_loop = WorkerLoop()
        try:
            worker_loop.tick(wait=0)
        finally:
            worker_loop.stop()
    prune.assert_called_once_with()
