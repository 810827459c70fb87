"""*Test* of a channel goes the way of every message, and says what happened in each step."""

from typing import Any

import pytest
from django.core import mail

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.channels.services import channel_delete, channel_switch_off
from freddy_admin.alerts.channels.test_steps import (
    ChannelTest,
    TestStepState,
    channel_test_latest,
    channel_test_start,
)
from freddy_admin.alerts.models import Channel, Incident, Message
from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.core.outbox import outbox_drain, outbox_due_lanes
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time
from tests.alerts.channels.conftest import MANAGER, MakeChannel
from tests.alerts.conftest import HandClock
from tests.alerts.delivery_flow import rule_make
from tests.people import user_create
from tests.receivers.http_receiver import HttpReceiver, Reply
from tests.receivers.pagerduty_receiver import PagerDutyReceiver
from tests.receivers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db
DONE, FAILED = TestStepState.DONE, TestStepState.FAILED
RUNNING, WAITING = TestStepState.RUNNING, TestStepState.WAITING


def _drain(hand_clock: HandClock, times: int = 3) -> None:
    for _time in range(times):
        for lane in outbox_due_lanes(limit=100):
            outbox_drain(lane=lane.name)
        hand_clock.advance(seconds=31)


def _latest(channel: Channel) -> ChannelTest:
    test = channel_test_latest(channel=channel, now=clock.now())
    assert test is not None
    return test


def _states(channel: Channel) -> list[TestStepState]:
    return [step.state for step in _latest(channel).steps]


def _words(channel: Channel) -> list[str]:
    user_time = get_user_time(clock.now())
    return [render_text(step.sentences, user_time) for step in _latest(channel).steps]


def test_pretend_incident_opens_and_ends_by_the_way_of_every_message(
    make_channel: MakeChannel,
    webhook_receiver: WebhookReceiver,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    new = make_channel("webhook", webhook_receiver)
    webhook_receiver.secret = new.signing_secret
    rule_make(organisation, new.channel, name="Night shift")
    assert channel_test_latest(channel=new.channel, now=clock.now()) is None
    channel_test_start(channel=new.channel, actor=MANAGER)
    assert _states(new.channel) == [DONE, DONE, RUNNING, WAITING]
    assert not _latest(new.channel).is_finished
    _drain(hand_clock)
    assert _states(new.channel) == [DONE, DONE, DONE, DONE]
    assert _latest(new.channel).is_finished
    opened, resolved = (dict[str, Any](event) for event in webhook_receiver.events)
    assert (opened["data"]["test"], resolved["data"]["test"]) == (True, True)
    assert [str(event["type"]).rpartition(".")[2] for event in (opened, resolved)] == [
        "opened",
        "resolved",
    ]
    words = _words(new.channel)
    assert "Night shift" in words[0]
    assert "The other side answered 204" in words[2]
    assert not Incident.objects.exists()


def test_pagerduty_is_called_once_and_nobody_is_left_called(
    make_channel: MakeChannel, pagerduty_receiver: PagerDutyReceiver, hand_clock: HandClock
) -> None:
    channel = make_channel("pagerduty").channel
    for _test in range(2):
        channel_test_start(channel=channel, actor=MANAGER)
        _drain(hand_clock)
    assert pagerduty_receiver.opened_count == 2
    assert pagerduty_receiver.open_alerts == {}
    keys = {request.json["dedup_key"] for request in pagerduty_receiver.taken}
    assert len(keys) == 2  # one key for each test, of its opening and its end


def test_channel_that_no_rule_names_is_told_apart(
    make_channel: MakeChannel, receiver: HttpReceiver, hand_clock: HandClock
) -> None:
    channel = make_channel("webhook", receiver).channel
    channel_test_start(channel=channel, actor=MANAGER)
    assert "No rule tells this channel" in _words(channel)[0]


@pytest.mark.parametrize(
    ("status", "is_over", "words"), [(500, False, "Tried again at"), (410, True, "Given up")]
)
def test_receiver_that_refuses_is_shown_with_its_answer(
    status: int,
    is_over: bool,
    words: str,
    make_channel: MakeChannel,
    receiver: HttpReceiver,
    hand_clock: HandClock,
) -> None:
    channel = make_channel("webhook", receiver).channel
    receiver.judge = lambda _request: Reply(status, b"out of order")
    channel_test_start(channel=channel, actor=MANAGER)
    _drain(hand_clock, times=1)
    assert _states(channel)[2] is FAILED
    assert words in _words(channel)[2]
    assert f"The other side answered {status}" in _words(channel)[2]
    if is_over:
        _drain(hand_clock)
        assert _latest(channel).is_finished


def test_channel_that_is_off_is_tested_all_the_same(
    make_channel: MakeChannel,
    receiver: HttpReceiver,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    channel = make_channel("webhook", receiver).channel
    channel_switch_off(organisation=organisation, actor=MANAGER, channel=channel)
    channel_test_start(channel=channel, actor=MANAGER)
    _drain(hand_clock)
    assert len(receiver.taken) == 2


def test_one_test_runs_at_a_time_and_none_of_a_deleted_channel(
    make_channel: MakeChannel,
    receiver: HttpReceiver,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    channel = make_channel("webhook", receiver).channel
    channel_test_start(channel=channel, actor=MANAGER)
    with pytest.raises(Conflict, match="under way"):
        channel_test_start(channel=channel, actor=MANAGER)
    hand_clock.advance(minutes=11)
    assert _latest(channel).is_finished
    channel_test_start(channel=channel, actor=MANAGER)
    channel_delete(organisation=organisation, actor=MANAGER, channel=channel)
    with pytest.raises(Conflict, match="deleted"):
        channel_test_start(channel=channel, actor=MANAGER)
    assert Message.objects.count() == 4


def test_person_tests_their_own_mail(organisation: Organisation, hand_clock: HandClock) -> None:
    person = user_create("mona@example.org")
    channel = person_channel_get(person)
    channel_test_start(channel=channel, actor=MANAGER)
    assert "No rule tells this channel" in _words(channel)[0]
    Membership.objects.create(
        organisation=organisation, user=person, role="manager", created_at=clock.now()
    )
    assert "the default rule" in _words(channel)[0]
    _drain(hand_clock)
    opened, resolved = mail.outbox
    assert opened.to == resolved.to == [person.email]
    assert opened.subject.startswith("Test: ")
    assert resolved.subject.startswith("Test: Resolved: ")
    assert "This is a test" in opened.body
    assert resolved.extra_headers["References"] == opened.extra_headers["Message-ID"]


def test_person_who_left_is_sent_no_test(hand_clock: HandClock, db: None) -> None:
    person = user_create("mona@example.org")
    channel = person_channel_get(person)
    channel_test_start(channel=channel, actor=MANAGER)
    User.objects.filter(pk=person.pk).update(is_active=False)
    _drain(hand_clock)
    assert mail.outbox == []
    assert _states(channel)[2:] == [FAILED, FAILED]


def test_test_is_in_the_audit_log(make_channel: MakeChannel, receiver: HttpReceiver) -> None:
    channel = make_channel("webhook", receiver).channel
    channel_test_start(channel=channel, actor=MANAGER)
    event = AuditEvent.objects.get(tag="channel_tested")
    assert channel.name in str(event.__dict__)
