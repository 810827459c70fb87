"""What a channel that takes messages again is told: the ends that it missed.

Whoever was told that something broke is told that it is well again, also where the channel was
switched off, or took nothing for days, in between. Openings and reminders are not sent late.
"""

from datetime import datetime

from django.db import transaction

from freddy_admin.alerts.deliveries.outbox_lanes import (
    MESSAGE_LIFETIME,
    RESTORED,
    channel_lane,
    message_enqueue,
)
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Message,
)
from freddy_admin.alerts.rules.decisions import HeldReason
from freddy_admin.core.outbox import outbox_lane_retry_now
from freddy_admin.core.tasks import QueueName, wake


def channel_messages_resume(*, channel: Channel, since: datetime, now: datetime) -> None:
    """Have all sent at once that waits for this channel, and the ends given up since then.

    Call it in the transaction that switches the channel on or gives it another address; `since`
    is when it began to fail, or was switched off.
    """
    if channel.kind == ChannelKind.MAIL:
        return
    held = Delivery.objects.filter(
        channel=channel,
        kind=DeliveryKind.RESOLVED,
        state=DeliveryState.HELD,
        held_reason=HeldReason.CHANNEL_OFF,
        send_at__gt=now,
    )
    if held.update(send_at=now):
        wake(QueueName.ALERT_DELIVERIES)
    ends_send_again(channel=channel, since=since, now=now)
    lane = channel_lane(channel=channel)
    transaction.on_commit(lambda: outbox_lane_retry_now(lane, failing_since=since))


def ends_send_again(*, channel: Channel, since: datetime, now: datetime) -> int:
    """Send the ends again that were given up since then, under their ids; returns how many.

    None that is older than any message may be, and none of a restored database.
    """
    given_up = Message.objects.filter(
        channel=channel,
        kind=DeliveryKind.RESOLVED,
        is_test=False,
        state=DeliveryState.GIVEN_UP,
        finished_at__gte=since,
        created_at__gte=now - MESSAGE_LIFETIME,
    ).exclude(reason=RESTORED)
    messages = list(given_up.select_for_update(of=("self",), no_key=True).order_by("pk"))
    for message in messages:
        message.state, message.finished_at, message.sending_since = DeliveryState.QUEUED, None, None
        message.save(update_fields=["state", "finished_at", "sending_since"])
        message.deliveries.update(state=message.state, finished_at=None)
        message_enqueue(message=message)
    return len(messages)
