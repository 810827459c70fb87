"""Waiting for a condition, with a deadline; nothing sleeps for a fixed time."""

import threading
import time
from collections.abc import Callable

# Long enough on any machine: what comes later never comes.
DEADLINE_SECONDS = 120.0
_never = threading.Event()


def wait_until(condition: Callable[[], bool], *, seconds: float = DEADLINE_SECONDS) -> bool:
    """Whether the condition came true before the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        _never.wait(0.02)
    return True
