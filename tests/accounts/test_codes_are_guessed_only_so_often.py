"""Wrong codes of a second factor end after a hundred in a row, and lock no owner out for good."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import code_now, set_up_second_factor, sign_in
from tests.accounts.test_known_devices import reset_key

pytestmark = pytest.mark.django_db
SHOW = "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/reauthenticate/"
IN_A_MOMENT, IN_A_DAY = "Too many failed", "none is taken here for up to a day"


@pytest.fixture(autouse=True)
def few(settings: Settings) -> None:
    """Seven wrong codes a day, so that a test need not make a hundred; any number in a minute."""
    more = {
        "code_failed": "50/5m/key",
        "code_failed_here": "50/m/ip",
        "code_failed_in_a_day": "7/d/key",
        "code_failed_device": "3/d/key",
        "reauthenticate": "50/m/user",
    }
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | more


@pytest.fixture(autouse=True)
def factor(ada: User) -> None:
    set_up_second_factor(ada)


def half_way(user: User, address: str = "192.0.2.9") -> Client:
    """A new browser with the right password."""
    browser = Client(REMOTE_ADDR=address)
    assert sign_in(browser, user.email)["Location"] == SHOW
    return browser


def guesses(browser: Client, number: int) -> list[str]:
    return [browser.post(SHOW, {"code": f"{n:06}x"}).content.decode() for n in range(number)]


def said() -> list[str]:
    events = AuditEvent.objects.filter(tag="second_factor_limited")
    return [one.subject for one in events]


def comes_in(browser: Client, code: str) -> bool:
    return bool(browser.post(SHOW, {"code": code}).status_code == 302)


def test_the_limits_are_those_of_the_standard() -> None:
    from freddy_admin.accounts.library_settings import ACCOUNT_RATE_LIMITS as LIMITS

    assert LIMITS["code_failed"] == "5/5m/key"
    assert LIMITS["code_failed_in_a_day"] == "100/d/key"
    assert LIMITS["code_failed_device"] == "5/5m/key,20/d/key"


def test_after_so_many_in_a_day_none_is_taken_and_the_page_says_what_to_do(ada: User) -> None:
    pages = guesses(half_way(ada), 9)
    assert [IN_A_DAY in page for page in pages] == [False] * 7 + [True] * 2
    assert "choose a new one by “Forgotten" in pages[-1]
    # Not even the right one, nor a recovery code, from wherever it comes.
    other = half_way(ada, "203.0.113.4")
    assert not comes_in(other, code_now())
    recovery = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    assert not comes_in(other, recovery)


def test_it_is_written_down_once(ada: User) -> None:
    guesses(half_way(ada), 12)
    assert said() == [ada.email]


def test_five_at_once_are_held_back_before_that(ada: User, settings: Settings) -> None:
    more = {"code_failed": "5/5m/key"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | more
    pages = guesses(half_way(ada), 6)
    assert [IN_A_MOMENT in page for page in pages] == [False] * 5 + [True]
    assert said() == []


def test_a_right_code_takes_the_wrong_ones_back(ada: User) -> None:
    for _ in range(2):
        browser = half_way(ada)
        assert IN_A_DAY not in guesses(browser, 6)[-1]
        assert comes_in(browser, _recovery(ada))
        browser.cookies.clear()


def _recovery(user: User) -> str:
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    return str(codes.get_unused_codes()[0])


def test_the_owner_comes_in_from_a_browser_they_used_before(ada: User) -> None:
    own = half_way(ada)
    assert comes_in(own, _recovery(ada))
    own.post("/accounts/logout/")
    assert IN_A_DAY in guesses(half_way(ada, "203.0.113.4"), 8)[-1]
    assert sign_in(own, ada.email)["Location"] == SHOW
    assert comes_in(own, _recovery(ada))


def test_a_stolen_cookie_has_a_few_guesses_and_then_those_of_everybody(ada: User) -> None:
    own = half_way(ada)
    assert comes_in(own, _recovery(ada))
    own.post("/accounts/logout/")
    sign_in(own, ada.email)
    pages = guesses(own, 12)
    assert [IN_A_DAY in page for page in pages] == [False] * 10 + [True] * 2


def test_a_new_password_by_the_mailed_link_lets_the_owner_in_anywhere(ada: User) -> None:
    assert IN_A_DAY in guesses(half_way(ada, "203.0.113.4"), 8)[-1]
    browser, key = Client(), reset_key(ada)
    browser.get(f"/accounts/password/reset/key/{key}/")
    fields = {"password1": "other-words-42", "password2": "other-words-42"}
    browser.post(f"/accounts/password/reset/key/{key.split('-')[0]}-set-password/", fields)
    assert sign_in(browser, ada.email, "other-words-42")["Location"] == SHOW
    assert comes_in(browser, _recovery(ada))
    # Whoever guessed does not know it.
    assert sign_in(Client(), ada.email).status_code == 200


def test_one_persons_limit_is_nobody_elses(ada: User, admin: User) -> None:
    set_up_second_factor(admin)
    guesses(half_way(ada), 8)
    assert comes_in(half_way(admin), _recovery(admin))


def test_confirming_counts_too(ada: User) -> None:
    browser = half_way(ada)
    assert comes_in(browser, _recovery(ada))
    pages = [browser.post(CONFIRM, {"code": f"{n:06}x"}).content.decode() for n in range(12)]
    assert IN_A_DAY in pages[-1]
    assert said() == [ada.email]
