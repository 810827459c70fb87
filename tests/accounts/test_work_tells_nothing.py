"""Drill S18: what an answer is worked out with does not tell whether there is an account.

How long it takes is measured by `make bench`; here everything it is made of is counted.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from django.apps import apps
from django.contrib.auth import hashers
from django.core.cache import caches
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
CALLS = ("get", "set", "add", "incr", "touch", "delete", "get_many", "set_many")
# All equally long; "old" was hashed when fewer rounds were usual.
KINDS = ("ada", "eve", "off", "non", "old")


@dataclass
class Work:
    """What one answer was made of."""

    rounds: int = 0
    statements: list[str] = field(default_factory=list)
    cache: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    sizes: tuple[int, int] = (0, 0)


@pytest.fixture
def rounds(settings: Settings) -> Iterator[list[int]]:
    """The rounds of each hash, as they are in production; one alone is worked out."""
    asked: list[int] = []
    work_out = hashers.pbkdf2

    def counted(password: str, salt: str, iterations: int, **more: object) -> bytes:
        asked.append(iterations)
        return bytes(work_out(password, salt, 1, **more))

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    with patch.object(hashers, "pbkdf2", counted):
        yield asked


@pytest.fixture(autouse=True)
def people(rounds: list[int], db: None) -> None:
    """Somebody, nobody, somebody switched off, without a password, and from long ago."""
    for name in ("ada", "off", "old"):
        person_ensure(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    person_ensure(actor=ACTOR, email="non@example.org", password=None)
    User.objects.filter(email="off@example.org").update(is_active=False)
    old = hashers.PBKDF2PasswordHasher().encode(PASSWORD, "s" * 22, 600_000)
    User.objects.filter(email="old@example.org").update(password=old)
    # The first of all begins the counts of this address, which costs it other statements.
    sign_in(Client(), "first@example.org", "guess")
    Client().post(RESET, {"email": "first@example.org"})


@pytest.fixture
def weigh(rounds: list[int], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Work]:
    """Count all that a request sets to work."""
    used: list[str] = []
    for kind in {type(caches[name]) for name in ("default", "fast")}:
        for name in CALLS:
            monkeypatch.setattr(kind, name, _noted(getattr(kind, name), name, used))

    def weighed(ask: Callable[[], HttpResponse]) -> Work:
        rounds.clear()
        used.clear()
        before = _rows()
        with CaptureQueriesContext(connection) as queries:
            answer = ask()
        told = sum(len(f"{name}: {value}") for name, value in answer.headers.items())
        return Work(
            rounds=sum(rounds),
            statements=[_shape(query["sql"]) for query in queries],
            cache=used.copy(),
            rows={name: count - before[name] for name, count in _rows().items()},
            sizes=(len(answer.content), told),
        )

    return weighed


def _noted(call: Callable[..., object], name: str, used: list[str]) -> Callable[..., object]:
    def noting(*args: object, **more: object) -> object:
        used.append(name)
        return call(*args, **more)

    return noting


def _rows() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def _shape(sql: str) -> str:
    """A statement without what it is about."""
    return re.sub(r"'[^']*'|\bx?\d+|s\d+_x\d+", "?", sql)


def _differing(found: dict[str, Work]) -> list[str]:
    return [kind for kind, work in found.items() if work != found["eve"]]


@pytest.mark.parametrize("password", [PASSWORD[:-1] + "x", "wrong-guess"])
def test_a_wrong_password_is_the_same_work_for_everybody(
    weigh: Callable[..., Work], password: str
) -> None:
    found = {
        kind: weigh(lambda kind=kind: sign_in(Client(), f"{kind}@example.org", password))
        for kind in KINDS
    }
    assert _differing(found) == []
    work = found["eve"]
    assert work.rounds == hashers.PBKDF2PasswordHasher.iterations >= 1_000_000
    assert work.statements
    assert work.cache
    assert sum(work.rows.values()) > 0


def test_a_right_password_of_somebody_switched_off_is_the_same_work_as_a_wrong_one(
    weigh: Callable[..., Work],
) -> None:
    found = {
        kind: weigh(lambda kind=kind: sign_in(Client(), f"{kind}@example.org"))
        for kind in ("eve", "off", "non")
    }
    assert _differing(found) == []


def test_asking_for_a_new_password_is_the_same_work_for_everybody(
    weigh: Callable[..., Work],
) -> None:
    found = {
        kind: weigh(lambda kind=kind: Client().post(RESET, {"email": f"{kind}@example.org"}))
        for kind in KINDS
    }
    assert _differing(found) == []
    assert found["eve"].rounds == 0
    assert found["eve"].rows["accounts.ResetWish"] == 1
