"""How the alerts themselves are: what System, `doctor` and `/metrics` say of them."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.condition import alerts_condition_get, alerts_facts
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.core.message_faults import MessageFault
from freddy_admin.core.models import OutboxMessage
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_factories import channel_create, incident_create, message_create
from tests.hand_clock import HandClock
from tests.people import People

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_panel_of_which_nobody_was_told_anything_is_well(hand_clock: HandClock) -> None:
    condition = alerts_condition_get(now=hand_clock.at)
    assert condition.incidents_open == dict.fromkeys(Severity, 0)
    assert (condition.waiting_since, condition.outcomes, condition.faults) == (None, {}, set())
    assert alerts_facts(condition).is_well


def test_incidents_that_are_not_over_are_counted_by_severity(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    incident_create(organisation)
    incident_create(organisation, state=IncidentState.ACKNOWLEDGED)
    incident_create(organisation, severity=Severity.WARNING)
    incident_create(organisation, state=IncidentState.RESOLVED)
    condition = alerts_condition_get(now=hand_clock.at)
    assert condition.incidents_open == {Severity.ACTION_NEEDED: 2, Severity.WARNING: 1}
    assert alerts_facts(condition).open_count == 3


def test_channels_that_take_nothing_are_named_with_their_owner_and_answer(
    organisation: Organisation, people: People, hand_clock: HandClock
) -> None:
    since = hand_clock.at - 11 * MINUTE
    channel_create(organisation, name="ops", failing_since=since, answer="503 busy")
    channel_create(organisation, name="new", failing_since=hand_clock.at - 9 * MINUTE)
    channel_create(organisation, name="gone", failing_since=since, deleted_at=since)
    channel_create(None, name="pager", disabled_at=since, disabled_reason="gone")
    channel_create(None, name="by hand", disabled_at=since, disabled_by="Ana")
    Channel.objects.filter(pk=person_channel_get(people.manager).pk).update(
        failing_since=since - MINUTE
    )
    facts = alerts_facts(alerts_condition_get(now=hand_clock.at))
    assert [(row.name, row.owner, row.answer) for row in facts.failing] == [
        (ChannelKind.MAIL.label, str(people.manager), ""),
        ("ops", "Alder", "503 busy"),
    ]
    assert [(row.name, row.owner, row.since) for row in facts.disabled] == [("pager", "", since)]
    assert (facts.failing_count, facts.disabled_count, facts.is_well) == (2, 1, False)


def test_many_failing_channels_are_counted_and_some_are_named(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    for number in range(7):
        since = hand_clock.at - timedelta(hours=number + 1)
        channel_create(organisation, name=f"hook {number}", failing_since=since)
    facts = alerts_facts(alerts_condition_get(now=hand_clock.at))
    # Those that fail longest.
    assert [row.name for row in facts.failing] == [f"hook {n}" for n in (6, 5, 4, 3, 2)]
    assert facts.failing_count == 7


@pytest.mark.parametrize(("minutes", "stands_still"), [(9, False), (11, True)])
@pytest.mark.parametrize("is_planned", [False, True])
def test_messages_that_nobody_sends_for_ten_minutes_stand_still(
    is_planned: bool,
    minutes: int,
    stands_still: bool,
    organisation: Organisation,
    hand_clock: HandClock,
) -> None:
    channel, incident = channel_create(organisation), incident_create(organisation)
    due_at = hand_clock.at
    if is_planned:
        Delivery.objects.create(
            incident=incident,
            channel=channel,
            kind=DeliveryKind.OPENED,
            send_at=due_at,
            created_at=due_at,
        )
    else:
        message_create(channel, incident)
    hand_clock.advance(minutes=minutes)
    condition = alerts_condition_get(now=hand_clock.at)
    assert (condition.stands_still, condition.waiting_since) == (stands_still, due_at)
    assert (MessageFault.STANDSTILL in condition.faults) is stands_still
    assert alerts_facts(condition).is_well is not stands_still


def test_what_became_of_messages_is_counted_for_a_week(
    organisation: Organisation, hand_clock: HandClock
) -> None:
    channel = channel_create(organisation)
    for state in (DeliveryState.SENT, DeliveryState.SENT, DeliveryState.GIVEN_UP):
        message = message_create(channel)
        Message.objects.filter(pk=message.pk).update(state=state)
    OutboxMessage.objects.all().delete()
    condition = alerts_condition_get(now=hand_clock.at)
    assert condition.outcomes == {("webhook", "given_up"): 1, ("webhook", "sent"): 2}
    assert (condition.given_up, condition.waiting_since) == (1, None)
    assert not alerts_facts(condition).is_well
    hand_clock.advance(days=7, seconds=1)
    assert alerts_condition_get(now=hand_clock.at).outcomes == {}
