"""A channel that takes messages again is told the ends that it missed, each once."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.alerts.channels.answers import ChannelFailure, ChannelNotSent
from freddy_admin.alerts.channels.services import (
    channel_address_replace,
    channel_enable,
    channel_switch_off,
)
from freddy_admin.alerts.models import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    Message,
)
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Organisation
from tests.alerts.conftest import ACTOR
from tests.alerts.delivery_factories import (
    ScriptedTransport,
    channel_create,
    due_messages_send,
    incident_create,
    incident_resolve,
    message_create,
    scripted_transport,
    states_of,
)
from tests.alerts.delivery_flow import DeliveryFlow, told
from tests.alerts.flow_fixtures import flow
from tests.hand_clock import HandClock

__all__ = ["flow"]
pytestmark = pytest.mark.django_db
OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED
Commit = Callable[..., object]


@pytest.fixture
def transport(hand_clock: HandClock) -> object:
    with scripted_transport() as scripted:
        yield scripted


@pytest.fixture
def channel(transport: ScriptedTransport, organisation: Organisation) -> Channel:
    return channel_create(organisation)


@pytest.fixture
def told_incident(channel: Channel, organisation: Organisation) -> Incident:
    """One of which the channel was told that it began."""
    incident = incident_create(organisation)
    message_create(channel, incident)
    assert due_messages_send() == 1
    return incident


def fail(reason: ChannelFailure) -> Callable[[Message], object]:
    def raise_failure(_message: Message) -> object:
        raise ChannelNotSent(reason)

    return raise_failure


def succeed(_message: Message) -> None:
    """Nothing is wrong."""


def sent_kinds(transport: ScriptedTransport) -> list[str]:
    return [body["kind"] for _uid, body in transport.sent]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_end_that_was_refused_for_good_goes_out_once_the_channel_is_mended(
    is_replaced: bool,
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    """A revoked address is often found out by the end itself."""
    incident_resolve(told_incident)
    end = message_create(channel, told_incident, kind=RESOLVED)
    transport.on_send = fail(ChannelFailure.REVOKED)
    due_messages_send()
    assert states_of(end)[0] == DeliveryState.GIVEN_UP
    hand_clock.advance(days=3)
    transport.on_send = succeed
    values = {"organisation": organisation, "actor": ACTOR, "channel": channel}
    if is_replaced:
        channel_address_replace(address="https://hooks.example.org/new", **values)
    else:
        channel_enable(**values)
    assert due_messages_send() == 1
    assert sent_kinds(transport) == [OPENED, RESOLVED]
    assert transport.sent[1][0] == str(end.uid)
    assert states_of(end) == (DeliveryState.SENT, {DeliveryState.SENT})
    # Nothing is sent a second time.
    channel_switch_off(**values)
    channel_enable(**values)
    assert (due_messages_send(), OutboxMessage.objects.count()) == (0, 0)


def test_channel_that_is_switched_on_is_told_no_old_opening_or_reminder(
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    values = {"organisation": organisation, "actor": ACTOR, "channel": channel}
    other = incident_create(organisation)
    messages = [
        message_create(channel, other),
        message_create(channel, told_incident, kind=REMINDER),
    ]
    channel_switch_off(**values)
    due_messages_send()
    hand_clock.advance(hours=2)
    channel_enable(**values)
    # The end of what the channel never heard of would come from nowhere.
    incident_resolve(other)
    messages.append(message_create(channel, other, kind=RESOLVED))
    due_messages_send()
    assert sent_kinds(transport) == [OPENED]
    states = [states_of(message)[0] for message in messages]
    assert states == [DeliveryState.GIVEN_UP, DeliveryState.GIVEN_UP, DeliveryState.DROPPED]


def test_end_that_was_held_back_goes_out_as_soon_as_the_channel_is_on(
    channel: Channel,
    told_incident: Incident,
    organisation: Organisation,
    flow: DeliveryFlow,
) -> None:
    values = {"organisation": organisation, "actor": ACTOR, "channel": channel}
    channel_switch_off(**values)
    incident_resolve(told_incident)
    Delivery.objects.create(
        incident=told_incident,
        channel=channel,
        kind=RESOLVED,
        send_at=flow.hand_clock.at,
        created_at=flow.hand_clock.at,
    )
    flow.run(minutes=10)
    assert told(channel) == [("opened", [told_incident.pk])]
    channel_enable(**values)
    flow.drain()
    assert told(channel)[1:] == [("resolved", [told_incident.pk])]


def test_receiver_that_was_away_for_a_long_weekend_gets_the_end(
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    """It was given up after two days; the next message that is taken brings it along."""
    incident_resolve(told_incident)
    end = message_create(channel, told_incident, kind=RESOLVED)
    transport.on_send = fail(ChannelFailure.BROKEN)
    for _ in range(63):
        due_messages_send()
        hand_clock.advance(hours=1)
    assert states_of(end)[0] == DeliveryState.GIVEN_UP
    transport.on_send = succeed
    message_create(channel, incident_create(organisation))
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            due_messages_send()
    assert sent_kinds(transport) == [OPENED, OPENED, RESOLVED]
    assert transport.sent[-1][0] == str(end.uid)


def test_end_that_is_older_than_a_week_is_not_told_any_more(
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    incident_resolve(told_incident)
    message_create(channel, told_incident, kind=RESOLVED)
    transport.on_send = fail(ChannelFailure.GONE)
    due_messages_send()
    hand_clock.at += timedelta(days=7, minutes=1)
    channel_enable(organisation=organisation, actor=ACTOR, channel=channel)
    assert not OutboxMessage.objects.filter(given_up_at=None).exists()


def test_what_failed_at_the_former_address_goes_to_the_new_one_at_once(
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    message_create(channel, incident_create(organisation))
    transport.on_send = fail(ChannelFailure.BROKEN)
    for _ in range(20):
        due_messages_send()
        hand_clock.advance(minutes=10)
    assert OutboxMessage.objects.get().next_attempt_at > hand_clock.at
    transport.on_send = succeed
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        channel_address_replace(
            organisation=organisation,
            actor=ACTOR,
            channel=channel,
            address="https://hooks.example.org/new",
        )
    assert due_messages_send() == 1


def test_new_address_is_not_kept_waiting_for_what_the_former_one_asked(
    told_incident: Incident,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    def ask_for_patience(_message: Message) -> None:
        raise ChannelNotSent(ChannelFailure.BUSY, retry_after=timedelta(hours=20))

    message_create(channel, incident_create(organisation))
    transport.on_send = ask_for_patience
    due_messages_send()
    transport.on_send = succeed
    assert due_messages_send() == 0
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        channel_address_replace(
            organisation=organisation,
            actor=ACTOR,
            channel=channel,
            address="https://hooks.example.org/new",
        )
    assert due_messages_send() == 1
