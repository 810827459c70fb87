"""With a real redis-server: JSON only, counters count, and no pickle ever gets in or out."""

import pickle
from collections.abc import Iterator

import pytest
import redis
from django.core.cache import caches
from django.test import override_settings

from freddy_admin.core import backends
from freddy_admin.core import cache as core_cache

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def in_redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setattr(core_cache, "_resume_at", 0.0)
    with override_settings(CACHES=backends.caches(redis_url)):
        client = redis.Redis.from_url(redis_url)
        client.flushdb()
        yield client
        client.close()
        caches["fast"].close()
        caches["fast"]._cache._get_connection_pool(write=True).disconnect()


def test_values_come_back_as_they_were() -> None:
    core_cache.cache_set("probe", {"a": [1, 2.5, None, "é"]}, seconds=30)

    assert core_cache.cache_get("probe") == {"a": [1, 2.5, None, "é"]}
    assert core_cache.cache_works()
    core_cache.cache_delete("probe")
    assert core_cache.cache_get("probe") is None


def test_only_the_first_of_many_adds() -> None:
    assert [core_cache.cache_add("probe", seconds=30) for _ in range(20)].count(True) == 1


def test_lists_of_moments_and_counters_survive(in_redis: redis.Redis) -> None:
    cache = caches["fast"]
    cache.set("moments", [1.25, 2.5], 60)
    cache.set("count", 1, 60)

    assert cache.get("moments") == [1.25, 2.5]
    assert cache.incr("count", 4) == 5
    assert cache.get("count") == 5


def test_what_is_counted_goes_up_by_one_and_away_with_time(in_redis: redis.Redis) -> None:
    assert [core_cache.cache_count("counted", seconds=30) for _ in range(3)] == [1, 2, 3]
    (name,) = in_redis.keys("freddy:*counted")
    assert 0 < in_redis.ttl(name) <= 30


def test_what_is_stored_is_readable_json(in_redis: redis.Redis) -> None:
    core_cache.cache_set("probe", ["plain"], seconds=30)
    stored = [in_redis.get(name) for name in in_redis.keys("freddy:*")]

    assert stored == [b'"[\\"plain\\"]"']


def test_a_planted_pickle_is_taken_for_an_absent_value(in_redis: redis.Redis) -> None:
    core_cache.cache_set("probe", 1, seconds=30)
    (name,) = in_redis.keys("freddy:*")
    in_redis.set(name, pickle.dumps(print))

    assert core_cache.cache_get("probe") is None
