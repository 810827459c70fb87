"""What keeps the panel from telling anybody anything: nobody sends, or the mail server is away."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Count, Q

from freddy_admin.core.mail import MAIL_LANE, MailFailure
from freddy_admin.core.models import OutboxMessage

# So long something has to go wrong before anybody is told: most servers restart in less.
FAULT_AFTER: Final = timedelta(minutes=10)
_MAIL_SERVER_FAILURES: Final = (MailFailure.NO_ANSWER, MailFailure.PANEL_REFUSED)


class MessageFault(StrEnum):
    """What is wrong, the worst first; the value is stored with a worker's heartbeat."""

    STANDSTILL = "standstill"  # messages are due, and nobody tries to send them
    MAIL = "mail"  # the mail server does not answer, or refuses this panel
    CHANNEL = "channel"  # the other side of a channel does not take what it is sent


def message_faults(*, now: datetime) -> set[MessageFault]:
    """What has gone wrong for ten minutes; one query.

    A receiver that hangs is no standstill: somebody tries.
    """
    limit = now - FAULT_AFTER
    is_failing = Q(failing_since__lt=limit)
    lanes = (
        OutboxMessage.objects.filter(given_up_at=None)
        .values("lane")
        .annotate(
            late=Count("pk", filter=Q(next_attempt_at__lt=limit)),
            in_hand=Count("pk", filter=Q(lease_until__gt=now)),
            failing=Count("pk", filter=is_failing),
            without_server=Count("pk", filter=is_failing & Q(reason__in=_MAIL_SERVER_FAILURES)),
        )
        .order_by()
    )
    faults = set[MessageFault]()
    for lane in lanes:
        if lane["late"] and not lane["in_hand"]:
            faults.add(MessageFault.STANDSTILL)
        is_mail = is_mail_lane(lane["lane"])
        if is_mail and lane["without_server"]:
            faults.add(MessageFault.MAIL)
        if not is_mail and lane["failing"]:
            faults.add(MessageFault.CHANNEL)
    return faults


def worst_message_fault(*, now: datetime) -> str:
    """The worst of `message_faults`, "" where there is none."""
    faults = message_faults(now=now)
    return next((fault.value for fault in MessageFault if fault in faults), "")


def is_mail_lane(lane: str) -> bool:
    """Whether a lane of the outbox goes to the mail server: `mail`, and `…_mail`."""
    return lane.rpartition("_")[2] == MAIL_LANE
