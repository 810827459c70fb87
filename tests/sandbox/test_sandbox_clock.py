from datetime import UTC, datetime, timedelta, timezone

import pytest

from freddy_admin.sandbox.sandbox_clock import SandboxClock
from tests.sandbox.conftest import NOON


class StubRealTime:
    def __init__(self) -> None:
        self.moment = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


def test_plain_clock_returns_the_real_time() -> None:
    real_time = StubRealTime()
    clock = SandboxClock(real_time=real_time)
    real_time.moment += timedelta(seconds=5)
    assert clock.now() == real_time.moment
    assert abs(SandboxClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_fast_clock_runs_ahead() -> None:
    real_time = StubRealTime()
    clock = SandboxClock(NOON, speed=60, real_time=real_time)
    real_time.moment += timedelta(seconds=5)
    assert clock.now() == NOON + timedelta(minutes=5)


def test_clock_without_speed_moves_by_hand_alone() -> None:
    real_time = StubRealTime()
    clock = SandboxClock(NOON, speed=0, real_time=real_time)
    real_time.moment += timedelta(days=1)
    assert clock.now() == NOON
    clock.advance(timedelta(minutes=1))
    assert clock.now() == NOON + timedelta(minutes=1)


def test_clock_set_in_another_zone_returns_utc() -> None:
    clock = SandboxClock(NOON, speed=0)
    clock.set(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2026-01-01T00:00:00+00:00"


def test_clock_refuses_naive_times_and_negative_speeds() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        SandboxClock(naive)
    with pytest.raises(ValueError, match="zone"):
        SandboxClock(NOON).set(naive)
    with pytest.raises(ValueError, match="negative"):
        SandboxClock(speed=-1)
