"""Drains the lanes of the outbox in threads of their own, however slow a receiving server is."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from django.db import connections
from django.db.models import QuerySet

from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import (
    outbox_drain,
    outbox_due_lanes,
    outbox_due_messages,
    outbox_lanes,
)
from freddy_admin.core.tasks import OUTBOX_QUEUE, Moment, Queue

log = logging.getLogger(__name__)

THREADS: Final = 8  # beside one for each lane that a kind has by itself
# Lanes in which everything failed before may not keep the others waiting: they get half of them.
_THREADS_FOR_FAILING: Final = THREADS // 2
_TURN_SECONDS: Final = 2.0  # then a lane lets the others have its thread
_LANES_PER_LOOK: Final = 100

warning_limit = LogThrottle()


@dataclass
class OutboxSender:
    """Its `queue` is drained without waiting. What a stop interrupts is sent by the next worker.

    One thread for a lane at most, so that a server that hangs holds up its own lane alone. Lanes
    come and go: which have something to send is asked by one statement, however many there are.
    """

    monotonic: Callable[[], float] = time.monotonic
    _stopping: threading.Event = field(default_factory=threading.Event)
    _sendings: dict[str, Future[None]] = field(default_factory=dict)
    _failing_lanes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._fixed_lanes = frozenset(outbox_lanes())
        size = THREADS + len(self._fixed_lanes)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="outbox")

    @property
    def busy(self) -> bool:
        """Whether a message is being sent."""
        return bool(self.busy_lanes)

    @property
    def busy_lanes(self) -> list[str]:
        """The lanes that are being drained."""
        self._sendings = {
            lane: sending for lane, sending in self._sendings.items() if not sending.done()
        }
        return list(self._sendings)

    @property
    def queue(self) -> Queue:
        """The messages that are due in lanes that this process does not drain, and `start`."""
        return Queue(
            OUTBOX_QUEUE, _due_messages, self.start, lambda: tuple(sorted(self.busy_lanes))
        )

    def start(self) -> None:
        """Start draining the lanes with messages that are due, as far as there are threads."""
        busy_lanes = self.busy_lanes
        for lane in outbox_due_lanes(except_lanes=busy_lanes, limit=_LANES_PER_LOOK):
            if lane.name in self._fixed_lanes or self._has_room(is_failing=lane.is_failing):
                self._failing_lanes.discard(lane.name)
                if lane.is_failing:
                    self._failing_lanes.add(lane.name)
                self._sendings[lane.name] = self._threads.submit(self._drain, lane.name)

    def stop(self) -> None:
        """Begin no further message."""
        self._stopping.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _has_room(self, *, is_failing: bool) -> bool:
        lanes = self._sendings.keys() - self._fixed_lanes
        if is_failing and len(lanes & self._failing_lanes) >= _THREADS_FOR_FAILING:
            return False
        return len(lanes) < THREADS

    def _drain(self, lane: str) -> None:
        ends_at = self.monotonic() + _TURN_SECONDS
        try:
            outbox_drain(
                lane=lane,
                is_stopping=lambda: self._stopping.is_set() or self.monotonic() > ends_at,
            )
        except Exception as error:  # noqa: BLE001  the next round tries again
            if warning_limit.is_log_line_due():
                log.warning("The outbox was not looked after: %s.", type(error).__name__)
        finally:
            connections.close_all()


def _due_messages(now: Moment, *busy_lanes: str) -> QuerySet[OutboxMessage]:
    return outbox_due_messages(now=now).exclude(lane__in=busy_lanes)
