"""The one place where the panel reads the wall clock, so that tests and the demo can move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

Source = Callable[[], datetime]


def _system() -> datetime:
    return datetime.now(UTC)


_source: Source = _system
_speed = 1.0
# What lies further ahead of now than this was written by a clock that was ahead.
AHEAD = timedelta(hours=1)


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return _source()


def passing(seconds: float) -> timedelta:
    """How far the clock moves while so many real seconds pass.

    For spans that last as long as something real does: a call under way, a process's silence.
    """
    return timedelta(seconds=seconds * _speed)


def is_ahead(at: datetime | None) -> bool:
    """Whether this moment of our own was written while the clock was ahead: it has yet to come."""
    return at is not None and at > now() + AHEAD


def is_fast() -> bool:
    """Whether this is the demo's clock, which agrees with no other one."""
    return _source is not _system and _speed != 1.0


@contextmanager
def using(source: Source, *, speed: float = 1.0) -> Iterator[None]:
    """Read the time from `source` (which returns aware datetimes) inside the block.

    `speed` is how many of its seconds pass in a real one.
    """
    global _source, _speed
    former = _source, _speed
    _source, _speed = source, speed
    try:
        yield
    finally:
        _source, _speed = former


def run_fast(*, since: datetime, speed: float) -> None:
    """From here on, let `speed` seconds pass in a real one, counted from the moment `since`.

    Every process that is told the same reads the same time. For the demo alone.
    """
    global _source, _speed

    def fast() -> datetime:
        return since + (_system() - since) * speed

    _source, _speed = (fast, speed) if speed != 1 else (_system, 1.0)
