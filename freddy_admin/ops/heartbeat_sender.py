"""Pings HEARTBEAT_URL in a thread of its own: a service that hangs holds up no check."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.db import connections

from freddy_admin.alerts.heartbeat import heartbeat_run
from freddy_admin.core.log_formatting import LogThrottle

log = logging.getLogger(__name__)

_warning_limit = LogThrottle()


@dataclass
class HeartbeatSender:
    """Call `start` every few seconds from the worker's loop: one that stands pings nobody."""

    _sending: Future[bool] | None = None

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="heartbeat")

    @property
    def busy(self) -> bool:
        """Whether a ping is under way."""
        return self._sending is not None and not self._sending.done()

    def start(self) -> None:
        """Ping if that is due, unless one is under way."""
        if not self.busy:
            self._sending = self._thread.submit(self._run)

    def stop(self) -> None:
        """Begin no further ping."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> bool:
        try:
            return heartbeat_run()
        except Exception as error:  # noqa: BLE001  without a database the outside is told nothing
            if _warning_limit.is_log_line_due():
                log.warning("HEARTBEAT_URL was not told: %s.", type(error).__name__)
            return False
        finally:
            connections.close_all()
