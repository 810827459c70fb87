"""Drill S18: the work done for a response does not tell whether there is an account.

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
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
RESET = "/accounts/password/reset/"
CALLS = ("get", "set", "add", "incr", "touch", "delete", "get_many", "set_many")
# All equally long; "old" was hashed with fewer iterations.
KINDS = ("ada", "eve", "off", "non", "old")


@dataclass
class Workload:
    """The work done for one response."""

    hash_iterations: int = 0
    statements: list[str] = field(default_factory=list)
    cache: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    sizes: tuple[int, int] = (0, 0)


@pytest.fixture
def hash_iterations(settings: Settings) -> Iterator[list[int]]:
    """The iterations asked for by each hash, as in production; one alone is computed."""
    iterations_per_hash: list[int] = []
    pbkdf2 = hashers.pbkdf2

    def recording_pbkdf2(password: str, salt: str, iterations: int, **kwargs: object) -> bytes:
        iterations_per_hash.append(iterations)
        return bytes(pbkdf2(password, salt, 1, **kwargs))

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    with patch.object(hashers, "pbkdf2", recording_pbkdf2):
        yield iterations_per_hash


@pytest.fixture(autouse=True)
def people(hash_iterations: list[int], db: None) -> None:
    """An active person, an inactive one, one without a password, and one with an old hash."""
    for name in ("ada", "off", "old"):
        person_get_or_create(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    person_get_or_create(actor=ACTOR, email="non@example.org", password=None)
    User.objects.filter(email="off@example.org").update(is_active=False)
    old = hashers.PBKDF2PasswordHasher().encode(PASSWORD, "s" * 22, 600_000)
    User.objects.filter(email="old@example.org").update(password=old)
    # The first request creates the counts of this address, which takes other statements.
    sign_in(Client(), "first@example.org", "guess")
    Client().post(RESET, {"email": "first@example.org"})


@pytest.fixture
def measure_workload(
    hash_iterations: list[int], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Workload]:
    """A function that measures the workload of a request."""
    calls: list[str] = []
    for kind in {type(caches[name]) for name in ("default", "fast")}:
        for name in CALLS:
            monkeypatch.setattr(kind, name, recording_call(getattr(kind, name), name, calls))

    def measured(send_request: Callable[[], HttpResponse]) -> Workload:
        hash_iterations.clear()
        calls.clear()
        counts_before = row_counts()
        with CaptureQueriesContext(connection) as queries:
            response = send_request()
        header_size = sum(len(f"{name}: {value}") for name, value in response.headers.items())
        return Workload(
            hash_iterations=sum(hash_iterations),
            statements=[sql_without_values(query["sql"]) for query in queries],
            cache=calls.copy(),
            rows={name: count - counts_before[name] for name, count in row_counts().items()},
            sizes=(len(response.content), header_size),
        )

    return measured


def recording_call(
    call: Callable[..., object], name: str, calls: list[str]
) -> Callable[..., object]:
    def recorder(*args: object, **kwargs: object) -> object:
        calls.append(name)
        return call(*args, **kwargs)

    return recorder


def row_counts() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def sql_without_values(sql: str) -> str:
    """A statement without its values."""
    return re.sub(r"'[^']*'|\bx?\d+|s\d+_x\d+", "?", sql)


def differing_kinds(workloads: dict[str, Workload]) -> list[str]:
    return [kind for kind, workload in workloads.items() if workload != workloads["eve"]]


@pytest.mark.parametrize("password", [PASSWORD[:-1] + "x", "wrong-guess"])
def test_a_wrong_password_is_the_same_work_for_everybody(
    measure_workload: Callable[..., Workload], password: str
) -> None:
    workloads = {
        kind: measure_workload(lambda kind=kind: sign_in(Client(), f"{kind}@example.org", password))
        for kind in KINDS
    }
    assert differing_kinds(workloads) == []
    workload = workloads["eve"]
    assert workload.hash_iterations == hashers.PBKDF2PasswordHasher.iterations >= 1_000_000
    assert sum("accounts_attempthistory" in sql for sql in workload.statements) == 4
    assert sum(workload.rows.values()) > 0


def test_right_password_of_an_inactive_person_is_the_same_work_as_a_wrong_one(
    measure_workload: Callable[..., Workload],
) -> None:
    workloads = {
        kind: measure_workload(lambda kind=kind: sign_in(Client(), f"{kind}@example.org"))
        for kind in ("eve", "off", "non")
    }
    assert differing_kinds(workloads) == []


def test_password_reset_request_is_the_same_work_for_everybody(
    measure_workload: Callable[..., Workload],
) -> None:
    workloads = {
        kind: measure_workload(
            lambda kind=kind: Client().post(RESET, {"email": f"{kind}@example.org"})
        )
        for kind in KINDS
    }
    assert differing_kinds(workloads) == []
    assert workloads["eve"].hash_iterations == 0
    assert workloads["eve"].rows["accounts.PasswordResetRequest"] == 1
    assert workloads["eve"].rows["core.OutboxMessage"] == 1
