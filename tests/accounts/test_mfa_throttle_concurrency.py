"""Concurrent codes: no more are checked than the limit allows, and each works once."""

from unittest.mock import patch

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from pytest_django.fixtures import Settings

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, set_up_second_factor, sign_in
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)

SHOW = "/accounts/2fa/authenticate/"
MOST, AT_ONCE = 3, 6

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


@pytest.fixture(autouse=True)
def low_code_limits(settings: Settings) -> None:
    limits = {
        "code_failed": "50/5m/key",
        "code_failed_here": "50/m/ip",
        "code_failed_in_a_day": f"{MOST}/d/key",
    }
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | limits


def clients_before_second_factor(number: int) -> list[Client]:
    """New clients, each of which has given the right password."""

    def create_clients() -> list[Client]:
        ada: User = person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]
        set_up_second_factor(ada)
        clients = [Client(REMOTE_ADDR=f"192.0.2.{n}") for n in range(number)]
        for client in clients:
            assert sign_in(client, ada.email)["Location"] == SHOW
        return clients

    return run_in_thread(create_clients)


def submit_code_concurrently(clients: list[Client], code: str) -> list[bool]:
    return run_concurrently(
        [lambda c=client: c.post(SHOW, {"code": code}).status_code == 302 for client in clients]
    )


def test_no_more_codes_are_checked_than_the_limit_allows() -> None:
    clients, checked_codes = clients_before_second_factor(AT_ONCE), list[str]()

    def record_code(self: TOTP, code: str) -> bool:
        checked_codes.append(code)
        return False

    with patch.object(TOTP, "validate_code", record_code):
        assert not any(submit_code_concurrently(clients, "000000"))
    assert len(checked_codes) == MOST


def test_recovery_code_works_once() -> None:
    clients = clients_before_second_factor(MOST)
    codes = run_in_thread(lambda: Authenticator.objects.get(type="recovery_codes").wrap())
    assert sum(submit_code_concurrently(clients, codes.get_unused_codes()[0])) == 1
