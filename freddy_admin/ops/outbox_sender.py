"""Drains one lane of the outbox in a thread of its own, however slow the receiving server is."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from django.db import connections

from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.core.outbox import outbox_drain, outbox_due_messages
from freddy_admin.core.tasks import Queue, outbox_queue

log = logging.getLogger(__name__)

_warning_limit = LogThrottle()


@dataclass
class OutboxSender:
    """Its `queue` is drained without waiting. What a stop interrupts is sent by the next worker."""

    lane: str
    _stopping: threading.Event = field(default_factory=threading.Event)
    _sending: Future[int] | None = None

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"outbox-{self.lane}")

    @property
    def busy(self) -> bool:
        """Whether a message is being sent."""
        return self._sending is not None and not self._sending.done()

    @property
    def queue(self) -> Queue:
        """The lane's messages that are due, and `start`."""
        due = partial(outbox_due_messages, self.lane)
        return Queue(outbox_queue(self.lane), due, self.start)

    def start(self) -> None:
        """Start draining the lane unless that runs."""
        if not self.busy:
            self._sending = self._thread.submit(self._drain)

    def stop(self) -> None:
        """Begin no further message."""
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _drain(self) -> int:
        try:
            return outbox_drain(lane=self.lane, is_stopping=self._stopping.is_set)
        except Exception as error:  # noqa: BLE001  the next round tries again
            if _warning_limit.is_log_line_due():
                log.warning("The outbox was not looked after: %s.", type(error).__name__)
            return 0
        finally:
            connections.close_all()
