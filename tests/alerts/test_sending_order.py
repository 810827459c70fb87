"""A channel is told of an incident in order, and of nothing that it need not be told any more."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.answers import ChannelFailure, ChannelNotSent
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.models import (
    Channel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentKey,
    IncidentState,
    Message,
)
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
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
from tests.hand_clock import HandClock
from tests.sync.conftest import key, make_key

__all__ = ["key", "make_key"]
pytestmark = pytest.mark.django_db
OPENED, REMINDER, RESOLVED = DeliveryKind.OPENED, DeliveryKind.REMINDER, DeliveryKind.RESOLVED


@pytest.fixture
def transport(hand_clock: HandClock) -> Iterator[ScriptedTransport]:
    with scripted_transport() as scripted:
        yield scripted


@pytest.fixture
def channel(transport: ScriptedTransport, organisation: Organisation) -> Channel:
    return channel_create(organisation)


@pytest.fixture
def incident(organisation: Organisation) -> Incident:
    return incident_create(organisation)


def fail(_message: Message) -> None:
    raise ChannelNotSent(ChannelFailure.BROKEN)


def fail_for_good() -> None:
    raise ChannelNotSent(ChannelFailure.GONE)


def succeed(_message: Message) -> None:
    """Nothing is wrong."""


def sent_kinds(transport: ScriptedTransport) -> list[str]:
    return [body["kind"] for _uid, body in transport.sent]


@pytest.mark.parametrize("is_mail", [False, True])
def test_recovery_never_overtakes_its_opening(
    is_mail: bool,
    incident: Incident,
    channel: Channel,
    manager: User,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    channel = person_channel_get(manager) if is_mail else channel
    opening = message_create(channel, incident)
    transport.on_send = fail
    due_messages_send()
    incident_resolve(incident)
    recovery = message_create(channel, incident, kind=RESOLVED)
    transport.on_send = succeed
    assert (due_messages_send(), transport.sent) == (0, [])
    assert states_of(recovery)[0] == DeliveryState.QUEUED
    assert OutboxMessage.objects.get(object_id=recovery.pk).attempts == 0
    hand_clock.advance(seconds=6)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert due_messages_send() == 1
    assert states_of(opening)[0] == DeliveryState.SENT
    hand_clock.advance(seconds=30 if is_mail else 0)
    assert due_messages_send() == 1
    assert sent_kinds(transport) == [OPENED, RESOLVED]


def test_recovery_waits_while_another_worker_sends_its_opening(
    incident: Incident, channel: Channel, transport: ScriptedTransport
) -> None:
    message_create(channel, incident)
    recovery = message_create(channel, incident, kind=RESOLVED)

    def drain_elsewhere(_message: Message) -> None:
        transport.on_send = succeed
        due_messages_send()

    transport.on_send = drain_elsewhere
    due_messages_send()
    assert sent_kinds(transport) == [OPENED]
    assert states_of(recovery)[0] == DeliveryState.QUEUED


def test_message_that_fails_holds_up_no_other_incident(
    incident: Incident, channel: Channel, organisation: Organisation, transport: ScriptedTransport
) -> None:
    first = message_create(channel, incident)
    message_create(channel, incident_create(organisation))
    transport.on_send = lambda sent: fail(sent) if sent.pk == first.pk else None
    assert due_messages_send() == 1


def test_key_that_fails_again_is_told_of_after_its_former_recovery(
    incident: Incident,
    key: ApiKey,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    message_create(channel, incident)
    due_messages_send()
    incident_resolve(incident)
    again = incident_create(organisation)
    for row, ended_at in ((incident, hand_clock.at), (again, None)):
        IncidentKey.objects.create(
            incident=row, key=key, health_state="overdue", began_at=hand_clock.at, ended_at=ended_at
        )
    recovery = message_create(channel, incident, kind=RESOLVED)
    opening = message_create(channel, again)
    transport.on_send = lambda sent: fail(sent) if sent.pk == recovery.pk else None
    assert due_messages_send() == 0
    transport.on_send = succeed
    hand_clock.advance(seconds=31)
    assert due_messages_send() == 2
    assert sent_kinds(transport) == [OPENED, RESOLVED, OPENED]
    assert states_of(opening)[0] == DeliveryState.SENT


def test_pretend_incident_opens_before_it_closes(
    channel: Channel, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    opening = message_create(channel, is_test=True)
    message_create(channel, kind=RESOLVED, is_test=True)
    transport.on_send = lambda sent: fail(sent) if sent.pk == opening.pk else None
    assert due_messages_send() == 0
    transport.on_send = succeed
    hand_clock.advance(seconds=31)
    assert due_messages_send() == 2
    assert sent_kinds(transport) == [OPENED, RESOLVED]


@pytest.mark.parametrize("may_have_arrived", [False, True])
def test_end_is_told_unless_the_opening_certainly_never_arrived(
    may_have_arrived: bool, incident: Incident, channel: Channel, transport: ScriptedTransport
) -> None:
    """A network blip never loses "down" and delivers "up"."""
    opening = message_create(channel, incident)
    Message.objects.update(state=DeliveryState.GIVEN_UP, may_have_arrived=may_have_arrived)
    opening.deliveries.update(state=DeliveryState.GIVEN_UP)
    incident_resolve(incident)
    recovery = message_create(channel, incident, kind=RESOLVED)
    assert due_messages_send() == may_have_arrived
    expected = DeliveryState.SENT if may_have_arrived else DeliveryState.DROPPED
    assert states_of(recovery) == (expected, {expected})


@pytest.mark.parametrize("was_reminded", [False, True])
def test_end_is_told_to_whoever_learned_of_it_by_a_reminder(
    was_reminded: bool, incident: Incident, channel: Channel, transport: ScriptedTransport
) -> None:
    message_create(channel, incident)
    transport.on_send = lambda _message: fail_for_good()
    due_messages_send()
    Channel.objects.update(disabled_at=None)  # somebody mended it
    transport.on_send = succeed
    if was_reminded:
        message_create(channel, incident, kind=REMINDER)
        due_messages_send()
    incident_resolve(incident)
    message_create(channel, incident, kind=RESOLVED)
    due_messages_send()
    assert sent_kinds(transport) == ([REMINDER, RESOLVED] if was_reminded else [])


def test_end_of_many_leaves_out_those_of_which_nothing_was_told(
    incident: Incident, channel: Channel, organisation: Organisation, transport: ScriptedTransport
) -> None:
    other = incident_create(organisation)
    for row, state in ((incident, DeliveryState.SENT), (other, DeliveryState.DROPPED)):
        Delivery.objects.create(
            incident=row, channel=channel, kind=OPENED, state=state, created_at=row.opened_at
        )
        incident_resolve(row)
    recovery = message_create(channel, incident, other, kind=RESOLVED)
    assert due_messages_send() == 1
    assert [row.incident for row in recovery.deliveries.all()] == [incident]
    dropped = Delivery.objects.get(incident=other, kind=RESOLVED)
    assert (dropped.state, dropped.message) == (DeliveryState.DROPPED, None)


@pytest.mark.parametrize("state", [IncidentState.ACKNOWLEDGED, IncidentState.RESOLVED])
def test_reminder_of_what_somebody_looks_after_or_is_over_is_dropped(
    state: IncidentState, incident: Incident, channel: Channel, transport: ScriptedTransport
) -> None:
    reminder = message_create(channel, incident, kind=REMINDER)
    incident.state = state
    incident.save()
    assert (due_messages_send(), transport.sent) == (0, [])
    assert states_of(reminder) == (DeliveryState.DROPPED, {DeliveryState.DROPPED})


def test_reminder_of_an_open_incident_is_sent(
    incident: Incident, channel: Channel, transport: ScriptedTransport
) -> None:
    message_create(channel, incident, kind=REMINDER)
    assert due_messages_send() == 1


@pytest.mark.parametrize(("hours", "is_sent"), [(0.9, True), (1.0, False)])
def test_old_opening_of_what_is_over_is_not_told_and_neither_is_its_end(
    hours: float,
    is_sent: bool,
    incident: Incident,
    channel: Channel,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    message_create(channel, incident)
    hand_clock.at += timedelta(hours=hours)
    incident_resolve(incident)
    message_create(channel, incident, kind=RESOLVED)
    due_messages_send()
    assert sent_kinds(transport) == ([OPENED, RESOLVED] if is_sent else [])


def test_opening_that_failed_for_hours_is_told_with_its_end(
    incident: Incident, channel: Channel, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    """Nothing is lost when the receivers fail for an hour."""
    message_create(channel, incident)
    transport.on_send = fail
    for _ in range(60):
        due_messages_send()
        hand_clock.advance(minutes=1)
    incident_resolve(incident)
    message_create(channel, incident, kind=RESOLVED)
    transport.on_send = succeed
    for _ in range(30):
        due_messages_send()
        hand_clock.advance(minutes=5)
    assert sent_kinds(transport) == [OPENED, RESOLVED]
