"""The cache may fail: nothing breaks, and only one page waits for it."""

import pickle
import time
from typing import Any

import pytest

from freddy_admin.core import cache as core_cache


class UnavailableCache:
    """A cache whose every call fails, and which counts the calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            self.calls += 1
            raise ConnectionError("planted detail")

        return fail


@pytest.fixture
def unavailable_cache(monkeypatch: pytest.MonkeyPatch) -> UnavailableCache:
    cache = UnavailableCache()
    monkeypatch.setattr(core_cache, "cache", cache)
    return cache


@pytest.mark.django_db
def test_a_cached_value_is_returned_as_it_was() -> None:
    core_cache.cache_set("probe", {"a": [1, 2.5, None, "é"]}, seconds=30)

    assert core_cache.cache_get("probe") == {"a": [1, 2.5, None, "é"]}
    core_cache.cache_delete_many(["probe"])
    assert core_cache.cache_get("probe") is None


@pytest.mark.django_db
def test_the_database_cache_is_available() -> None:
    assert core_cache.is_cache_available()


def test_an_unavailable_cache_is_called_once_and_then_paused(
    unavailable_cache: UnavailableCache,
) -> None:
    for _ in range(10):
        assert core_cache.cache_get("probe") is None
        core_cache.cache_set("probe", 1, seconds=5)
        core_cache.cache_delete_many(["probe"])
        assert core_cache.cache_increment("probe", seconds=5) is None

    assert unavailable_cache.calls == 1


def test_the_cache_is_called_again_after_the_pause(
    unavailable_cache: UnavailableCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_at, calls = time.monotonic(), []
    for seconds in (0.0, core_cache.PAUSE_AFTER_FAILURE - 1, core_cache.PAUSE_AFTER_FAILURE):
        monkeypatch.setattr(time, "monotonic", lambda at=failed_at + seconds: at)
        core_cache.cache_get("probe")
        calls.append(unavailable_cache.calls)

    assert calls == [1, 1, 2]


def test_is_cache_available_calls_the_cache_in_spite_of_the_pause(
    unavailable_cache: UnavailableCache,
) -> None:
    core_cache.cache_get("probe")

    assert not core_cache.is_cache_available()
    assert unavailable_cache.calls == 2


def test_a_cache_error_is_logged_without_its_text(
    unavailable_cache: UnavailableCache, caplog: pytest.LogCaptureFixture
) -> None:
    core_cache.cache_get("probe")

    assert "ConnectionError" in caplog.text
    assert "planted" not in caplog.text


def test_the_json_serializer_round_trips_values_and_keeps_integers() -> None:
    serializer = core_cache.JsonSerializer(protocol=5)

    assert serializer.dumps(7) == 7
    assert serializer.loads(b"7") == 7
    for value in (True, [1.5, 2.5], {"a": None}, "y"):
        assert serializer.loads(serializer.dumps(value)) == value


def test_the_json_serializer_loads_no_pickle() -> None:
    with pytest.raises(ValueError, match=r"."):
        core_cache.JsonSerializer().loads(pickle.dumps(print))
