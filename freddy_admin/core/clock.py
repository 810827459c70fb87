"""The one place where the panel reads the wall clock, so that tests and the demo can move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ClockSource = Callable[[], datetime]


def _system_now() -> datetime:
    return datetime.now(UTC)


_source: ClockSource = _system_now
_speed = 1.0
# A moment further ahead of now than this was written by a clock that was ahead.
FUTURE_TOLERANCE = timedelta(hours=1)


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return _source()


def system_now() -> datetime:
    """What this machine's clock shows, however fast the panel's runs: for others to compare."""
    return _system_now()


def real_seconds_to_panel_duration(seconds: float) -> timedelta:
    """How far the panel's clock moves while so many real seconds pass.

    For spans that last as long as something real does: a running call, a process's silence.
    """
    return timedelta(seconds=seconds * _speed)


def is_over_an_hour_in_future(at: datetime | None) -> bool:
    """Whether this moment, which the panel wrote, is over an hour ahead of now."""
    return at is not None and at > now() + FUTURE_TOLERANCE


def is_accelerated() -> bool:
    """Whether this is the demo's accelerated clock, which agrees with no reference clock."""
    return _source is not _system_now and _speed != 1.0


@contextmanager
def override_clock(source: ClockSource, *, speed: float = 1.0) -> Iterator[None]:
    """Inside the block, read the time from `source`, which returns aware datetimes.

    `speed` is how many of its seconds pass in a real second.
    """
    global _source, _speed
    former = _source, _speed
    _source, _speed = source, speed
    try:
        yield
    finally:
        _source, _speed = former


def accelerate_clock(*, since: datetime, speed: float) -> None:
    """For the demo: let `speed` seconds pass in a real second, counted from the moment `since`.

    Every process that is given the same two values reads the same time.
    """
    global _source, _speed

    def accelerated_now() -> datetime:
        return since + (_system_now() - since) * speed

    _source, _speed = (accelerated_now, speed) if speed != 1 else (_system_now, 1.0)


def time_zone_or_utc(name: str) -> ZoneInfo:
    """The zone of this name; UTC where this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, unusable as a path, a directory
        return ZoneInfo("UTC")
