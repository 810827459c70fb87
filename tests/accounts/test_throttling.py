"""Guessing is slowed before a password is hashed, by account and by the real address."""

import base64
import json

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from tests.accounts.conftest import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_the_sixth_guess_is_refused_without_hashing(
    ada: User, hashes: list[str], email: str
) -> None:
    answers = [sign_in(Client(), email, f"guess-{number}") for number in range(6)]

    assert len(hashes) == 5
    assert "Too many failed" in answers[-1].content.decode()
    assert "Too many failed" not in answers[0].content.decode()


def test_the_right_password_costs_no_attempt(ada: User) -> None:
    for _ in range(6):
        assert sign_in(Client(), ada.email).status_code == 302


def test_guessing_one_account_leaves_the_others_alone(ada: User, admin: User) -> None:
    for number in range(6):
        sign_in(Client(), ada.email, f"guess-{number}")

    assert sign_in(Client(), admin.email).status_code == 302


def guesses(email: str, *addresses: str, each: int = 5) -> list[str]:
    """What the page says to each wrong try."""
    return [
        sign_in(Client(REMOTE_ADDR=address), email, f"guess-{number}").content.decode()
        for address in addresses
        for number in range(each)
    ]


def test_who_guesses_an_account_does_not_lock_its_owner_out(ada: User) -> None:
    assert "Too many failed" in guesses(ada.email, "192.0.2.66", each=8)[-1]

    assert sign_in(Client(REMOTE_ADDR="192.0.2.7"), ada.email).status_code == 302


def test_addresses_of_one_ipv6_network_count_as_one(ada: User) -> None:
    network = [f"2001:db8::{number}" for number in range(1, 7)]

    assert "Too many failed" in guesses(ada.email, *network, each=1)[-1]


def test_an_account_is_guessed_at_from_many_addresses_only_so_often(
    settings: Settings, ada: User, hashes: list[str]
) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["login_failed_anywhere"] == "100/h/key"
    limits = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "12/h/key"}
    settings.ACCOUNT_RATE_LIMITS = limits
    said = guesses(ada.email, "192.0.2.1", "192.0.2.2", "192.0.2.3")

    assert ["Too many failed" in page for page in said] == [False] * 12 + [True] * 3
    assert len(hashes) == 12


def test_one_address_alone_never_reaches_the_limit_of_the_account(settings: Settings) -> None:
    own, account = (
        settings.ACCOUNT_RATE_LIMITS[name].split(",")[-1]
        for name in ("login_failed", "login_failed_anywhere")
    )

    assert (own, account) == ("5/5m/key", "100/h/key")
    assert 5 * (60 // 5) < 100


def test_the_right_password_costs_no_attempt_of_the_account_either(
    settings: Settings, ada: User
) -> None:
    limits = settings.ACCOUNT_RATE_LIMITS | {"login_failed_anywhere": "1/h/key"}
    settings.ACCOUNT_RATE_LIMITS = limits
    for _ in range(3):
        assert sign_in(Client(), ada.email).status_code == 302


def test_an_address_that_keeps_trying_is_stopped(
    settings: Settings, ada: User, hashes: list[str]
) -> None:
    assert settings.ACCOUNT_RATE_LIMITS["login"] == "30/m/ip"
    settings.ACCOUNT_RATE_LIMITS = {"login": "4/m/ip"}
    answers = [sign_in(Client(), f"p{number}@example.org", "guess") for number in range(5)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert "Wait a minute" in answers[-1].content.decode()
    assert len(hashes) == 4


def test_a_made_up_forwarded_address_changes_nothing(ada: User, hashes: list[str]) -> None:
    for number in range(11):
        client = Client(headers={"x-forwarded-for": f"192.0.2.{number}", "x-real-ip": "192.0.2.9"})
        sign_in(client, f"p{number}@example.org", "guess")

    assert len(hashes) == 10


def test_another_address_may_go_on(ada: User) -> None:
    for number in range(10):
        sign_in(Client(), f"p{number}@example.org", "guess")

    assert sign_in(Client(), ada.email).status_code == 200
    assert sign_in(Client(REMOTE_ADDR="192.0.2.77"), ada.email).status_code == 302


def test_knowing_an_inactive_person_s_password_is_no_free_attempt(
    ada: User, hashes: list[str]
) -> None:
    User.objects.update(is_active=False)
    for _ in range(6):
        sign_in(Client(), ada.email)

    assert len(hashes) == 5


def test_another_port_in_the_host_does_not_begin_to_count_anew(
    ada: User, hashes: list[str]
) -> None:
    for number in range(9):
        client = Client(headers={"host": f"testserver:{number + 1}"})
        sign_in(client, ada.email, f"guess-{number}")

    assert len(hashes) == 5


def counted_by_the_version_before() -> int:
    """Turn every count into what version 0.3.1 kept of two tries; how many there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM core_cache")
        keys = [key for (key,) in cursor.fetchall()]
        for key in keys:
            plain = key.split(":", 2)[2]
            value = base64.b64encode(json.dumps([1796030501.9, 1796030501.4]).encode()).decode()
            cursor.execute(
                "UPDATE core_cache SET cache_key = %s, value = %s WHERE cache_key = %s",
                [f":1:{plain}", value, key],
            )
    return len(keys)


def test_what_the_version_before_counted_stops_no_sign_in(ada: User) -> None:
    sign_in(Client(), ada.email, "guess")
    assert counted_by_the_version_before() > 2

    assert sign_in(Client(), ada.email).status_code == 302
