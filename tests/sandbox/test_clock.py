from datetime import UTC, datetime, timedelta, timezone

import pytest

from freddy_admin.sandbox.clock import SandboxClock
from tests.sandbox.conftest import NOON


class Wall:
    def __init__(self) -> None:
        self.at = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


def test_a_plain_clock_tells_the_real_time() -> None:
    wall = Wall()
    clock = SandboxClock(wall=wall)
    wall.at += timedelta(seconds=5)
    assert clock.now() == wall.at
    assert abs(SandboxClock().now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_sped_up_clock_runs_ahead() -> None:
    wall = Wall()
    clock = SandboxClock(NOON, speed=60, wall=wall)
    wall.at += timedelta(seconds=5)
    assert clock.now() == NOON + timedelta(minutes=5)


def test_a_clock_without_speed_moves_by_hand_alone() -> None:
    wall = Wall()
    clock = SandboxClock(NOON, speed=0, wall=wall)
    wall.at += timedelta(days=1)
    assert clock.now() == NOON
    clock.advance(timedelta(minutes=1))
    assert clock.now() == NOON + timedelta(minutes=1)


def test_a_clock_set_to_another_zone_still_tells_utc() -> None:
    clock = SandboxClock(NOON, speed=0)
    clock.set(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now().isoformat() == "2026-01-01T00:00:00+00:00"


def test_a_time_without_zone_and_a_negative_speed_are_refused() -> None:
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        SandboxClock(naive)
    with pytest.raises(ValueError, match="zone"):
        SandboxClock(NOON).set(naive)
    with pytest.raises(ValueError, match="negative"):
        SandboxClock(speed=-1)
