"""The database's cache: a statement a call, exact when many call at once, emptied by and by."""

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.core.cache.backends import db as django_cache
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from freddy_admin.core.cache import JsonDatabaseCache, cache_prune
from freddy_admin.core.models import CacheEntry
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    shared_database,
)


@pytest.fixture
def cache() -> Any:
    return caches["default"]


def test_django_itself_is_not_patched() -> None:
    assert django_cache.pickle is pickle  # type: ignore[attr-defined]
    assert not issubclass(JsonDatabaseCache, django_cache.BaseDatabaseCache)


CALLS: dict[str, Callable[[Any], object]] = {
    "get": lambda cache: cache.get("there"),
    "get_many": lambda cache: cache.get_many(["there", "absent"]),
    "set": lambda cache: cache.set("there", 2, 60),
    "set of a new value": lambda cache: cache.set("new", 2, 60),
    "add": lambda cache: cache.add("new", 2, 60),
    "touch": lambda cache: cache.touch("there", 60),
    "delete": lambda cache: cache.delete("there"),
    "delete_many": lambda cache: cache.delete_many(["there", "absent"]),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_cache_is_one_statement(cache: Any, name: str) -> None:
    cache.set("there", 1, 60)
    with CaptureQueriesContext(connection) as queries:
        CALLS[name](cache)
    assert len(queries) == 1, [query["sql"] for query in queries]


@pytest.mark.django_db
def test_a_value_expires_after_its_seconds(cache: Any) -> None:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        cache.set("short", "a", 60)
        cache.set("for-ever", "b", None)
        cache.set("over-at-once", "c", 0)
        cache.set("longer", "d", 60)
        assert cache.touch("longer", 90)
        assert cache.get_many(["short", "for-ever", "over-at-once"]) == {
            "short": "a",
            "for-ever": "b",
        }
        traveller.shift(timedelta(seconds=60))
        assert (cache.get("short", "absent"), cache.touch("short", 60)) == ("absent", False)
        assert cache.get_many(["longer", "for-ever"]) == {"longer": "d", "for-ever": "b"}


@pytest.mark.django_db
def test_add_stores_only_where_nothing_is_left(cache: Any) -> None:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        assert cache.add("lock", 1, 10)
        assert not cache.add("lock", 2, 10)
        assert cache.get("lock") == 1
        traveller.shift(timedelta(seconds=10))
        assert cache.add("lock", 3, 10)
        assert cache.get("lock") == 3


@pytest.mark.django_db
def test_add_replaces_what_a_clock_wrote_while_it_was_ahead(cache: Any) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=300)):
        assert cache.add("lock", 1, 10)
    assert cache.get("lock", "absent") == "absent"
    assert cache.add("lock", 2, 10)
    assert cache.get("lock") == 2


@pytest.mark.django_db
def test_versions_of_a_key_are_kept_apart(cache: Any) -> None:
    cache.set("key", "old", 60, version=1)
    cache.set("key", "new", 60)
    assert (cache.get("key", version=1), cache.get("key")) == ("old", "new")
    assert cache.delete("key", version=1)
    assert not cache.delete("key", version=1)
    assert cache.get("key") == "new"


@pytest.mark.django_db(transaction=not IS_SQLITE)
@pytest.mark.usefixtures("shared_database")
def test_of_many_that_add_at_once_one_succeeds(cache: Any) -> None:
    calls = [lambda number=number: caches["default"].add("lock", number, 60) for number in range(8)]
    assert sum(run_concurrently(calls)) == 1


@pytest.mark.django_db
def test_a_refused_write_takes_nothing_of_the_callers_with_it(cache: Any) -> None:
    def refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO core_cache" in sql:
            raise DatabaseError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_writes):
        cache.set("key", 1, 60)
        assert not cache.add("key", 1, 60)
    assert cache.get("key", "absent") == "absent"


@pytest.mark.django_db
def test_expired_values_are_pruned(cache: Any) -> None:
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        cache.set("short", 1, 60)
        cache.set("long", 2, 90)
        traveller.shift(timedelta(seconds=60))
        cache_prune()
        assert CacheEntry.objects.count() == 1
        assert cache.get("long") == 2


@pytest.mark.django_db
def test_beyond_the_limit_the_values_that_expire_first_are_pruned() -> None:
    cache = JsonDatabaseCache("", {"OPTIONS": {"MAX_ENTRIES": 3}})
    for number in range(5):
        cache.set(str(number), number, 60 + number)
    cache.prune()
    assert cache.get_many([str(number) for number in range(5)]) == {"2": 2, "3": 3, "4": 4}
