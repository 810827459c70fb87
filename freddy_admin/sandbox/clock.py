"""The imitation's own time, which tests can hold, move and speed up."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _wall() -> datetime:
    return datetime.now(UTC)


class SandboxClock:
    """Tells aware UTC time; safe to use from threads.

    ``SandboxClock()`` is the real time. ``start`` begins elsewhere, ``speed`` is the number of
    imitated seconds per real second, and 0 makes a clock that only moves by hand.
    Raises ValueError for a naive ``start`` or a negative ``speed``.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        wall: Callable[[], datetime] = _wall,
    ) -> None:
        if speed < 0:
            raise ValueError("speed must not be negative")
        self._wall = wall
        self._speed = speed
        self._lock = threading.Lock()
        self._real_anchor = wall()
        self._anchor = self._real_anchor if start is None else _aware(start)

    def now(self) -> datetime:
        """The imitated time, aware, in UTC."""
        with self._lock:
            # From the wall and not from a monotonic clock: the panel judges by the wall, and a
            # laptop that slept must not leave the imitation hours behind.
            return self._anchor + (self._wall() - self._real_anchor) * self._speed

    def advance(self, by: timedelta) -> None:
        """Move on by this much (back, if negative)."""
        with self._lock:
            self._anchor += by

    def set(self, at: datetime) -> None:
        """Make it this moment now. Raises ValueError where ``at`` has no zone."""
        at = _aware(at)
        with self._lock:
            self._anchor = at
            self._real_anchor = self._wall()


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the sandbox clock needs a time with a zone")
    return moment.astimezone(UTC)
