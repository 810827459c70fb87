"""The worker's loop: tick after tick until told to stop, patient with a database that is away."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn, Protocol

from django.db import DatabaseError, InterfaceError, connection

from freddy_admin.core import clock
from freddy_admin.core.database_writes import WriteFault, write_fault_of
from freddy_admin.core.logs import Seldom
from freddy_admin.sync.platform import beat_remove

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
DRAIN_SECONDS = 8.0
LONGEST_BACK_OFF = 30.0


class Ticking(Protocol):
    """What the loop needs of `sync.engine.Engine`."""

    name: str

    @property
    def busy(self) -> bool:
        """Whether calls are under way."""

    def tick(self, *, wait: float) -> int:
        """Take what is due, store what has ended."""

    def drain(self, *, wait: float) -> int:
        """Store what has ended, take nothing new."""

    def stop(self) -> None:
        """Give back what has not ended."""


class Beside(Protocol):
    """What goes on beside the checks, such as `ops.post.Post`."""

    def tick(self) -> None:
        """Begin what is due; never waits."""

    def stop(self) -> None:
        """Begin nothing more."""


@dataclass
class Worker:
    """Runs an engine, and what goes on beside it, until `stopping` is set."""

    engine: Ticking
    stopping: threading.Event = field(default_factory=threading.Event)
    drain_seconds: float = DRAIN_SECONDS
    failures: int = 0
    beside: Sequence[Beside] = ()
    _said: Seldom = field(default_factory=Seldom)

    def run(self) -> bool:
        """Work until told to stop; True if every call had ended by then."""
        while not self.stopping.is_set():
            try:
                for other in self.beside:
                    other.tick()
                self.engine.tick(wait=TICK_SECONDS)
                self._works_again()
            except (DatabaseError, InterfaceError) as error:
                self._back_off(error)
        return self._end()

    def _back_off(self, error: Exception) -> None:
        # A connection that broke stays broken: the next round opens a new one.
        with suppress(DatabaseError, InterfaceError):
            connection.close()
        self.failures += 1
        seconds = back_off(self.failures)
        if self._said.due():
            log.warning(
                "The worker waits for its database, which is %s (%s): next look within %.0f s.",
                write_fault_of(error) or WriteFault.AWAY,
                type(error).__name__,
                LONGEST_BACK_OFF,
            )
        self.stopping.wait(seconds)

    def _works_again(self) -> None:
        if self.failures:
            log.info("The worker goes on: its database takes what it writes.")
            self._said.reset()
        self.failures = 0

    def _end(self) -> bool:
        for other in self.beside:
            other.stop()
        deadline = time.monotonic() + self.drain_seconds
        ended = False
        with suppress(DatabaseError, InterfaceError):
            while self.engine.busy and time.monotonic() < deadline:
                self.engine.drain(wait=0.2)
            ended = not self.engine.busy
        with suppress(DatabaseError, InterfaceError):
            self.engine.stop()
            beat_remove(name=self.engine.name)
        return ended


def back_off(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4 … 30."""
    return min(LONGEST_BACK_OFF, 2.0 ** (failures - 1))


@contextmanager
def ended_by_signals(stopping: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C set `stopping` inside the block; the work in hand is finished."""

    def note(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    former = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def leave_now() -> NoReturn:
    """End the process without waiting for calls that hang; their keys were given back."""
    log.info("Ended at %s with calls under way; their keys were given back.", clock.now())
    sys.stdout.flush()
    sys.stderr.flush()
    connection.close()
    os._exit(0)
