"""The dead man's ping: HEARTBEAT_URL is told every five minutes that the panel itself works.

When the panel is silent, nobody inside can say so: a service outside misses the ping and tells its
people. So it says nothing of the keys, which the panel tells by itself, and is withheld where the
worker, the deliveries or the mail server stand still, and by a copy of a panel.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q

from freddy_admin.alerts.models import Delivery, OutsideHeartbeat
from freddy_admin.core import clock
from freddy_admin.core.message_faults import FAULT_AFTER, MessageFault, message_faults
from freddy_admin.core.network import operator_url_get
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.sync.platform_status import is_any_worker_alive
from freddy_admin.wording.outside_heartbeat import HeartbeatState

LOOK_SECONDS: Final = 10.0
# A little less than five minutes, for the looks do not come at the very second.
PING_SECONDS: Final = 295.0
RETRY_SECONDS: Final = 60.0
TOTAL_SECONDS: Final = 15.0
OVERDUE_SECONDS: Final = 660.0  # two pings that did not come
_ONE_ROW: Final = 1


class HeartbeatHold(StrEnum):
    """Why the outside is not told that the panel works: it does not."""

    COPIED = "copied"
    WORKER = "worker"
    DELIVERIES = "deliveries"
    MAIL = "mail"


def heartbeat_run() -> bool:
    """Ping HEARTBEAT_URL if that is due and the panel works; returns whether it was taken.

    Any number of workers may call it at any time: one of them pings.
    """
    if not settings.HEARTBEAT_URL:
        return False
    now = clock.now()
    # A copy does not even write that it withheld a ping: its row is the panel's.
    if panel_copied_from() or not _ping_claim(now):
        return False
    if hold := heartbeat_hold(now=now):
        _ping_record(now, withheld_reason=hold.value)
        return False
    failure = operator_url_get(settings.HEARTBEAT_URL, seconds=TOTAL_SECONDS)
    _ping_record(clock.now(), failure=failure)
    return not failure


def heartbeat_hold(*, now: datetime) -> HeartbeatHold | None:
    """What of the panel itself does not work; None where all of it does."""
    if panel_copied_from():
        return HeartbeatHold.COPIED
    if not is_any_worker_alive(now=now):
        return HeartbeatHold.WORKER
    faults = message_faults(now=now)
    # A receiver that fails or hangs says nothing of the panel, which does its part.
    if MessageFault.STANDSTILL in faults or deliveries_wait_in_vain(now=now):
        return HeartbeatHold.DELIVERIES
    return HeartbeatHold.MAIL if MessageFault.MAIL in faults else None


def deliveries_wait_in_vain(*, now: datetime) -> bool:
    """Whether deliveries are due for ten minutes and nobody makes messages of them."""
    return Delivery.objects.filter(send_at__lt=now - FAULT_AFTER).exists()


def heartbeat_state_get(*, now: datetime) -> HeartbeatState:
    """What became of the pings; a query where HEARTBEAT_URL is set."""
    if not settings.HEARTBEAT_URL:
        return HeartbeatState("")
    host = urlsplit(settings.HEARTBEAT_URL).hostname or ""
    row = OutsideHeartbeat.objects.filter(pk=_ONE_ROW).first()
    if row is None:
        return HeartbeatState(host)
    return HeartbeatState(
        host,
        sent_at=row.sent_at,
        withheld_reason=row.withheld_reason,
        failure=row.failure,
        is_overdue=now - (row.sent_at or row.attempted_at)
        > clock.real_seconds_to_panel_duration(OVERDUE_SECONDS),
    )


def _ping_claim(now: datetime) -> bool:
    """Whether a ping is due and this process is to send it."""
    values = {
        "attempted_at": now,
        "next_attempt_at": now + clock.real_seconds_to_panel_duration(PING_SECONDS),
    }
    # A clock that was set back must not silence the pings until it is where it was.
    is_due = Q(next_attempt_at__lte=now) | Q(attempted_at__gt=now)
    rows = OutsideHeartbeat.objects.filter(pk=_ONE_ROW)
    if rows.filter(is_due).update(**values):
        return True
    if rows.exists():
        return False
    _row, is_created = OutsideHeartbeat.objects.get_or_create(pk=_ONE_ROW, defaults=values)
    return is_created


def _ping_record(now: datetime, *, failure: str = "", withheld_reason: str = "") -> None:
    row = OutsideHeartbeat.objects.get(pk=_ONE_ROW)
    row.withheld_reason, row.failure = withheld_reason, failure[:40]
    row.failing_since = (row.failing_since or now) if failure else None
    if failure or withheld_reason:
        row.next_attempt_at = now + clock.real_seconds_to_panel_duration(RETRY_SECONDS)
    else:
        row.sent_at = now
    row.save()
