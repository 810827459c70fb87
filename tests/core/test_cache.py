"""The cache may fail: nothing breaks, and a page pays for it once."""

import pickle
from typing import Any

import pytest

from freddy_admin.core import cache as core_cache


class Broken:
    """A cache that never answers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            self.calls += 1
            raise ConnectionError("planted detail")

        return fail


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_cache, "_resume_at", 0.0)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    cache = Broken()
    monkeypatch.setattr(core_cache, "cache", cache)
    return cache


@pytest.mark.django_db
def test_a_value_comes_back_as_it_was() -> None:
    core_cache.cache_set("probe", {"a": [1, 2.5, None, "é"]}, seconds=30)

    assert core_cache.cache_get("probe") == {"a": [1, 2.5, None, "é"]}
    core_cache.cache_delete("probe")
    assert core_cache.cache_get("probe") is None


@pytest.mark.django_db
def test_only_the_first_of_many_adds() -> None:
    assert core_cache.cache_add("probe", seconds=30)
    assert not core_cache.cache_add("probe", seconds=30)


@pytest.mark.django_db
def test_the_embedded_cache_works() -> None:
    assert core_cache.cache_works()


def test_a_cache_that_is_away_is_asked_once_and_then_left_alone(broken: Broken) -> None:
    for _ in range(10):
        assert core_cache.cache_get("probe") is None
        core_cache.cache_set("probe", 1, seconds=5)
        core_cache.cache_delete("probe")
        assert core_cache.cache_add("probe", seconds=5)

    assert broken.calls == 1


def test_after_the_pause_the_cache_is_tried_again(
    broken: Broken, monkeypatch: pytest.MonkeyPatch
) -> None:
    core_cache.cache_get("probe")
    monkeypatch.setattr(core_cache.time, "monotonic", lambda: core_cache._resume_at + 0.001)
    core_cache.cache_get("probe")

    assert broken.calls == 2


def test_the_readiness_page_is_told_although_the_cache_is_left_alone(broken: Broken) -> None:
    core_cache.cache_get("probe")

    assert not core_cache.cache_works()
    assert broken.calls == 2


def test_what_went_wrong_is_logged_without_its_text(
    broken: Broken, caplog: pytest.LogCaptureFixture
) -> None:
    core_cache.cache_get("probe")

    assert "ConnectionError" in caplog.text
    assert "planted" not in caplog.text


def test_the_serializer_keeps_json_and_counts() -> None:
    serializer = core_cache.JsonSerializer(protocol=5)

    assert serializer.dumps(7) == 7
    assert serializer.loads(b"7") == 7
    for value in (True, [1.5, 2.5], {"a": None}, "y"):
        assert serializer.loads(serializer.dumps(value)) == value


def test_a_pickle_planted_in_redis_is_not_loaded() -> None:
    with pytest.raises(ValueError, match=r"."):
        core_cache.JsonSerializer().loads(pickle.dumps(print))
