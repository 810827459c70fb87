"""What is past its end by either clock is refused when it is used, whichever of them is wrong.

The machine's clock is asked each time; the other one, see `core.clock_guard`, once a minute. In
between its time is counted by a clock that nobody can set.
"""

import threading
import time
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.core import clock
from freddy_admin.core.clock_guard import TOLERANCE, other_now

_ASK_EVERY: Final = 60.0  # real seconds
_asking = threading.Lock()
_known: tuple[float, datetime | None] | None = None


def latest_now() -> datetime:
    """The later of the two clocks' moments, where they are more than an hour apart."""
    return clock.now() + behind()


def behind() -> timedelta:
    """How far the machine's clock is behind the other one; nothing where it is under an hour."""
    now, other = clock.now(), _other(time.monotonic())
    if other is None or other - now <= TOLERANCE or clock.is_fast():
        return timedelta()
    return other - now


def either_clock_reset() -> None:
    """Ask the other clock anew, as a process does that has just begun."""
    global _known
    _known = None


def _other(monotonic: float) -> datetime | None:
    global _known
    with _asking:
        if _known is None or monotonic - _known[0] >= _ASK_EVERY:
            _known = monotonic, other_now()
        at, moment = _known
    return moment + timedelta(seconds=monotonic - at) if moment else None
