"""Rate limits hold exactly, wherever they are counted; a store that is away holds nobody back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from freddy_admin.core import cache, clock
from freddy_admin.core.models import RateLimitCount
from freddy_admin.core.rate_limits import RateLimit, TooManyRequests, rate_limit_consume
from tests.concurrency import run_concurrently, shared_database

__all__ = ["shared_database"]

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIMIT = RateLimit("test", amount=3, seconds=60)


def _requests_accepted(key: str = "a", times: int = 5) -> int:
    for number in range(times):
        try:
            rate_limit_consume(LIMIT, key=key)
        except TooManyRequests:
            return number
    return times


@pytest.fixture
def noon() -> Iterator[None]:
    with clock.override_clock(lambda: NOON):
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_a_rate_limit_counts_each_key_apart() -> None:
    assert _requests_accepted("a") == 3
    assert _requests_accepted("b") == 3
    assert _requests_accepted("a") == 0


@pytest.mark.django_db
def test_a_refused_request_names_the_seconds_to_wait() -> None:
    with clock.override_clock(lambda: NOON + timedelta(seconds=20)):
        _requests_accepted()
        with pytest.raises(TooManyRequests) as raised:
            rate_limit_consume(LIMIT, key="a")
    assert raised.value.retry_after == 40
    assert raised.value.headers == {"Retry-After": "40"}
    assert "40 seconds" in raised.value.message


@pytest.mark.django_db
def test_a_new_window_counts_from_zero() -> None:
    with clock.override_clock(lambda: NOON):
        assert _requests_accepted() == 3
    with clock.override_clock(lambda: NOON + timedelta(seconds=60)):
        assert _requests_accepted() == 3


@pytest.mark.django_db
def test_an_accelerated_clock_makes_no_shorter_windows() -> None:
    with clock.override_clock(lambda: NOON, speed=60.0):
        assert _requests_accepted() == 3
    with clock.override_clock(lambda: NOON + timedelta(minutes=59), speed=60.0):
        with pytest.raises(TooManyRequests) as raised:
            rate_limit_consume(LIMIT, key="a")
        assert raised.value.retry_after == 1
    with clock.override_clock(lambda: NOON + timedelta(minutes=60), speed=60.0):
        assert _requests_accepted() == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("noon", "shared_database")
def test_concurrent_requests_are_counted_one_by_one() -> None:
    accepted = run_concurrently([lambda: _requests_accepted("many", times=1)] * 12)
    assert sum(accepted) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_requests_are_counted_in_the_database_while_the_cache_is_away(
    settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"  # type: ignore[attr-defined]
    calls = []

    def fail(*_: object, **__: object) -> None:
        calls.append(1)
        raise ConnectionError

    monkeypatch.setattr(cache.cache, "add", fail, raising=False)
    assert _requests_accepted() == 3
    assert calls == [1]  # paused after one failure
    # Beside it is the probe row of `write_failure_probe`.
    assert RateLimitCount.objects.exclude(key="can this be written").count() == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("noon")
def test_a_read_only_database_holds_no_request_back(settings: object) -> None:
    settings.REDIS_URL = ""  # type: ignore[attr-defined]

    def refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "INSERT INTO core_ratelimitcount" in sql:
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse_writes):
        assert _requests_accepted() == 5
    assert connection.is_usable()


@pytest.mark.django_db
@pytest.mark.usefixtures("trusted_clock")
def test_counts_of_windows_that_are_over_are_deleted(settings: object) -> None:
    settings.REDIS_URL = ""  # type: ignore[attr-defined]
    for minutes in range(3):
        with clock.override_clock(lambda at=NOON + timedelta(minutes=minutes): at):
            _requests_accepted("a")
            _requests_accepted("b")
    assert {row.ends_at for row in RateLimitCount.objects.all()} == {NOON + timedelta(minutes=3)}
