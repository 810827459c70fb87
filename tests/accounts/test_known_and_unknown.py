"""Nothing tells a known address from an unknown one: what is said, and the work done for it."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.accounts.services import person_ensure
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
# The clock's and the log's word, different in each answer.
CHANGING = {"Expires", "X-Request-Id"}
RESET = "/accounts/password/reset/"
KNOWN = "ada@example.org"
# All equally long, so that not even the length of the answer differs.
TRIES = {
    "unknown": ("eve@example.org", PASSWORD),
    "wrong": (KNOWN, "wrong"),
    "inactive": ("off@example.org", "wrong"),
    "inactive, right": ("out@example.org", PASSWORD),
    "without a password": ("non@example.org", PASSWORD),
}


@pytest.fixture(autouse=True)
def people(ada: User) -> None:
    for name in ("off", "out"):
        person_ensure(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    User.objects.exclude(pk=ada.pk).update(is_active=False)
    person_ensure(actor=ACTOR, email="non@example.org", password=None)
    # The first of all begins the counts of this address, which costs it other statements.
    sign_in(Client(), "first@example.org", "guess")
    Client().post(RESET, {"email": "first@example.org"})


def work(ask: Callable[[], object]) -> list[str]:
    """The statements, without what they are about."""
    with CaptureQueriesContext(connection) as queries:
        ask()
    return [re.sub(r"'[^']*'|\bx?\d+|s\d+_x\d+", "?", query["sql"]) for query in queries]


def said(answer: HttpResponse, email: str) -> tuple[int, str, str]:
    body = answer.content.decode().replace(email, "typed")
    body = re.sub(r'value="\w{64}"|data-now="\d+"', "", body)
    heads = {name: told for name, told in answer.headers.items() if name not in CHANGING}
    return answer.status_code, body, f"{sorted(heads.items())} {sorted(answer.cookies)}"


def test_each_try_is_told_the_same() -> None:
    answers = {said(sign_in(Client(), *typed), typed[0]) for typed in TRIES.values()}
    assert len(answers) == 1
    [(status, body, _heads)] = answers
    assert status == 200
    assert "not correct" in body


def test_each_try_costs_one_hash_and_the_same_statements(hashes: list[str]) -> None:
    found = {}
    for kind, typed in TRIES.items():
        hashes.clear()
        statements = work(lambda typed=typed: sign_in(Client(), *typed))  # type: ignore[misc]
        found[kind] = (len(hashes), statements)
    assert {count for count, _ in found.values()} == {1}
    assert [kind for kind, one in found.items() if one != found["unknown"]] == []


def test_the_limit_comes_at_the_same_try_without_a_hash(hashes: list[str]) -> None:
    found = {}
    for number, (kind, typed) in enumerate(TRIES.items()):
        hashes.clear()
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        wrong = (typed[0], "guess")
        answers = [said(sign_in(client, *wrong), typed[0]) for _ in range(7)]
        found[kind] = (len(hashes), answers)
    assert [kind for kind, one in found.items() if one != found["unknown"]] == []
    assert found["unknown"][0] == 5


def test_asking_for_a_new_password_is_the_same_for_everybody(hashes: list[str]) -> None:
    found = {}
    for kind, (email, _password) in TRIES.items():
        client = Client()
        answers: list[HttpResponse] = []
        statements = work(
            lambda: answers.append(client.post(RESET, {"email": email}))  # noqa: B023
        )
        seen = [said(answers[0], email), said(client.get(answers[0]["Location"]), email)]
        found[kind] = (statements, seen)
    assert hashes == []
    assert [kind for kind, one in found.items() if one != found["unknown"]] == []
