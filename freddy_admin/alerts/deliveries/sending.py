"""How the outbox sends a message of the alerts, and what becomes of it.

    QUEUED ─► SENDING ─► SENT, or FAILED ─► SENDING …, at last GIVEN_UP

Before a byte goes out the row says SENDING and since when, and holds what is sent: later attempts
repeat it under the same id. A worker that is lost meanwhile, or an answer that does not come,
leaves MAY_HAVE_ARRIVED, and the message is sent once more.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelNotSent
from freddy_admin.alerts.channels.services import (
    channel_answer_record,
    channel_disable,
    channel_failure_record,
)
from freddy_admin.alerts.channels.transports import channel_transport
from freddy_admin.alerts.deliveries.channel_return import ends_send_again
from freddy_admin.alerts.deliveries.order import (
    FINISHED_STATES,
    message_predecessors_unfinished,
    messages_unfinished,
    untold_deliveries_drop,
)
from freddy_admin.alerts.deliveries.outbox_lanes import (
    ALERT_MAIL_LANE,
    ALERT_MESSAGE,
    MESSAGE_LIFETIME,
    channel_lane,
    sending_ends_before,
)
from freddy_admin.alerts.messages.content import message_content, reader_may_see_all
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    DeliveryState,
    Message,
)
from freddy_admin.core import clock
from freddy_admin.core.mail import RECEIVER_FAILURES
from freddy_admin.core.outbox import (
    NothingToSend,
    NotYet,
    OutboxKind,
    Send,
    SendFailure,
    outbox_kind_register,
    outbox_lane_retry_now,
)

log = logging.getLogger(__name__)

RETRY_DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
# Long enough for all of the gaps, whatever the jitter, and too short for the last one twice.
GIVES_UP_AFTER: Final = timedelta(hours=48)
# How long a message waits for one before it, unless that is finished earlier.
_ORDER_WAIT: Final = timedelta(seconds=30)
_SETTLE_LIMIT: Final = 200
CHANNEL_OFF: Final = "channel_off"  # the reason of a message whose channel was switched off
EXPIRED: Final = "expired"  # of one that waited for longer than any message may


def message_prepare(message_id: int) -> Send:
    """Freeze what is sent, mark the message as being sent; returns what sends it."""
    message = _message_lock(message_id)
    if message is None or message.state in FINISHED_STATES:
        raise NothingToSend
    channel, now = message.channel, clock.now()
    if _is_channel_off(channel, message):
        message_finish(message, DeliveryState.GIVEN_UP, now=now, reason=CHANNEL_OFF)
        raise NothingToSend
    if channel.retry_at is not None and channel.retry_at > now:
        raise NotYet(channel.retry_at)
    if message_predecessors_unfinished(message).exists():
        raise NotYet(now + _ORDER_WAIT)
    if message.body is not None and not reader_may_see_all(message):
        message.body = None  # written before its reader lost sight of an organisation
    if message.body is None:
        try:
            untold_deliveries_drop(message, now=now)
            message.body = channel_transport(channel).render(
                message_content(message), channel=channel
            )
        except NothingToSend:
            message_finish(message, DeliveryState.DROPPED, now=now)
            raise
    _sending_mark(message, now)
    return _sender(message)


def message_record_sent(message_id: int, answer: ChannelAnswer | None) -> None:
    """What the other side said; None where there was nobody left to be told."""
    message, now = _message_lock(message_id), clock.now()
    if message is None:
        return
    if answer is None:
        message_finish(message, DeliveryState.DROPPED, now=now)
        return
    message.answer, message.answer_status = answer.text[:200], answer.status
    message_finish(message, DeliveryState.SENT, now=now)
    channel = message.channel
    channel_answer_record(channel=channel, answer=answer, now=now)
    if channel.retry_at is not None:
        Channel.objects.filter(pk=channel.pk).update(retry_at=None)
    if channel.kind == ChannelKind.MAIL:
        return
    # What waited for this one, or has failed since the channel took nothing any more.
    lane, failing_since = channel_lane(channel=channel), channel.failing_since
    transaction.on_commit(lambda: outbox_lane_retry_now(lane, failing_since=failing_since))
    if failing_since is not None:
        ends_send_again(channel=channel, since=failing_since, now=now)


def message_record_failure(message_id: int, failure: SendFailure) -> None:
    """Keep why an attempt failed; switch the channel off where it was refused for good."""
    message, now, error = _message_lock(message_id), failure.at, failure.error
    if message is None:
        return
    message.may_have_arrived |= error.may_have_arrived
    answer = error.answer if isinstance(error, ChannelNotSent) else None
    message.answer = answer.text[:200] if answer else ""
    message.answer_status = answer.status if answer else None
    if failure.is_given_up:
        message_finish(message, DeliveryState.GIVEN_UP, now=now, reason=error.reason)
    else:
        message.reason, message.sending_since = error.reason, None
        message.state = _unfinished_state(message)
        message.save()
        message.deliveries.update(state=message.state)
    _channel_failure_record(message, failure)


def lost_messages_settle(*, now: datetime) -> int:
    """Mark what a lost worker was sending, end what waited too long; returns how many changed.

    A message whose row in the outbox is over its lifetime is given up where people see it.
    """
    lost = Message.objects.filter(
        state=DeliveryState.SENDING, sending_since__lt=sending_ends_before(now)
    )
    expired = messages_unfinished().filter(created_at__lt=now - MESSAGE_LIFETIME)
    return _each_locked(lost, _lost_mark) + _each_locked(
        expired,
        lambda message: message_finish(message, DeliveryState.GIVEN_UP, now=now, reason=EXPIRED),
    )


def message_finish(
    message: Message, state: DeliveryState, *, now: datetime, reason: str = ""
) -> None:
    """End a locked message and its deliveries."""
    message.state, message.finished_at, message.reason = state, now, reason
    message.save()
    message.deliveries.update(state=state, finished_at=now, send_at=None)


def _message_lock(message_id: int) -> Message | None:
    rows = Message.objects.select_related("channel__user", "channel__organisation", "cause")
    return rows.select_for_update(of=("self",), no_key=True).filter(pk=message_id).first()


def _is_channel_off(channel: Channel, message: Message) -> bool:
    # A channel that is off may be tested, to find out whether it works again.
    is_disabled = channel.disabled_at is not None and not message.is_test
    return channel.deleted_at is not None or is_disabled


def _sending_mark(message: Message, now: datetime) -> None:
    # A worker was lost in the middle of it: nobody knows how far the message came.
    message.may_have_arrived |= message.state == DeliveryState.SENDING
    message.repeats += message.may_have_arrived
    message.attempts += 1
    message.state, message.sending_since = DeliveryState.SENDING, now
    message.save()
    message.deliveries.update(state=DeliveryState.SENDING)


def _sender(message: Message) -> Callable[[], ChannelAnswer | None]:
    transport, body, channel = channel_transport(message.channel), message.body, message.channel

    def send() -> ChannelAnswer | None:
        try:
            return transport.send(body, channel=channel, message=message)
        except NothingToSend:
            return None

    return send


def _unfinished_state(message: Message) -> DeliveryState:
    return DeliveryState.MAY_HAVE_ARRIVED if message.may_have_arrived else DeliveryState.FAILED


def _channel_failure_record(message: Message, failure: SendFailure) -> None:
    channel, error = message.channel, failure.error
    if channel.kind == ChannelKind.MAIL and error.reason not in RECEIVER_FAILURES:
        return  # the mail server's fault, and shown as that
    channel_failure_record(channel=channel, error=error, now=failure.at)
    if error.retry_after is not None:
        Channel.objects.filter(pk=channel.pk).update(retry_at=failure.next_attempt_at)
    if error.is_permanent and channel.kind != ChannelKind.MAIL:
        channel_disable(channel=channel, reason=error.reason, now=failure.at)


def _each_locked(rows: QuerySet[Message], change: Callable[[Message], object]) -> int:
    """Change those of the rows that no worker has in hand."""
    with transaction.atomic():
        free_rows = rows.select_for_update(skip_locked=True, of=("self",), no_key=True)
        messages = list(free_rows.order_by("pk")[:_SETTLE_LIMIT]) if rows.exists() else []
        for message in messages:
            change(message)
    return len(messages)


def _lost_mark(message: Message) -> None:
    message.may_have_arrived, message.state = True, DeliveryState.MAY_HAVE_ARRIVED
    message.save()
    message.deliveries.update(state=message.state)


outbox_kind_register(
    OutboxKind(
        name=ALERT_MESSAGE,
        lane=ALERT_MAIL_LANE,
        lifetime=MESSAGE_LIFETIME,
        gives_up_after=GIVES_UP_AFTER,
        prepare=message_prepare,
        record_sent=message_record_sent,
        record_failure=message_record_failure,
        retry_delays=RETRY_DELAYS,
    )
)
