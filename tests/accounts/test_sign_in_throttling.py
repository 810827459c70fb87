"""Guesses are limited before a password is hashed, by account and by client IP."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from tests.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_the_sixth_guess_is_refused_without_hashing(
    ada: User, hashed_passwords: list[str], email: str
) -> None:
    responses = [sign_in(Client(), email, f"guess-{number}") for number in range(6)]

    assert len(hashed_passwords) == 5
    assert "Too many failed" in responses[-1].content.decode()
    assert "Too many failed" not in responses[0].content.decode()


def test_the_right_password_costs_no_attempt(ada: User) -> None:
    for _ in range(6):
        assert sign_in(Client(), ada.email).status_code == 302


def test_guessing_one_account_does_not_limit_the_others(ada: User, admin: User) -> None:
    for number in range(6):
        sign_in(Client(), ada.email, f"guess-{number}")

    assert sign_in(Client(), admin.email).status_code == 302


def guess_passwords(email: str, *addresses: str, each: int = 5) -> list[str]:
    """The page after each wrong password."""
    return [
        sign_in(Client(REMOTE_ADDR=address), email, f"guess-{number}").content.decode()
        for address in addresses
        for number in range(each)
    ]


def test_guessing_an_account_does_not_lock_its_owner_out(ada: User) -> None:
    assert "Too many failed" in guess_passwords(ada.email, "192.0.2.66", each=8)[-1]

    assert sign_in(Client(REMOTE_ADDR="192.0.2.7"), ada.email).status_code == 302


def test_addresses_of_one_ipv6_network_count_as_one(ada: User) -> None:
    addresses = [f"2001:db8::{number}" for number in range(1, 7)]

    assert "Too many failed" in guess_passwords(ada.email, *addresses, each=1)[-1]


def test_guesses_from_many_addresses_reach_the_account_limit(
    settings: Settings, ada: User, hashed_passwords: list[str]
) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["login_failed_anywhere"] == "100/h/key"
    limits = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "12/h/key"}
    settings.ACCOUNT_RATE_LIMITS = limits
    pages = guess_passwords(ada.email, "192.0.2.1", "192.0.2.2", "192.0.2.3")

    assert ["Too many failed" in page for page in pages] == [False] * 12 + [True] * 3
    assert len(hashed_passwords) == 12


def test_one_address_alone_never_reaches_the_limit_of_the_account(settings: Settings) -> None:
    ip_limit, account_limit = (
        settings.ACCOUNT_RATE_LIMITS[name].split(",")[-1]
        for name in ("login_failed", "login_failed_anywhere")
    )

    assert (ip_limit, account_limit) == ("5/5m/key", "100/h/key")
    assert 5 * (60 // 5) < 100


def test_the_right_password_costs_no_attempt_of_the_account_either(
    settings: Settings, ada: User
) -> None:
    limits = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "1/h/key"}
    settings.ACCOUNT_RATE_LIMITS = limits
    for _ in range(3):
        assert sign_in(Client(), ada.email).status_code == 302


def test_sign_ins_from_one_address_are_limited(
    settings: Settings, ada: User, hashed_passwords: list[str]
) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["sign_in"] == "30/m/ip"
    settings.ACCOUNT_RATE_LIMITS = {"sign_in": "4/m/ip"}
    responses = [sign_in(Client(), f"p{number}@example.org", "guess") for number in range(5)]

    assert [response.status_code for response in responses] == [200, 200, 200, 200, 429]
    assert "Wait a minute" in responses[-1].content.decode()
    assert len(hashed_passwords) == 4


def test_forged_forwarded_address_does_not_reset_the_limit(
    ada: User, hashed_passwords: list[str]
) -> None:
    for number in range(11):
        client = Client(headers={"x-forwarded-for": f"192.0.2.{number}", "x-real-ip": "192.0.2.9"})
        sign_in(client, f"p{number}@example.org", "guess")

    assert len(hashed_passwords) == 10


def test_limit_of_one_address_does_not_affect_another(ada: User) -> None:
    for number in range(10):
        sign_in(Client(), f"p{number}@example.org", "guess")

    assert sign_in(Client(), ada.email).status_code == 200
    assert sign_in(Client(REMOTE_ADDR="192.0.2.77"), ada.email).status_code == 302


def test_right_password_of_an_inactive_person_counts_as_an_attempt(
    ada: User, hashed_passwords: list[str]
) -> None:
    User.objects.update(is_active=False)
    for _ in range(6):
        sign_in(Client(), ada.email)

    assert len(hashed_passwords) == 5


def test_another_port_in_the_host_does_not_reset_the_count(
    ada: User, hashed_passwords: list[str]
) -> None:
    for number in range(9):
        client = Client(headers={"host": f"testserver:{number + 1}"})
        sign_in(client, ada.email, f"guess-{number}")

    assert len(hashed_passwords) == 5
