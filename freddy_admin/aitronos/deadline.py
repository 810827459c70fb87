"""A limit for a whole call: at its end the connection is cut, whatever the other side drips.

The time-outs of sockets count from one read to the next, so a byte a second keeps a call alive
for ever. One thread for all calls shuts sockets down when their call's time is over, which wakes
the reader at once.
"""

import heapq
import itertools
import os
import socket
import threading
import time
from collections.abc import Callable

Monotonic = Callable[[], float]


class Deadline:
    """The end of one call. Threads: used by the caller's, cut by the watchdog's."""

    def __init__(self, seconds: float, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self.at = monotonic() + seconds
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def remaining(self) -> float:
        """Seconds left, 0 at the least."""
        return max(0.0, self.at - self._monotonic())

    def guard(self, connection: socket.socket) -> None:
        """Cut this connection when the time is over."""
        # A duplicate: the TLS layer takes the original's descriptor over.
        duplicate = connection.dup()
        self._replace(duplicate)
        WATCHDOG.watch(self)

    def release(self) -> None:
        """The call is over; the connection lives on."""
        self._replace(None)

    def cut(self) -> None:
        """Shut the connection down, waking whoever reads from it."""
        with self._lock:
            self.passed = True
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it ended by itself in this very moment

    def _replace(self, connection: socket.socket | None) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = connection


class Watchdog:
    """One daemon thread that cuts calls whose time is over."""

    def __init__(self) -> None:
        self._forget()

    def watch(self, deadline: Deadline) -> None:
        """Cut `deadline` when its time comes."""
        with self._changed:
            heapq.heappush(self._heap, (deadline.at, next(self._order), deadline))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadline", daemon=True)
                self._thread.start()
            elif self._heap[0][2] is deadline:
                self._changed.notify()

    def _forget(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._heap or self._heap[0][2].remaining > 0:
                    self._changed.wait(self._heap[0][2].remaining if self._heap else None)
                _, _, deadline = heapq.heappop(self._heap)
            deadline.cut()


WATCHDOG = Watchdog()
# A forked child has no such thread and no use for its parent's calls.
os.register_at_fork(after_in_child=WATCHDOG._forget)  # noqa: SLF001  its own module
