"""A message on its way: frozen, marked before a byte goes out, tried again, never lost."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import DatabaseError

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.answers import ChannelAnswer, ChannelFailure, ChannelNotSent
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.deliveries import sending
from freddy_admin.alerts.deliveries.outbox_lanes import MESSAGE_LIFETIME
from freddy_admin.alerts.deliveries.sending import (
    GIVES_UP_AFTER,
    RETRY_DELAYS,
    lost_messages_settle,
)
from freddy_admin.alerts.messages.content import message_content
from freddy_admin.alerts.models import Channel, DeliveryState, Message
from freddy_admin.core.mail import MailFailure
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import LEASE_SECONDS, NothingToSend, NotSent
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import (
    ScriptedTransport,
    channel_create,
    due_messages_send,
    incident_create,
    message_create,
    scripted_transport,
    states_of,
)
from tests.hand_clock import NOON, HandClock

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=LEASE_SECONDS)


@pytest.fixture
def transport(hand_clock: HandClock) -> Iterator[ScriptedTransport]:
    with scripted_transport() as scripted:
        yield scripted


@pytest.fixture
def channel(transport: ScriptedTransport, organisation: Organisation) -> Channel:
    return channel_create(organisation)


@pytest.fixture
def message(channel: Channel, organisation: Organisation) -> Message:
    return message_create(channel, incident_create(organisation))


def raising(error: BaseException) -> Callable[[Message], object]:
    def fail(_message: Message) -> None:
        raise error

    return fail


class Killed(BaseException):
    """Ends a drain as a kill does: nothing is stored."""


def kill_while_sending(transport: ScriptedTransport) -> None:
    transport.on_send = raising(Killed())
    with pytest.raises(Killed):
        due_messages_send()
    transport.on_send = lambda _message: None


def clock_to_next_attempt(hand_clock: HandClock) -> None:
    row = OutboxMessage.objects.get()
    assert row.next_attempt_at is not None
    hand_clock.at = max(row.next_attempt_at, row.lease_until or row.next_attempt_at)


def test_message_says_sending_since_when_before_a_byte_goes_out(
    message: Message, transport: ScriptedTransport
) -> None:
    seen: list[tuple[str, object, object]] = []

    def look(_message: Message) -> None:
        row = Message.objects.get()
        seen.append((row.state, row.sending_since, row.body))

    transport.on_send = look
    assert due_messages_send() == 1
    assert seen == [(DeliveryState.SENDING, NOON, transport.sent[0][1])]


def test_sent_message_keeps_the_answer_and_its_channel_is_well(
    message: Message, channel: Channel
) -> None:
    Channel.objects.update(failing_since=NOON)
    assert due_messages_send() == 1
    assert states_of(message) == (DeliveryState.SENT, {DeliveryState.SENT})
    assert (message.answer, message.answer_status, message.attempts) == ("ok", 200, 1)
    assert message.finished_at == NOON
    channel.refresh_from_db()
    assert (channel.succeeded_at, channel.failing_since, channel.answer) == (NOON, None, "ok")
    assert not OutboxMessage.objects.exists()


def test_retry_has_the_same_id_and_body_and_is_rendered_once(
    message: Message, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    transport.on_send = raising(ChannelNotSent(ChannelFailure.BROKEN))
    due_messages_send()
    assert states_of(message) == (DeliveryState.FAILED, {DeliveryState.FAILED})
    body = message.body
    transport.on_send = lambda _message: None
    clock_to_next_attempt(hand_clock)
    assert due_messages_send() == 1
    assert transport.sent == [(str(message.uid), body)]
    assert transport.renders == 1
    assert states_of(message)[0] == DeliveryState.SENT
    assert (message.repeats, message.may_have_arrived) == (0, False)


def test_failing_message_is_tried_after_the_promised_gaps_and_given_up_in_the_end(
    message: Message, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    assert [delay.total_seconds() for delay in RETRY_DELAYS] == [
        *(5, 60, 300, 1800, 7200, 21600, 43200, 86400)
    ]
    transport.on_send = raising(ChannelNotSent(ChannelFailure.BROKEN))
    for delay in RETRY_DELAYS:
        due_messages_send()
        next_attempt_at = OutboxMessage.objects.get().next_attempt_at
        assert next_attempt_at is not None
        assert delay * 0.75 <= next_attempt_at - hand_clock.at <= delay
        hand_clock.at = next_attempt_at
    due_messages_send()
    assert states_of(message) == (DeliveryState.GIVEN_UP, {DeliveryState.GIVEN_UP})
    assert (message.reason, message.attempts) == (ChannelFailure.BROKEN, len(RETRY_DELAYS) + 1)
    assert OutboxMessage.objects.get().given_up_at == hand_clock.at
    hand_clock.advance(days=2)
    assert due_messages_send() == 0


def test_no_jitter_adds_or_takes_an_attempt() -> None:
    total, last = sum(RETRY_DELAYS, timedelta()), RETRY_DELAYS[-1]
    assert total < GIVES_UP_AFTER < 0.75 * (total + last)
    assert total + last < MESSAGE_LIFETIME


def test_killed_worker_leaves_a_message_that_may_have_arrived_and_goes_again_under_its_id(
    message: Message, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    kill_while_sending(transport)
    assert states_of(message)[0] == DeliveryState.SENDING
    body = message.body
    hand_clock.at += LEASE
    assert lost_messages_settle(now=hand_clock.at) == 0
    hand_clock.advance(seconds=1)
    assert lost_messages_settle(now=hand_clock.at) == 1
    assert states_of(message) == (
        DeliveryState.MAY_HAVE_ARRIVED,
        {DeliveryState.MAY_HAVE_ARRIVED},
    )
    repeats: list[int] = []
    transport.on_send = lambda sent: repeats.append(sent.repeats)
    assert due_messages_send() == 1
    assert repeats == [1]
    assert transport.sent == [(str(message.uid), body)]
    assert states_of(message)[0] == DeliveryState.SENT
    assert (message.may_have_arrived, message.attempts) == (True, 2)


def test_message_of_a_killed_worker_is_a_repeat_even_if_nobody_marked_it(
    message: Message, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    kill_while_sending(transport)
    hand_clock.at += LEASE
    assert due_messages_send() == 1
    message.refresh_from_db()
    assert (message.may_have_arrived, message.repeats) == (True, 1)


def test_answer_that_does_not_come_leaves_a_message_that_may_have_arrived(
    message: Message, transport: ScriptedTransport, hand_clock: HandClock
) -> None:
    transport.on_send = raising(ChannelNotSent("timeout", may_have_arrived=True))
    due_messages_send()
    assert states_of(message)[0] == DeliveryState.MAY_HAVE_ARRIVED
    # A later failure that is certain changes nothing of the former one.
    transport.on_send = raising(ChannelNotSent("connection_refused"))
    clock_to_next_attempt(hand_clock)
    due_messages_send()
    assert states_of(message)[0] == DeliveryState.MAY_HAVE_ARRIVED
    assert (message.repeats, message.reason) == (1, "connection_refused")


def test_result_that_cannot_be_stored_is_no_loss(
    message: Message,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:

        def fail(**_values: object) -> None:
            raise DatabaseError("planted")

        patch.setattr(sending, "channel_answer_record", fail)
        with pytest.raises(DatabaseError):
            due_messages_send()
    assert states_of(message)[0] == DeliveryState.SENDING
    hand_clock.at += LEASE
    assert due_messages_send() == 1
    assert [uid for uid, _body in transport.sent] == [str(message.uid)] * 2
    assert states_of(message)[0] == DeliveryState.SENT


def test_permanent_refusal_gives_up_at_once_and_switches_the_channel_off(
    message: Message, channel: Channel, organisation: Organisation, transport: ScriptedTransport
) -> None:
    other = message_create(channel, incident_create(organisation))
    refusal = ChannelNotSent(ChannelFailure.GONE, answer=ChannelAnswer(410, "no_service"))
    transport.on_send = raising(refusal)
    due_messages_send()
    assert states_of(message)[0] == DeliveryState.GIVEN_UP
    assert (message.answer, message.answer_status) == ("no_service", 410)
    channel.refresh_from_db()
    assert (channel.disabled_at, channel.disabled_reason) == (NOON, ChannelFailure.GONE)
    assert (channel.answer, channel.answer_status) == ("no_service", 410)
    # What waits for the channel is not sent to it, and says why.
    assert states_of(other) == (DeliveryState.GIVEN_UP, {DeliveryState.GIVEN_UP})
    assert (other.reason, other.attempts) == (sending.CHANNEL_OFF, 0)


def test_channel_that_is_off_can_be_tested(channel: Channel, transport: ScriptedTransport) -> None:
    Channel.objects.update(disabled_at=NOON)
    channel.refresh_from_db()
    test_message = message_create(channel, is_test=True)
    assert due_messages_send() == 1
    assert states_of(test_message)[0] == DeliveryState.SENT


def test_message_to_a_deleted_channel_is_given_up(
    message: Message, transport: ScriptedTransport
) -> None:
    Channel.objects.update(deleted_at=NOON)
    assert (due_messages_send(), transport.sent) == (0, [])
    assert states_of(message)[0] == DeliveryState.GIVEN_UP
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(("asked", "kept"), [(90, 90), (2, 3.75), (10**6, 86_400)])
def test_retry_after_is_obeyed_by_all_messages_of_the_channel(
    asked: float,
    kept: float,
    message: Message,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
) -> None:
    error = ChannelNotSent(ChannelFailure.BUSY, retry_after=timedelta(seconds=asked))
    transport.on_send = raising(error)
    due_messages_send()
    transport.on_send = lambda _message: None
    next_attempt_at = OutboxMessage.objects.get().next_attempt_at
    assert next_attempt_at is not None
    longest = max(kept * 1.1, 5)
    assert kept <= (next_attempt_at - NOON).total_seconds() <= longest
    other = message_create(channel, incident_create(organisation))
    assert (due_messages_send(), transport.sent) == (0, [])
    assert OutboxMessage.objects.get(object_id=other.pk).attempts == 0
    hand_clock.at = next_attempt_at
    assert due_messages_send() == 2
    channel.refresh_from_db()
    assert channel.retry_at is None


def test_channel_that_answers_again_gets_at_once_what_failed_meanwhile(
    message: Message,
    channel: Channel,
    organisation: Organisation,
    transport: ScriptedTransport,
    hand_clock: HandClock,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    transport.on_send = raising(ChannelNotSent(ChannelFailure.BROKEN))
    for _ in range(4):
        due_messages_send()
        clock_to_next_attempt(hand_clock)
    due_messages_send()
    transport.on_send = lambda _message: None
    hand_clock.advance(minutes=1)
    message_create(channel, incident_create(organisation))
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
        assert due_messages_send() == 1
    assert states_of(message)[0] == DeliveryState.FAILED
    assert due_messages_send() == 1
    assert states_of(message)[0] == DeliveryState.SENT


def test_message_that_waits_for_longer_than_any_may_is_given_up_where_people_see_it(
    message: Message, hand_clock: HandClock
) -> None:
    hand_clock.at += MESSAGE_LIFETIME
    assert lost_messages_settle(now=hand_clock.at) == 0
    hand_clock.advance(seconds=1)
    assert lost_messages_settle(now=hand_clock.at) == 1
    assert states_of(message) == (DeliveryState.GIVEN_UP, {DeliveryState.GIVEN_UP})
    assert (message.reason, due_messages_send()) == (sending.EXPIRED, 0)
    assert lost_messages_settle(now=hand_clock.at) == 0


def test_message_whose_receiver_is_gone_is_dropped(
    message: Message, transport: ScriptedTransport
) -> None:
    transport.on_send = raising(NothingToSend())
    due_messages_send()
    assert states_of(message) == (DeliveryState.DROPPED, {DeliveryState.DROPPED})
    assert not OutboxMessage.objects.exists()


def test_message_to_a_person_who_may_see_nothing_of_it_is_dropped(
    organisation: Organisation,
    stranger: User,
    transport: ScriptedTransport,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = message_create(person_channel_get(stranger), incident_create(organisation))
    # Undone here, for the transport replaces the same function: it would come back after its end.
    with monkeypatch.context() as patch:
        patch.setattr(sending, "message_content", message_content)
        assert (due_messages_send(), transport.sent) == (0, [])
    assert states_of(message) == (DeliveryState.DROPPED, {DeliveryState.DROPPED})


def test_mail_server_that_is_away_is_no_fault_of_the_persons_channel(
    organisation: Organisation, manager: User, transport: ScriptedTransport
) -> None:
    channel = person_channel_get(manager)
    message_create(channel, incident_create(organisation))
    transport.on_send = raising(NotSent(MailFailure.NO_ANSWER))
    due_messages_send()
    channel.refresh_from_db()
    assert channel.failing_since is None


def test_refused_mail_address_is_given_up_and_the_persons_channel_stays_on(
    organisation: Organisation, manager: User, transport: ScriptedTransport
) -> None:
    channel = person_channel_get(manager)
    message = message_create(channel, incident_create(organisation))
    transport.on_send = raising(NotSent(MailFailure.ADDRESS_REFUSED, is_permanent=True))
    due_messages_send()
    channel.refresh_from_db()
    assert states_of(message)[0] == DeliveryState.GIVEN_UP
    assert (channel.failing_since, channel.disabled_at) == (NOON, None)


def test_removed_message_is_not_sent_and_its_result_goes_nowhere(
    message: Message, transport: ScriptedTransport
) -> None:
    def remove(_message: Message) -> None:
        Message.objects.all().delete()

    transport.on_send = remove
    due_messages_send()
    assert not OutboxMessage.objects.exists()


def test_failure_of_a_message_that_was_removed_meanwhile_goes_nowhere(
    message: Message, transport: ScriptedTransport
) -> None:
    def remove_and_fail(_message: Message) -> None:
        Message.objects.all().delete()
        raise NotSent("planted")

    transport.on_send = remove_and_fail
    assert due_messages_send() == 0
    assert not Message.objects.exists()
