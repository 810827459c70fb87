"""A limit for a whole call: at its end the connection is cut, whatever the other side drips.

The time-outs of sockets count from one read to the next, so a byte a second keeps a call alive
for ever. One thread for all calls shuts sockets down when their call's time is over, which wakes
the reader at once.
"""

import math
import socket
import threading
import time
from collections.abc import Callable

from freddy_admin.aitronos.forks import renew_in_children

Monotonic = Callable[[], float]
# Given the seconds that a call may still take: whether its request may go out now.
MaySend = Callable[[float], bool]


class Deadline:
    """The end of one call, or of a part of it. Used by the caller's thread, cut by the watchdog's.

    `passed` says that a connection was cut, or would have been. `may_send` is asked before each
    request, with the connection standing.
    """

    def __init__(
        self,
        seconds: float,
        monotonic: Monotonic = time.monotonic,
        may_send: MaySend | None = None,
    ) -> None:
        self._monotonic, self._may_send = monotonic, may_send
        self.at = monotonic() + seconds
        self.passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def remaining(self) -> float:
        """Seconds left, 0 at the least."""
        return max(0.0, self.at - self._monotonic())

    def sending_allowed(self) -> bool:
        """Ask the caller whether a request may go out; the asking takes of this call's time."""
        if self._may_send is None:
            return True
        return self._may_send(self.remaining) and self.remaining > 0

    def guard(self, connection: socket.socket) -> None:
        """Cut this connection when the time is over."""
        # A duplicate of the descriptor: the TLS layer takes the original over, and a closed one's
        # number may already belong to another call when the watchdog comes.
        self._replace(socket.fromfd(connection.fileno(), connection.family, connection.type))
        WATCHDOG.watch(self)

    def release(self) -> None:
        """The call is over; the connection may live on."""
        WATCHDOG.forget(self)
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
        self.start_afresh()

    def start_afresh(self) -> None:
        """Know of no call and have no thread: the state of a new process."""
        self._changed = threading.Condition()
        self._watched: set[Deadline] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def watch(self, deadline: Deadline) -> None:
        """Cut `deadline` when its time comes."""
        with self._changed:
            self._watched.add(deadline)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadline", daemon=True)
                self._thread.start()
            elif deadline.at < self._wakes_at:
                # Most calls end later than those before them: the thread sleeps on.
                self._changed.notify()

    def forget(self, deadline: Deadline) -> None:
        """The call ended in time."""
        with self._changed:
            self._watched.discard(deadline)

    def _run(self) -> None:
        while True:
            for deadline in self._over():
                deadline.cut()

    def _over(self) -> list[Deadline]:
        with self._changed:
            over = [one for one in self._watched if one.remaining <= 0]
            self._watched.difference_update(over)
            if not over:
                self._wakes_at = min((one.at for one in self._watched), default=math.inf)
                left = min((one.remaining for one in self._watched), default=None)
                self._changed.wait(left)
            return over


WATCHDOG = Watchdog()
# A forked child has no such thread and no use for its parent's calls.
renew_in_children(WATCHDOG)
