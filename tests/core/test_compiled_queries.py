"""Queries that are compiled once: each later run takes the values of that run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import BigIntegerField, DateTimeField, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.core import compiled_queries
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_pair,
    transform_value_or_param,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
builder_calls: list[str] = []


@pytest.fixture(autouse=True)
def empty_query_cache() -> Iterator[None]:
    def clear() -> None:
        builder_calls.clear()
        vars(compiled_queries.connections["default"]).pop(
            compiled_queries._CONNECTION_ATTRIBUTE, None
        )

    clear()
    yield
    clear()


def hour_before(moment: datetime) -> datetime:
    return moment - timedelta(hours=1)


def build_people_query(word: str) -> QuerySet[Any, Any]:
    builder_calls.append(word)
    since = transform_value_or_param(Param("now", DateTimeField()), hour_before, DateTimeField())
    rows = User.objects.filter(pk=Param("person", BigIntegerField()), created_at__gte=since)
    return rows.filter(email__startswith=word).values("email", "is_active", "created_at")


def fetch_people(word: str, person: int, now: datetime = NOON) -> list[dict[str, Any]]:
    return compiled_query_fetch(
        build_people_query, word, param_values={"person": person, "now": now}
    )


@pytest.fixture
def ana() -> User:
    return User.objects.create(email="ana@example.org", created_at=NOON)


@pytest.fixture
def ben() -> User:
    return User.objects.create(email="ben@example.org", created_at=NOON)


def test_fetched_values_have_their_python_types(ana: User) -> None:
    assert fetch_people("a", ana.pk) == [
        {"email": ana.email, "is_active": True, "created_at": NOON}
    ]


def test_a_query_of_one_person_returns_no_rows_of_another(ana: User, ben: User) -> None:
    assert [fetch_people("", person.pk)[0]["email"] for person in (ana, ben, ana)] == [
        ana.email,
        ben.email,
        ana.email,
    ]
    assert builder_calls == [""]


def test_a_derived_param_is_computed_for_each_run(ana: User) -> None:
    assert len(fetch_people("", ana.pk, NOON + timedelta(hours=1))) == 1
    assert fetch_people("", ana.pk, NOON + timedelta(hours=1, seconds=1)) == []


def test_queries_with_other_arguments_are_compiled_apart(ana: User) -> None:
    assert (
        len(fetch_people("ana", ana.pk)),
        fetch_people("ben", ana.pk),
        len(fetch_people("ana", ana.pk)),
    ) == (
        1,
        [],
        1,
    )
    assert builder_calls == ["ana", "ben"]


def test_limit_and_offset_select_a_part_of_the_rows(ana: User, ben: User) -> None:
    def emails(**part: int) -> list[str]:
        rows = compiled_query_fetch(build_all_query, param_values={}, **part)
        return [row["email"] for row in rows]

    assert emails() == [ana.email, ben.email]
    assert emails(limit=1, offset=1) == [ben.email]
    assert emails(limit=5) == [ana.email, ben.email]


def build_all_query() -> QuerySet[Any, Any]:
    return User.objects.order_by("email").values("email")


def test_a_connection_caches_a_limited_number_of_queries(ana: User) -> None:
    for number in range(compiled_queries.MAX_QUERIES_PER_CONNECTION + 5):
        fetch_people(str(number), ana.pk)
    queries = vars(compiled_queries.connections[connection.alias])[
        compiled_queries._CONNECTION_ATTRIBUTE
    ]
    assert len(queries) == compiled_queries.MAX_QUERIES_PER_CONNECTION


def test_a_query_in_frequent_use_stays_cached(ana: User) -> None:
    for number in range(2 * compiled_queries.MAX_QUERIES_PER_CONNECTION):
        fetch_people("often", ana.pk)
        fetch_people(str(number), ana.pk)
    assert builder_calls.count("often") == 1


def test_two_queries_are_fetched_together_each_in_its_order(
    ana: User, ben: User, django_assert_num_queries: Any
) -> None:
    param_values = {"person": ana.pk, "now": NOON}
    with django_assert_num_queries(1):
        people, first_row = compiled_query_fetch_pair(
            LimitedQuery(build_people_query, ("a",), 5),
            LimitedQuery(build_all_query, (), 1),
            param_values=param_values,
        )
    assert (people, first_row) == (fetch_people("a", ana.pk), [{"email": ana.email}])
    no_people, rows = compiled_query_fetch_pair(
        LimitedQuery(build_people_query, ("x",), 5),
        LimitedQuery(build_all_query, (), 5),
        param_values=param_values,
    )
    assert (no_people, [row["email"] for row in rows]) == ([], [ana.email, ben.email])
