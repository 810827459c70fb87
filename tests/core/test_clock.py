"""The panel's clock, which tests and the demo can override."""

from datetime import UTC, datetime, timedelta

from freddy_admin.core import clock


def test_the_clock_is_aware_and_in_utc() -> None:
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().utcoffset() == timedelta(0)


def test_an_overridden_clock_is_restored_afterwards() -> None:
    moment = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    with clock.override_clock(lambda: moment):
        assert clock.now() == moment
    assert clock.now() != moment
