"""Drill S18: how long an answer is worked on does not tell whether there is an account."""

import time
from statistics import median

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import caches
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

ROUNDS = 25


class FewRounds(PBKDF2PasswordHasher):
    """A fraction of what is real: differences beside it show 25 times as clearly."""

    iterations = 40_000


@pytest.fixture
def addresses(db: None, settings: Settings) -> dict[str, str]:
    """Somebody, nobody, somebody switched off, somebody without a password."""
    settings.PASSWORD_HASHERS = [f"{__name__}.FewRounds"]
    for name in ("ada", "off"):
        person_ensure(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    person_ensure(actor=ACTOR, email="bare@example.org", password=None)
    User.objects.filter(email="off@example.org").update(is_active=False)
    return {name: f"{name}@example.org" for name in ("ada", "nobody", "off", "bare")}


def _spent(email: str, number: int) -> float:
    caches["default"].clear()
    client = Client(REMOTE_ADDR=f"192.0.2.{number % 250}")
    began = time.thread_time()
    assert sign_in(client, email, "wrong-guess").status_code == 200
    return time.thread_time() - began


def test_a_wrong_password_costs_the_same_for_everybody(addresses: dict[str, str]) -> None:
    spent: dict[str, list[float]] = {name: [] for name in addresses}
    for number in range(ROUNDS):
        for name, email in addresses.items():
            spent[name].append(_spent(email, number))
    medians = {name: median(times[5:]) for name, times in spent.items()}
    assert max(medians.values()) <= 1.1 * min(medians.values()), medians
