"""Waiting for a condition, with a deadline; nothing sleeps for a fixed time."""

import threading
import time
from collections.abc import Callable

# Long enough on any machine: what comes later never comes.
DEADLINE_SECONDS = 120.0
# Between two looks, growing: most are at a page or a query, which cost the panel CPU time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.5
_never = threading.Event()


def wait_until(condition: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the condition came true before the deadline."""
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        _never.wait(pause)
        pause = min(pause * 1.3, LONGEST_PAUSE_SECONDS)
    return True
