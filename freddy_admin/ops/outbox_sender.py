"""Drains one lane of the outbox in a thread of its own, however slow the receiving server is."""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connections

from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.core.outbox import outbox_drain

log = logging.getLogger(__name__)

DRAIN_INTERVAL_SECONDS = 2.0
_warning_limit = LogThrottle()


@dataclass
class OutboxSender:
    """Call `tick` often; it never waits. What a stop interrupts is sent by the next worker."""

    lane: str
    interval_seconds: float = DRAIN_INTERVAL_SECONDS
    _stopping: threading.Event = field(default_factory=threading.Event)
    _sending: Future[int] | None = None
    _started_at: float = 0.0

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"outbox-{self.lane}")

    @property
    def busy(self) -> bool:
        """Whether a message is being sent."""
        return self._sending is not None and not self._sending.done()

    def tick(self) -> None:
        """Start draining the lane unless that runs, or began under `interval_seconds` ago."""
        is_early = time.monotonic() - self._started_at < self.interval_seconds
        if self._sending is not None and (is_early or self.busy):
            return
        self._started_at = time.monotonic()
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
