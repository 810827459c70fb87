"""Responses and statements do not tell a known address from an unknown one."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in

pytestmark = pytest.mark.django_db
# Headers that differ in each response.
CHANGING = {"Expires", "X-Request-Id"}
RESET = "/accounts/password/reset/"
KNOWN = "ada@example.org"
# All equally long, so that not even the length of the response differs.
ATTEMPTS = {
    "unknown": ("eve@example.org", PASSWORD),
    "wrong": (KNOWN, "wrong"),
    "inactive": ("off@example.org", "wrong"),
    "inactive, right": ("out@example.org", PASSWORD),
    "without a password": ("non@example.org", PASSWORD),
}


@pytest.fixture(autouse=True)
def people(ada: User) -> None:
    for name in ("off", "out"):
        person_get_or_create(actor=ACTOR, email=f"{name}@example.org", password=PASSWORD)
    User.objects.exclude(pk=ada.pk).update(is_active=False)
    person_get_or_create(actor=ACTOR, email="non@example.org", password=None)
    # The first request creates the counts of this address, which takes other statements.
    sign_in(Client(), "first@example.org", "guess")
    Client().post(RESET, {"email": "first@example.org"})


def executed_statements(call: Callable[[], object]) -> list[str]:
    """The SQL statements of a call, without their values."""
    with CaptureQueriesContext(connection) as queries:
        call()
    return [re.sub(r"'[^']*'|\bx?\d+|s\d+_x\d+", "?", query["sql"]) for query in queries]


def comparable_response(response: HttpResponse, email: str) -> tuple[int, str, str]:
    body = response.content.decode().replace(email, "typed")
    body = re.sub(r'value="\w{64}"|data-now="\d+"', "", body)
    headers = {name: value for name, value in response.headers.items() if name not in CHANGING}
    return response.status_code, body, f"{sorted(headers.items())} {sorted(response.cookies)}"


def test_every_failed_sign_in_gets_the_same_response() -> None:
    responses = {
        comparable_response(sign_in(Client(), *credentials), credentials[0])
        for credentials in ATTEMPTS.values()
    }
    assert len(responses) == 1
    [(status, body, _heads)] = responses
    assert status == 200
    assert "not correct" in body


def test_every_failed_sign_in_costs_one_hash_and_the_same_statements(
    hashed_passwords: list[str],
) -> None:
    costs = {}
    for kind, credentials in ATTEMPTS.items():
        hashed_passwords.clear()
        statements = executed_statements(
            lambda credentials=credentials: sign_in(Client(), *credentials)  # type: ignore[misc]
        )
        costs[kind] = (len(hashed_passwords), statements)
    assert {count for count, _ in costs.values()} == {1}
    assert [kind for kind, cost in costs.items() if cost != costs["unknown"]] == []


def test_login_limit_comes_at_the_same_attempt_without_a_hash(hashed_passwords: list[str]) -> None:
    outcomes = {}
    for number, (kind, credentials) in enumerate(ATTEMPTS.items()):
        hashed_passwords.clear()
        client = Client(REMOTE_ADDR=f"192.0.2.{number}")
        wrong_credentials = (credentials[0], "guess")
        responses = [
            comparable_response(sign_in(client, *wrong_credentials), credentials[0])
            for _ in range(7)
        ]
        outcomes[kind] = (len(hashed_passwords), responses)
    assert [kind for kind, outcome in outcomes.items() if outcome != outcomes["unknown"]] == []
    assert outcomes["unknown"][0] == 5


def test_password_reset_is_the_same_for_every_address(hashed_passwords: list[str]) -> None:
    outcomes = {}
    for kind, (email, _password) in ATTEMPTS.items():
        client = Client()
        responses: list[HttpResponse] = []
        statements = executed_statements(
            lambda: responses.append(client.post(RESET, {"email": email}))  # noqa: B023
        )
        pages = [
            comparable_response(responses[0], email),
            comparable_response(client.get(responses[0]["Location"]), email),
        ]
        outcomes[kind] = (statements, pages)
    assert hashed_passwords == []
    assert [kind for kind, outcome in outcomes.items() if outcome != outcomes["unknown"]] == []
