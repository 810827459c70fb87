"""The one place where the panel reads the wall clock, so that tests and the demo can move it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

Source = Callable[[], datetime]


def _system() -> datetime:
    return datetime.now(UTC)


_source: Source = _system


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return _source()


@contextmanager
def using(source: Source) -> Iterator[None]:
    """Read the time from `source` (which returns aware datetimes) inside the block."""
    global _source
    former, _source = _source, source
    try:
        yield
    finally:
        _source = former
