"""What the worker does with deliveries after nobody looked after them for long.

After our own downtime, only what is still true is told of what was not told before: the checks
come first. A database that was put back from a backup, or a copy that became the panel, holds
messages that were sent since: they are not sent again.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from freddy_admin.alerts.deliveries.order import messages_unfinished
from freddy_admin.alerts.deliveries.outbox_lanes import ALERT_MESSAGE, RESTORED
from freddy_admin.alerts.deliveries.sending import lost_messages_settle
from freddy_admin.alerts.digest.services import digests_take_as_sent
from freddy_admin.alerts.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
    SenderHeartbeat,
)
from freddy_admin.core.models import OutboxMessage, PanelAddress
from freddy_admin.core.outbox import outbox_cancel
from freddy_admin.core.panel_address import panel_copied_from
from freddy_admin.core.restored_database import database_seen_write, database_was_restored

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
ABSENCE: Final = timedelta(hours=1)
# Until every key was checked twice: STATUS_CHECK_SECONDS is five minutes.
SETTLE_DURATION: Final = timedelta(minutes=11)
_ONE_ROW: Final = 1


def sender_heartbeat_record(*, now: datetime) -> None:
    """Look after the deliveries; before the first message of a worker, then twice a minute.

    Any number of workers may call it at once: the first one after an absence deals with it.
    """
    if panel_copied_from():
        return
    with transaction.atomic():
        rows = SenderHeartbeat.objects.select_for_update()
        heartbeat, is_new = rows.get_or_create(pk=_ONE_ROW, defaults={"seen_at": now})
        if not is_new:
            _absence_handle(heartbeat, now)
            heartbeat.seen_at = now
            heartbeat.save(update_fields=["seen_at"])
    # Behind the commit, so that what is beside the database is never ahead of it.
    database_id = database_seen_write(now)
    if database_id != heartbeat.database_id:
        SenderHeartbeat.objects.filter(pk=_ONE_ROW).update(database_id=database_id)
    lost_messages_settle(now=now)


def _absence_handle(heartbeat: SenderHeartbeat, now: datetime) -> None:
    seen_at, is_away = heartbeat.seen_at, now - heartbeat.seen_at > ABSENCE
    is_restored = database_was_restored(seen_at=seen_at, known_id=heartbeat.database_id)
    if is_restored or (is_away and _became_the_panel_since(seen_at)):
        _restored_messages_end(now)
        digests_take_as_sent(now=now)
        _plans_postpone(now)
    elif is_away:
        _first_attempts_postpone(now)
        _plans_postpone(now)


def _became_the_panel_since(seen_at: datetime) -> bool:
    """Whether somebody said since then that this database is the panel, where it seemed a copy."""
    return PanelAddress.objects.filter(recorded_at__gt=seen_at).exists()


def _restored_messages_end(now: datetime) -> None:
    """Send none of the messages that wait; whoever was told by one is told of the end."""
    messages = list(messages_unfinished().select_for_update(of=("self",), no_key=True))
    for message in messages:
        message.state, message.reason = DeliveryState.GIVEN_UP, RESTORED
        message.finished_at, message.may_have_arrived = now, True
    Message.objects.bulk_update(messages, ["state", "reason", "finished_at", "may_have_arrived"])
    ids = [message.pk for message in messages]
    Delivery.objects.filter(message__in=ids).update(state=DeliveryState.GIVEN_UP, finished_at=now)
    outbox_cancel(kind=ALERT_MESSAGE, object_ids=ids)
    if messages:
        log.warning("%d messages of a restored database were not sent.", len(messages))


def _first_attempts_postpone(now: datetime) -> None:
    """Let openings that were never tried wait for the checks: what is over by then is not told."""
    ids = messages_unfinished().filter(kind=DeliveryKind.OPENED, body__isnull=True).values("pk")
    OutboxMessage.objects.filter(kind=ALERT_MESSAGE, object_id__in=ids, given_up_at=None).update(
        next_attempt_at=_settled_at(now)
    )


def _plans_postpone(now: datetime) -> None:
    """Let planned openings and reminders wait, too; their ends wait for nothing."""
    plans = Delivery.objects.filter(send_at__lt=_settled_at(now)).exclude(
        kind=DeliveryKind.RESOLVED
    )
    plans.update(send_at=_settled_at(now))


def _settled_at(now: datetime) -> datetime:
    return now + SETTLE_DURATION
