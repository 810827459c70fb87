"""Codes at the same moment: no more are looked at than the limit allows, and each opens once."""

from unittest.mock import patch

import pytest
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)

SHOW = "/accounts/2fa/authenticate/"
MOST, AT_ONCE = 3, 6

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


@pytest.fixture(autouse=True)
def few(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever waits too long for the count is refused: not here, however slow the machine.
    monkeypatch.setattr(ratelimit, "CACHE_LOCK_TIMEOUT", 600)
    monkeypatch.setattr(ratelimit, "CACHE_LOCK_WAIT_TIMEOUT", 120)
    more = {
        "code_failed": "50/5m/key",
        "code_failed_here": "50/m/ip",
        "code_failed_in_a_day": f"{MOST}/d/key",
    }
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | more


def _half_way(number: int) -> list[Client]:
    """New browsers, each with the right password."""

    def make() -> list[Client]:
        ada: User = person_ensure(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]
        set_up_second_factor(ada)
        browsers = [Client(REMOTE_ADDR=f"192.0.2.{n}") for n in range(number)]
        for browser in browsers:
            assert sign_in(browser, ada.email)["Location"] == SHOW
        return browsers

    return alone(make)


def _come_in(browsers: list[Client], code: str) -> list[bool]:
    return at_once(
        [lambda b=one: b.post(SHOW, {"code": code}).status_code == 302 for one in browsers]
    )


def test_no_more_codes_are_looked_at_than_the_limit_says() -> None:
    browsers, looked = _half_way(AT_ONCE), list[str]()

    def look(self: TOTP, code: str) -> bool:
        looked.append(code)
        return False

    with patch.object(TOTP, "validate_code", look):
        assert not any(_come_in(browsers, "000000"))
    assert len(looked) == MOST


def test_a_recovery_code_opens_once() -> None:
    browsers = _half_way(MOST)
    codes = alone(lambda: Authenticator.objects.get(type="recovery_codes").wrap())
    assert sum(_come_in(browsers, codes.get_unused_codes()[0])) == 1
