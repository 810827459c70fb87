"""The sandbox's own time, which tests can hold, move and speed up."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _real_time() -> datetime:
    return datetime.now(UTC)


class SandboxClock:
    """Returns aware UTC times; thread-safe.

    ``SandboxClock()`` is the real time. ``start`` begins elsewhere, ``speed`` is the number of
    simulated seconds per real second, and 0 makes a clock that only moves by hand.
    Raises ValueError for a naive ``start`` or a negative ``speed``.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        real_time: Callable[[], datetime] = _real_time,
    ) -> None:
        if speed < 0:
            raise ValueError("speed must not be negative")
        self._real_time = real_time
        self._speed = speed
        self._lock = threading.Lock()
        self._real_anchor = real_time()
        self._anchor = self._real_anchor if start is None else _require_aware_utc(start)

    def now(self) -> datetime:
        """The simulated time, aware, in UTC."""
        with self._lock:
            # From the real time and not from a monotonic clock: the panel uses the real time, and
            # a laptop that slept must not leave the sandbox hours behind.
            return self._anchor + (self._real_time() - self._real_anchor) * self._speed

    def advance(self, delta: timedelta) -> None:
        """Move the clock by `delta` (back, if negative)."""
        with self._lock:
            self._anchor += delta

    def set(self, moment: datetime) -> None:
        """Set the clock to ``moment``. Raises ValueError where it has no zone."""
        moment = _require_aware_utc(moment)
        with self._lock:
            self._anchor = moment
            self._real_anchor = self._real_time()


def _require_aware_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the sandbox clock needs a time with a zone")
    return moment.astimezone(UTC)
