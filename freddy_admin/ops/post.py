"""The worker's letter box: mails go out in a thread of their own, however slow their server is."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from django.db import connections

from freddy_admin.accounts.signing_in.resets import resets_send_due
from freddy_admin.core.logs import Seldom
from freddy_admin.organisations.invitation_mail import invitations_send_due

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0
_said = Seldom()


@dataclass
class Post:
    """Call `tick` often; it never waits. What a stop interrupts is sent by the next worker."""

    look_every: float = LOOK_EVERY
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="post")
    )
    _round: Future[int] | None = None
    _looked_at: float = 0.0

    def tick(self) -> None:
        """Begin a round of sending where none is under way and the last one is a while ago."""
        if self._round is not None and not self._round.done():
            return
        if self._round is not None and time.monotonic() - self._looked_at < self.look_every:
            return
        self._looked_at = time.monotonic()
        self._round = self._thread.submit(_send)

    def stop(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _send() -> int:
    try:
        return sum(_round_of(kind) for kind in (resets_send_due, invitations_send_due))
    finally:
        connections.close_all()


def _round_of(kind: Callable[[], int]) -> int:
    try:
        return kind()
    except Exception as error:  # noqa: BLE001  the next round tries again
        if _said.due():
            log.warning("Mails were not looked after: %s.", type(error).__name__)
        return 0
