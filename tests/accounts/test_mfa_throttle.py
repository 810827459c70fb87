"""Wrong codes of a second factor end after a hundred in a row, and lock no owner out for good."""

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from tests.accounts.conftest import current_totp_code, set_up_second_factor, sign_in
from tests.accounts.test_known_devices import password_reset_key

pytestmark = pytest.mark.django_db
SHOW = "/accounts/2fa/authenticate/"
CONFIRM = "/accounts/2fa/reauthenticate/"
IN_A_MOMENT, IN_A_DAY = "Too many failed", "none is taken here for up to a day"


@pytest.fixture(autouse=True)
def low_code_limits(settings: Settings) -> None:
    """Allow seven wrong codes a day, so that tests need no hundred; any number in a minute."""
    limits = {
        "code_failed": "50/5m/key",
        "code_failed_here": "50/m/ip",
        "code_failed_in_a_day": "7/d/key",
        "code_failed_device": "3/d/key",
        "reauthenticate": "50/m/user",
    }
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits


@pytest.fixture(autouse=True)
def ada_with_second_factor(ada: User) -> None:
    set_up_second_factor(ada)


def client_before_second_factor(user: User, address: str = "192.0.2.9") -> Client:
    """A new client that has given the right password."""
    client = Client(REMOTE_ADDR=address)
    assert sign_in(client, user.email)["Location"] == SHOW
    return client


def guess_codes(client: Client, number: int) -> list[str]:
    return [client.post(SHOW, {"code": f"{n:06}x"}).content.decode() for n in range(number)]


def limited_audit_subjects() -> list[str]:
    events = AuditEvent.objects.filter(tag="second_factor_limited")
    return [event.subject for event in events]


def is_code_accepted(client: Client, code: str) -> bool:
    return bool(client.post(SHOW, {"code": code}).status_code == 302)


def test_the_limits_are_those_of_the_standard() -> None:
    from freddy_admin.accounts.auth.allauth_settings import ACCOUNT_RATE_LIMITS as LIMITS

    assert LIMITS["code_failed"] == "5/5m/key"
    assert LIMITS["code_failed_in_a_day"] == "100/d/key"
    assert LIMITS["code_failed_device"] == "5/5m/key,20/d/key"


def test_daily_limit_of_codes_is_explained_on_the_page(ada: User) -> None:
    pages = guess_codes(client_before_second_factor(ada), 9)
    assert [IN_A_DAY in page for page in pages] == [False] * 7 + [True] * 2
    assert "choose a new one by “Forgotten" in pages[-1]
    # Not even a right code or a recovery code is accepted, from any address.
    other_client = client_before_second_factor(ada, "203.0.113.4")
    assert not is_code_accepted(other_client, current_totp_code())
    code = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()[0]
    assert not is_code_accepted(other_client, code)


def test_daily_limit_of_codes_is_audited_once(ada: User) -> None:
    guess_codes(client_before_second_factor(ada), 12)
    assert limited_audit_subjects() == [ada.email]


def test_five_wrong_codes_in_a_row_are_limited_first(ada: User, settings: Settings) -> None:
    limits = {"code_failed": "5/5m/key"}
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits
    pages = guess_codes(client_before_second_factor(ada), 6)
    assert [IN_A_MOMENT in page for page in pages] == [False] * 5 + [True]
    assert limited_audit_subjects() == []


def test_right_code_clears_the_wrong_ones(ada: User) -> None:
    for _ in range(2):
        client = client_before_second_factor(ada)
        assert IN_A_DAY not in guess_codes(client, 6)[-1]
        assert is_code_accepted(client, recovery_code(ada))
        client.cookies.clear()


def recovery_code(user: User) -> str:
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap()
    return str(codes.get_unused_codes()[0])


def test_owner_verifies_a_code_from_a_known_browser(ada: User) -> None:
    known_client = client_before_second_factor(ada)
    assert is_code_accepted(known_client, recovery_code(ada))
    known_client.post("/accounts/logout/")
    assert IN_A_DAY in guess_codes(client_before_second_factor(ada, "203.0.113.4"), 8)[-1]
    assert sign_in(known_client, ada.email)["Location"] == SHOW
    assert is_code_accepted(known_client, recovery_code(ada))


def test_stolen_device_cookie_has_a_few_guesses_more(ada: User) -> None:
    known_client = client_before_second_factor(ada)
    assert is_code_accepted(known_client, recovery_code(ada))
    known_client.post("/accounts/logout/")
    sign_in(known_client, ada.email)
    pages = guess_codes(known_client, 12)
    assert [IN_A_DAY in page for page in pages] == [False] * 10 + [True] * 2


def test_a_new_password_by_the_mailed_link_lets_the_owner_in_anywhere(ada: User) -> None:
    assert IN_A_DAY in guess_codes(client_before_second_factor(ada, "203.0.113.4"), 8)[-1]
    client, key = Client(), password_reset_key(ada)
    client.get(f"/accounts/password/reset/key/{key}/")
    fields = {"password1": "other-words-42", "password2": "other-words-42"}
    client.post(f"/accounts/password/reset/key/{key.split('-')[0]}-set-password/", fields)
    assert sign_in(client, ada.email, "other-words-42")["Location"] == SHOW
    assert is_code_accepted(client, recovery_code(ada))
    # Whoever guessed does not know the new password.
    assert sign_in(Client(), ada.email).status_code == 200


def test_code_limit_of_one_person_does_not_affect_others(ada: User, admin: User) -> None:
    set_up_second_factor(admin)
    guess_codes(client_before_second_factor(ada), 8)
    assert is_code_accepted(client_before_second_factor(admin), recovery_code(admin))


def test_reauthentication_counts_wrong_codes_too(ada: User) -> None:
    client = client_before_second_factor(ada)
    assert is_code_accepted(client, recovery_code(ada))
    pages = [client.post(CONFIRM, {"code": f"{n:06}x"}).content.decode() for n in range(12)]
    assert IN_A_DAY in pages[-1]
    assert limited_audit_subjects() == [ada.email]
