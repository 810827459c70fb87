"""The clock of tests: it stands still until a test advances it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from freddy_admin.core import clock

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class HandClock:
    """A source for `core.clock`, which returns `at`."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> datetime:
        """Move by a span as `timedelta` takes it; the new moment."""
        self.at += timedelta(**span)
        return self.at


@contextmanager
def hand_clock_block(at: datetime = NOON) -> Iterator[HandClock]:
    """Inside the block the panel's clock stands at `at`, until the test advances it."""
    source = HandClock(at)
    with clock.override_clock(source):
        yield source
