"""A sign-in costs few statements: each limit is counted by one."""

from collections import Counter

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_or_create
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in
from tests.concurrency import IS_SQLITE

# As in production: a transaction of its own for each request.
pytestmark = pytest.mark.django_db(transaction=True)
MOST = 45
# SQLite is asked by a row that is written whether it takes writes, PostgreSQL by a question.
PROBE_STATEMENTS = 3 if IS_SQLITE else 1


@pytest.fixture
def ada() -> User:
    """Somebody with a password, in a panel whose audit log has begun."""
    person_get_or_create(actor=ACTOR, email="eve@example.org", password=PASSWORD)
    return person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]


def sign_in_statements(client: Client, email: str, password: str, *, status: int) -> list[str]:
    client.get("/accounts/login/")
    with CaptureQueriesContext(connection) as queries:
        assert sign_in(client, email, password).status_code == status
    return [query["sql"] for query in queries]


@pytest.mark.parametrize(
    ("email", "password", "status", "statements"),
    [
        ("ada@example.org", PASSWORD, 302, 31),
        ("ada@example.org", "wrong", 200, 17),
        ("nobody@example.org", "wrong", 200, 17),
    ],
)
def test_sign_in_of_a_new_visitor_costs_a_fixed_number_of_statements(
    ada: User, email: str, password: str, status: int, statements: int
) -> None:
    executed = sign_in_statements(Client(), email, password, status=status)
    assert len(executed) == statements + PROBE_STATEMENTS <= MOST, "\n".join(executed)


def test_sign_in_from_a_known_browser_costs_fewer_statements(ada: User) -> None:
    client = Client()
    first = sign_in_statements(client, ada.email, PASSWORD, status=302)
    client.post("/accounts/logout/")
    assert len(sign_in_statements(client, ada.email, PASSWORD, status=302)) < len(first)


def test_each_limit_is_counted_by_one_statement_and_given_back_by_one(ada: User) -> None:
    executed = sign_in_statements(Client(), ada.email, PASSWORD, status=302)
    verbs = [sql.split()[0] for sql in executed if "accounts_attempthistory" in sql]
    # All sign-ins of an address; wrong ones of an address, of an account from it, from anywhere.
    assert Counter(verbs) == {"INSERT": 4, "UPDATE": 3}
    assert not [sql for sql in executed if "core_cache" in sql]
