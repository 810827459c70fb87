"""So many in a span and no more, wherever it is counted; a store that is away holds nobody back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from freddy_admin.core import cache, clock, limits
from freddy_admin.core.limits import Limit, TooManyRequests, limit_hold
from freddy_admin.core.models import LimitCount
from tests.at_once import at_once, shared

__all__ = ["shared"]

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
THREE = Limit("test", most=3, seconds=60)


def _taken(of: str = "a", times: int = 5) -> int:
    for number in range(times):
        try:
            limit_hold(THREE, of=of)
        except TooManyRequests:
            return number
    return times


@pytest.fixture
def noon() -> Iterator[None]:
    with clock.using(lambda: NOON):
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_so_many_and_no_more_for_each() -> None:
    assert _taken("a") == 3
    assert _taken("b") == 3
    assert _taken("a") == 0


@pytest.mark.django_db
def test_whoever_is_held_back_is_told_for_how_long() -> None:
    with clock.using(lambda: NOON + timedelta(seconds=20)):
        _taken()
        with pytest.raises(TooManyRequests) as held:
            limit_hold(THREE, of="a")
    assert held.value.retry_after == 40
    assert held.value.headers == {"Retry-After": "40"}
    assert "40 seconds" in held.value.message


@pytest.mark.django_db
def test_a_new_span_begins_anew() -> None:
    with clock.using(lambda: NOON):
        assert _taken() == 3
    with clock.using(lambda: NOON + timedelta(seconds=60)):
        assert _taken() == 3


@pytest.mark.django_db
def test_a_fast_clock_makes_no_shorter_spans() -> None:
    with clock.using(lambda: NOON, speed=60.0):
        assert _taken() == 3
    with clock.using(lambda: NOON + timedelta(minutes=59), speed=60.0):
        with pytest.raises(TooManyRequests) as held:
            limit_hold(THREE, of="a")
        assert held.value.retry_after == 1
    with clock.using(lambda: NOON + timedelta(minutes=60), speed=60.0):
        assert _taken() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("noon", "shared")
def test_those_who_come_at_once_are_counted_one_by_one() -> None:
    taken = at_once([lambda: _taken("many", times=1)] * 12)
    assert sum(taken) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_a_cache_that_is_away_leaves_the_counting_to_the_database(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # type: ignore[attr-defined]
    asked = []

    def away(*_: object, **__: object) -> None:
        asked.append(1)
        raise ConnectionError

    monkeypatch.setattr(cache.cache, "add", away, raising=False)
    monkeypatch.setattr(cache, "_resume_at", 0.0)
    assert _taken() == 3
    assert asked == [1]  # after one failure it is left alone for a while
    # Beside it stands the row by which the panel tries whether its database takes writes.
    assert LimitCount.objects.exclude(key="can this be written").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_a_database_that_can_only_be_read_holds_nobody_back(
    monkeypatch: pytest.MonkeyPatch, settings: object
) -> None:
    settings.REDIS_URL = ""  # type: ignore[attr-defined]

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(limits, "_count_in_database", refuse)
    assert _taken() == 5
    assert connection.is_usable()


@pytest.mark.django_db
@pytest.mark.usefixtures("believed_clock")
def test_what_was_counted_in_a_span_that_is_over_is_swept_away(settings: object) -> None:
    settings.REDIS_URL = ""  # type: ignore[attr-defined]
    for minutes in range(3):
        with clock.using(lambda at=NOON + timedelta(minutes=minutes): at):
            _taken("a")
            _taken("b")
    assert {row.ends_at for row in LimitCount.objects.all()} == {NOON + timedelta(minutes=3)}
