"""The worker's process: ticks until it is stopped, and waits for a database that is away."""

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from django.db import DatabaseError, InterfaceError, connection

from freddy_admin.core import clock
from freddy_admin.core.database_errors import database_error_message
from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.core.write_failures import WriteFailure, write_failure_from_error
from freddy_admin.sync.platform_status import worker_heartbeat_delete
from freddy_admin.sync.worker.loop import WorkerLoop

log = logging.getLogger(__name__)

TICK_SECONDS = 0.4  # what a person asks for begins within half a second
DRAIN_SECONDS = 8.0
MAX_BACK_OFF_SECONDS = 30.0


class BackgroundTask(Protocol):
    """What runs in a thread beside the loop."""

    @property
    def busy(self) -> bool:
        """Whether it is at work."""

    def stop(self) -> None:
        """Begin nothing more."""


@dataclass
class WorkerProcess:
    """Runs the loop until `stopping` is set; the background tasks are stopped with it."""

    loop: WorkerLoop
    stopping: threading.Event = field(default_factory=threading.Event)
    drain_seconds: float = DRAIN_SECONDS
    failures: int = 0
    background_tasks: Sequence[BackgroundTask] = ()
    _warning_limit: LogThrottle = field(default_factory=LogThrottle)
    _interrupted: threading.Event = field(default_factory=threading.Event)

    def interrupt(self) -> None:
        """Have the next tick come at once; to be called from another thread, not by a signal."""
        self._interrupted.set()
        self.loop.interrupt()

    def run(self) -> bool:
        """Work until told to stop; True if every call and every sending had ended by then."""
        while not self.stopping.is_set():
            self._interrupted.clear()
            try:
                self.loop.tick(wait=TICK_SECONDS)
                self._reset_failures()
                if pause := self.loop.pause_seconds:
                    self._interrupted.wait(pause)
            except (DatabaseError, InterfaceError) as error:
                self._wait_after_failure(error)
        return self._drain_and_stop()

    def _wait_after_failure(self, error: Exception) -> None:
        # A connection that broke stays broken: the next tick opens a new one.
        with suppress(DatabaseError, InterfaceError):
            connection.close()
        self.failures += 1
        seconds = back_off_seconds(self.failures)
        if self._warning_limit.is_log_line_due():
            failure = write_failure_from_error(error)
            is_away = failure in {None, WriteFailure.UNREACHABLE}
            log.warning(
                "The worker waits for its database, which is %s (%s): next look within %.0f s. %s",
                "not usable" if is_away else failure,
                type(error).__name__,
                MAX_BACK_OFF_SECONDS,
                database_error_message(error),
            )
        self.stopping.wait(seconds)

    def _reset_failures(self) -> None:
        if self.failures:
            log.info("The worker goes on: its database takes what it writes.")
            self._warning_limit.reset_log_interval()
        self.failures = 0

    def _is_busy(self) -> bool:
        return self.loop.busy or any(task.busy for task in self.background_tasks)

    def _drain_and_stop(self) -> bool:
        for task in self.background_tasks:
            task.stop()
        deadline = time.monotonic() + self.drain_seconds
        all_calls_ended = False
        with suppress(DatabaseError, InterfaceError):
            while self._is_busy() and time.monotonic() < deadline:
                self.loop.drain(wait=0.2)
            all_calls_ended = not self._is_busy()
        with suppress(DatabaseError, InterfaceError):
            self.loop.stop()
            worker_heartbeat_delete(name=self.loop.name)
        return all_calls_ended


def back_off_seconds(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4 … 30."""
    return min(MAX_BACK_OFF_SECONDS, 2.0 ** (failures - 1))


def exit_immediately() -> NoReturn:
    """End the process without waiting for calls that hang; their keys were given back."""
    log.info("Ended at %s with calls under way; their keys were given back.", clock.now())
    sys.stdout.flush()
    sys.stderr.flush()
    connection.close()
    os._exit(0)
