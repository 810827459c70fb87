"""Sends the worker's mails in a thread of their own, however slow the mail server is."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connections

from freddy_admin.accounts.auth.password_reset import password_reset_requests_send_due
from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.organisations.invitation_mail import invitations_send_due

log = logging.getLogger(__name__)

SEND_INTERVAL_SECONDS = 2.0
_warning_limit = LogThrottle()


@dataclass
class MailSender:
    """Call `tick` often; it never waits. What a stop interrupts is sent by the next worker."""

    interval_seconds: float = SEND_INTERVAL_SECONDS
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="post")
    )
    _sending: Future[int] | None = None
    _started_at: float = 0.0

    def tick(self) -> None:
        """Start sending due mails unless that runs, or ran less than `interval_seconds` ago."""
        is_early = time.monotonic() - self._started_at < self.interval_seconds
        if self._sending is not None and (is_early or not self._sending.done()):
            return
        self._started_at = time.monotonic()
        self._sending = self._thread.submit(_send_due_mails)

    def stop(self) -> None:
        """Start nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _send_due_mails() -> int:
    try:
        return sum(
            _send_due_logging_errors(kind)
            for kind in (password_reset_requests_send_due, invitations_send_due)
        )
    finally:
        connections.close_all()


def _send_due_logging_errors(send_due: Callable[[], int]) -> int:
    try:
        return send_due()
    except Exception as error:  # noqa: BLE001  the next round tries again
        if _warning_limit.is_log_line_due():
            log.warning("Mails were not looked after: %s.", type(error).__name__)
        return 0
