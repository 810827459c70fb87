"""Sending the mails that are due, as the worker does."""

from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.outbox import outbox_drain


def due_mails_send(*, limit: int = 20) -> int:
    """Drain the lane of mails once; how many were sent."""
    return outbox_drain(lane=MAIL_LANE, limit=limit)
