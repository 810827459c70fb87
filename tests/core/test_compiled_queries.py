"""Queries that are compiled once: each later run takes the values of that run."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import BigIntegerField, DateTimeField, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_all,
    transform_value_or_param,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def hour_before(moment: datetime) -> datetime:
    return moment - timedelta(hours=1)


class PeopleQuery:
    """A builder of its own for each test, so that nothing of it is compiled yet; counts calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def build(self, word: str) -> QuerySet[Any, Any]:
        self.calls.append(word)
        since = transform_value_or_param(
            Param("now", DateTimeField()), hour_before, DateTimeField()
        )
        rows = User.objects.filter(pk=Param("person", BigIntegerField()), created_at__gte=since)
        return rows.filter(email__startswith=word).values("email", "is_active", "created_at")

    def fetch(self, word: str, person: int, now: datetime = NOON) -> list[dict[str, Any]]:
        return compiled_query_fetch(self.build, word, param_values={"person": person, "now": now})


@pytest.fixture
def people() -> PeopleQuery:
    return PeopleQuery()


@pytest.fixture
def ana() -> User:
    return User.objects.create(email="ana@example.org", created_at=NOON)


@pytest.fixture
def ben() -> User:
    return User.objects.create(email="ben@example.org", created_at=NOON)


def test_fetched_values_have_their_python_types(ana: User, people: PeopleQuery) -> None:
    assert people.fetch("a", ana.pk) == [
        {"email": ana.email, "is_active": True, "created_at": NOON}
    ]


def test_a_query_of_one_person_returns_no_rows_of_another(
    ana: User, ben: User, people: PeopleQuery
) -> None:
    assert [people.fetch("", person.pk)[0]["email"] for person in (ana, ben, ana)] == [
        ana.email,
        ben.email,
        ana.email,
    ]
    assert people.calls == [""]


def test_a_derived_param_is_computed_for_each_run(ana: User, people: PeopleQuery) -> None:
    assert len(people.fetch("", ana.pk, NOON + timedelta(hours=1))) == 1
    assert people.fetch("", ana.pk, NOON + timedelta(hours=1, seconds=1)) == []


def test_queries_with_other_arguments_are_compiled_apart(ana: User, people: PeopleQuery) -> None:
    assert (
        len(people.fetch("ana", ana.pk)),
        people.fetch("ben", ana.pk),
        len(people.fetch("ana", ana.pk)),
    ) == (
        1,
        [],
        1,
    )
    assert people.calls == ["ana", "ben"]


def test_limit_and_offset_select_a_part_of_the_rows(ana: User, ben: User) -> None:
    def emails(**part: int) -> list[str]:
        rows = compiled_query_fetch(build_all_query, param_values={}, **part)
        return [row["email"] for row in rows]

    assert emails() == [ana.email, ben.email]
    assert emails(limit=1, offset=1) == [ben.email]
    assert emails(limit=5) == [ana.email, ben.email]


def build_all_query() -> QuerySet[Any, Any]:
    return User.objects.order_by("email").values("email")


def build_number_query() -> QuerySet[Any, Any]:
    return User.objects.order_by("pk").values("pk")


def test_a_connection_keeps_a_limited_number_of_queries(ana: User, people: PeopleQuery) -> None:
    for number in range(300):
        people.fetch(str(number), ana.pk)
    people.fetch("299", ana.pk)
    people.fetch("0", ana.pk)
    assert people.calls[300:] == ["0"]


def test_a_query_in_frequent_use_is_kept(ana: User, people: PeopleQuery) -> None:
    for number in range(300):
        people.fetch("often", ana.pk)
        people.fetch(str(number), ana.pk)
    assert people.calls.count("often") == 1


def test_queries_are_fetched_together_each_in_its_order(
    ana: User, ben: User, django_assert_num_queries: Any, people: PeopleQuery
) -> None:
    param_values = {"person": ana.pk, "now": NOON}
    one, all_people = LimitedQuery(build_all_query, (), 1), LimitedQuery(build_all_query, (), 5)
    numbers = LimitedQuery(build_number_query, (), 5)
    with django_assert_num_queries(1):
        chosen_rows, first_row, number_rows = compiled_query_fetch_all(
            [LimitedQuery(people.build, ("a",), 5), one, numbers], param_values=param_values
        )
    assert (chosen_rows, first_row) == (people.fetch("a", ana.pk), [{"email": ana.email}])
    assert [row["pk"] for row in number_rows] == [ana.pk, ben.pk]
    no_people, rows = compiled_query_fetch_all(
        [LimitedQuery(people.build, ("x",), 5), all_people], param_values=param_values
    )
    assert (no_people, [row["email"] for row in rows]) == ([], [ana.email, ben.email])
