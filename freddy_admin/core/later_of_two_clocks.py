"""The later of two clocks, by which a thing past its end is refused, whichever clock is wrong.

The machine's clock is read each time; the reference clock, see `core.clock_skew`, once a minute.
In between its time is counted by a clock that nobody can set.
"""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import SKEW_TOLERANCE, reference_now_less_tolerance

_REFERENCE_REFRESH_SECONDS: Final = 60.0  # real seconds
_reference_lock = threading.Lock()
_cached_reference: tuple[float, datetime | None] | None = None


def later_clock_now() -> datetime:
    """The later of the two clocks' moments, where they are more than an hour apart."""
    return clock.now() + machine_clock_lag()


def machine_clock_lag() -> timedelta:
    """How far the machine's clock is behind the reference clock; zero where it is under an hour."""
    now, reference = clock.now(), _cached_reference_now(time.monotonic())
    if reference is None or reference - now <= SKEW_TOLERANCE or clock.is_accelerated():
        return timedelta()
    return reference - now


def reference_clock_cache_clear() -> None:
    """Read the reference clock anew at its next use, as a process does that has just started."""
    global _cached_reference
    _cached_reference = None


def _cached_reference_now(monotonic: float) -> datetime | None:
    global _cached_reference
    with _reference_lock:
        if (
            _cached_reference is None
            or monotonic - _cached_reference[0] >= _REFERENCE_REFRESH_SECONDS
        ):
            _cached_reference = monotonic, reference_now_less_tolerance()
        read_at, moment = _cached_reference
    return moment + timedelta(seconds=monotonic - read_at) if moment else None
