"""Messages to channels by their lanes: refusals end, and what recovers gets no double."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.deliveries.outbox_lanes import channel_lane, message_enqueue
from freddy_admin.alerts.models import (
    Channel,
    ChannelNotice,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    Message,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.core.outbox import outbox_drain
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.channels.conftest import MakeChannel, message_to
from tests.hand_clock import HandClock
from tests.people import People
from tests.receivers.http_receiver import HttpReceiver, Reply
from tests.receivers.slack_receiver import SlackReceiver
from tests.receivers.webhook_receiver import WebhookReceiver


@pytest.fixture
def incident(hand_clock: HandClock, organisation: Organisation) -> Incident:
    at = clock.now() - timedelta(hours=1)
    return Incident.objects.create(
        organisation=organisation,
        severity=Severity.ACTION_NEEDED,
        health_state=HealthState.OVERDUE,
        opened_at=at,
        noticed_at=at,
    )


def _enqueue(channel: Channel, incident: Incident) -> Message:
    message = message_to(channel)
    Delivery.objects.create(
        incident=incident,
        channel=channel,
        message=message,
        kind=DeliveryKind.OPENED,
        state=DeliveryState.QUEUED,
        created_at=clock.now(),
    )
    message_enqueue(message=message)
    return message


def _drain(channel: Channel) -> None:
    outbox_drain(lane=channel_lane(channel=channel))


def test_receiver_that_recovers_gets_each_message_once(
    make_channel: MakeChannel,
    webhook_receiver: WebhookReceiver,
    incident: Incident,
    hand_clock: HandClock,
) -> None:
    new = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = new.signing_secret
    webhook_receiver.replies = [Reply(500), Reply(503, b"later", {"Retry-After": "90"})]
    message = _enqueue(new.channel, incident)
    for _attempt in range(4):
        _drain(new.channel)
        hand_clock.advance(minutes=3)
    message.refresh_from_db()
    assert (message.state, message.attempts) == (DeliveryState.SENT, 3)
    assert dict(webhook_receiver.ids) == {str(message.uid): 1}
    assert len({request.body for request in webhook_receiver.requests}) == 1


def test_revoked_slack_address_is_tried_once_switched_off_and_told_of(
    make_channel: MakeChannel,
    slack_receiver: SlackReceiver,
    incident: Incident,
    people: People,
    hand_clock: HandClock,
) -> None:
    channel = make_channel("slack", slack_receiver).channel
    slack_receiver.is_revoked = True
    message = _enqueue(channel, incident)
    for _attempt in range(3):
        _drain(channel)
        hand_clock.advance(days=1)
    message.refresh_from_db()
    channel.refresh_from_db()
    assert (message.state, message.reason) == (DeliveryState.GIVEN_UP, "revoked")
    assert (message.answer, message.answer_status) == ("invalid_token", 403)
    assert len(slack_receiver.requests) == 1
    assert (channel.disabled_reason, channel.disabled_by) == ("revoked", "")
    assert [notice.user for notice in ChannelNotice.objects.all()] == [people.manager]


def test_a_channel_that_is_gone_holds_up_no_other(
    make_channel: MakeChannel, receiver: HttpReceiver, incident: Incident
) -> None:
    gone = make_channel("webhook", receiver.url("/gone"), name="Gone").channel
    other = make_channel("webhook", receiver.url("/other"), name="Other").channel
    receiver.judge = lambda request: Reply(410 if request.path == "/gone" else 200)
    messages = [_enqueue(gone, incident), _enqueue(other, incident)]
    for channel in (gone, other):
        _drain(channel)
    states = [Message.objects.get(pk=message.pk).state for message in messages]
    assert states == [DeliveryState.GIVEN_UP, DeliveryState.SENT]
    other.refresh_from_db()
    assert other.succeeded_at is not None
