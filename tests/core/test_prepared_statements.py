"""Statements that are put together once: what runs later is filled with the values of that run."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import BigIntegerField, DateTimeField, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.core import prepared
from freddy_admin.core.prepared import Part, Slot, derived, prepared_pair, prepared_values

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
built: list[str] = []


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    def forget() -> None:
        built.clear()
        vars(prepared.connections["default"]).pop(prepared._PLACE, None)

    forget()
    yield
    forget()


def before(moment: datetime) -> datetime:
    return moment - timedelta(hours=1)


def people(word: str) -> QuerySet[Any, Any]:
    built.append(word)
    since = derived(Slot("now", DateTimeField()), before, DateTimeField())
    rows = User.objects.filter(pk=Slot("person", BigIntegerField()), created_at__gte=since)
    return rows.filter(email__startswith=word).values("email", "is_active", "created_at")


def asked(word: str, person: int, now: datetime = NOON) -> list[dict[str, Any]]:
    return prepared_values(people, word, given={"person": person, "now": now})


@pytest.fixture
def ana() -> User:
    return User.objects.create(email="ana@example.org", created_at=NOON)


@pytest.fixture
def ben() -> User:
    return User.objects.create(email="ben@example.org", created_at=NOON)


def test_values_come_as_python_knows_them(ana: User) -> None:
    assert asked("a", ana.pk) == [{"email": ana.email, "is_active": True, "created_at": NOON}]


def test_nobody_gets_what_the_first_one_was_answered(ana: User, ben: User) -> None:
    assert [asked("", one.pk)[0]["email"] for one in (ana, ben, ana)] == [
        ana.email,
        ben.email,
        ana.email,
    ]
    assert built == [""]


def test_what_follows_from_a_value_is_worked_out_anew(ana: User) -> None:
    assert len(asked("", ana.pk, NOON + timedelta(hours=1))) == 1
    assert asked("", ana.pk, NOON + timedelta(hours=1, seconds=1)) == []


def test_each_shape_is_a_statement_of_its_own(ana: User) -> None:
    assert (len(asked("ana", ana.pk)), asked("ben", ana.pk), len(asked("ana", ana.pk))) == (
        1,
        [],
        1,
    )
    assert built == ["ana", "ben"]


def test_a_part_of_the_rows_is_asked_for_by_numbers(ana: User, ben: User) -> None:
    def named(**part: int) -> list[str]:
        return [one["email"] for one in prepared_values(_all, given={}, **part)]

    assert named() == [ana.email, ben.email]
    assert named(limit=1, offset=1) == [ben.email]
    assert named(limit=5) == [ana.email, ben.email]


def _all() -> QuerySet[Any, Any]:
    return User.objects.order_by("email").values("email")


def test_only_so_many_are_kept(ana: User) -> None:
    for number in range(prepared.KEPT + 5):
        asked(str(number), ana.pk)
    kept = vars(prepared.connections[connection.alias])[prepared._PLACE]
    assert len(kept) == prepared.KEPT


def test_what_is_used_again_and_again_stays(ana: User) -> None:
    for number in range(2 * prepared.KEPT):
        asked("often", ana.pk)
        asked(str(number), ana.pk)
    assert built.count("often") == 1


def test_two_statements_are_asked_together_each_in_its_order(
    ana: User, ben: User, django_assert_num_queries: Any
) -> None:
    given = {"person": ana.pk, "now": NOON}
    with django_assert_num_queries(1):
        mine, both = prepared_pair(Part(people, ("a",), 5), Part(_all, (), 1), given=given)
    assert (mine, both) == (asked("a", ana.pk), [{"email": ana.email}])
    none, rest = prepared_pair(Part(people, ("x",), 5), Part(_all, (), 5), given=given)
    assert (none, [one["email"] for one in rest]) == ([], [ana.email, ben.email])
