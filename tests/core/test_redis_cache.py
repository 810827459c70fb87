"""With a real redis-server: JSON only, counters count, and no pickle is ever stored or loaded."""

import pickle
from collections.abc import Iterator

import pytest
import redis
from django.core.cache import caches
from django.test import override_settings

from freddy_admin.conf.django_settings import build_cache_settings
from freddy_admin.core import cache as core_cache

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    with override_settings(CACHES=build_cache_settings(redis_url)):
        client = redis.Redis.from_url(redis_url)
        client.flushdb()
        yield client
        client.close()
        caches["fast"].close()


def test_a_value_in_redis_is_returned_as_it_was() -> None:
    core_cache.cache_set("probe", {"a": [1, 2.5, None, "é"]}, seconds=30)

    assert core_cache.cache_get("probe") == {"a": [1, 2.5, None, "é"]}
    assert core_cache.is_cache_available()
    core_cache.cache_delete_many(["probe"])
    assert core_cache.cache_get("probe") is None


def test_lists_and_counters_round_trip_through_redis(redis_client: redis.Redis) -> None:
    cache = caches["fast"]
    cache.set("moments", [1.25, 2.5], 60)
    cache.set("count", 1, 60)

    assert cache.get("moments") == [1.25, 2.5]
    assert cache.incr("count", 4) == 5
    assert cache.get("count") == 5


def test_a_counter_in_redis_goes_up_by_one_and_expires(redis_client: redis.Redis) -> None:
    assert [core_cache.cache_increment("counted", seconds=30) for _ in range(3)] == [1, 2, 3]
    (name,) = redis_client.keys("freddy:*counted")
    assert 0 < redis_client.ttl(name) <= 30


def test_a_value_in_redis_is_stored_as_json(redis_client: redis.Redis) -> None:
    core_cache.cache_set("probe", ["plain"], seconds=30)
    stored = [redis_client.get(name) for name in redis_client.keys("freddy:*")]

    assert stored == [b'"[\\"plain\\"]"']


def test_a_pickle_in_redis_counts_as_an_absent_value(redis_client: redis.Redis) -> None:
    core_cache.cache_set("probe", 1, seconds=30)
    (name,) = redis_client.keys("freddy:*")
    redis_client.set(name, pickle.dumps(print))

    assert core_cache.cache_get("probe") is None
