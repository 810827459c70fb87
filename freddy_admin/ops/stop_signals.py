"""Signals that ask a process to stop, taken as a request instead of as its end."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(
    request_stop: Callable[[], object], signals: tuple[signal.Signals, ...] = STOP_SIGNALS
) -> Iterator[None]:
    """Within the block each of `signals` calls `request_stop`; the work in hand is finished."""
    former_handlers = {
        number: signal.signal(number, lambda *_: request_stop()) for number in signals
    }
    try:
        yield
    finally:
        for number, handler in former_handlers.items():
            signal.signal(number, handler)
