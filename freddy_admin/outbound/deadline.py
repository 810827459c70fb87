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

from freddy_admin.outbound.fork_safety import reset_in_forked_children

Monotonic = Callable[[], float]


# Given the seconds that a call may still take: whether its request may go out now.
MaySend = Callable[[float], bool]


class Deadline:
    """The end of one call, or of a part of it. Used by the caller's thread, cut by the watchdog's.

    `expired` says that a connection was cut, or would have been. `may_send` is called before each
    request, with the connection standing.
    """

    def __init__(
        self,
        seconds: float,
        monotonic: Monotonic = time.monotonic,
        may_send: MaySend | None = None,
    ) -> None:
        self._monotonic, self._may_send = monotonic, may_send
        self.ends_at = monotonic() + seconds
        self.expired = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    @property
    def remaining(self) -> float:
        """Seconds left, 0 at the least."""
        return max(0.0, self.ends_at - self._monotonic())

    def is_sending_allowed(self) -> bool:
        """Ask the caller whether a request may go out; the asking takes of this call's time."""
        if self._may_send is None:
            return True
        return self._may_send(self.remaining) and self.remaining > 0

    def watch_connection(self, connection: socket.socket) -> None:
        """Cut this connection when the time is over."""
        # A duplicate of the descriptor: the TLS layer takes the original over, and a closed one's
        # number may already belong to another call when the watchdog comes.
        self._replace_socket(socket.fromfd(connection.fileno(), connection.family, connection.type))
        WATCHDOG.watch(self)

    def unwatch_connection(self) -> None:
        """The call is over; the connection may live on."""
        if self._socket is not None:
            WATCHDOG.unwatch(self)
            self._replace_socket(None)

    def cut_connection(self) -> None:
        """Shut the connection down, waking whoever reads from it."""
        with self._lock:
            self.expired = True
            if self._socket is not None:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it ended by itself in this very moment

    def _replace_socket(self, connection: socket.socket | None) -> None:
        with self._lock:
            if self._socket is not None:
                self._socket.close()
            self._socket = connection


class Watchdog:
    """One daemon thread that cuts calls whose time is over."""

    def __init__(self) -> None:
        self.reset_after_fork()

    def reset_after_fork(self) -> None:
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
                self._thread = threading.Thread(
                    target=self._cut_expired_forever, name="deadline", daemon=True
                )
                self._thread.start()
            elif deadline.ends_at < self._wakes_at:
                # Most calls end later than those before them: the thread sleeps on.
                self._changed.notify()

    def unwatch(self, deadline: Deadline) -> None:
        """The call ended in time."""
        with self._changed:
            self._watched.discard(deadline)

    def _cut_expired_forever(self) -> None:
        while True:
            for deadline in self._wait_for_expired():
                deadline.cut_connection()

    def _wait_for_expired(self) -> list[Deadline]:
        with self._changed:
            expired = [deadline for deadline in self._watched if deadline.remaining <= 0]
            self._watched.difference_update(expired)
            if not expired:
                self._wakes_at = min(
                    (deadline.ends_at for deadline in self._watched), default=math.inf
                )
                seconds = min((deadline.remaining for deadline in self._watched), default=None)
                self._changed.wait(seconds)
            return expired


WATCHDOG = Watchdog()


# A forked child has no such thread and no use for its parent's calls.
reset_in_forked_children(WATCHDOG)
