"""Mutes, quiet hours, delays, reminders and our own absence: what they hold back, and how long."""

from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import (
    AlertPreferences,
    Channel,
    IncidentState,
    Message,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    channel_create,
    held,
    incident_acknowledge_row,
    incident_open,
    incidents_resolve,
    kinds_told,
    rule_make,
    told,
)
from tests.alerts.flow_fixtures import channel, fleet_channel, flow, mute, window
from tests.drill_scale import drill_count
from tests.people import People

pytestmark = pytest.mark.django_db

__all__ = ["channel", "fleet_channel", "flow"]


def test_mute_holds_the_opening_back_and_tells_it_when_it_ends(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    mute(incident, hours=2)
    flow.run(hours=1, step=60)
    assert told(channel) == []
    assert held(channel) == [("mute", clock.now() + timedelta(hours=1))]
    flow.run(hours=1, minutes=1, step=60)

    assert told(channel) == [("opened", [incident.pk])]


def test_mute_that_is_longer_than_the_incident_tells_nobody(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    mute(incident, hours=2)
    flow.run(minutes=10)
    incidents_resolve(incident)
    flow.run(hours=3, step=60)

    assert told(channel) == []


def test_muted_after_the_opening_still_gets_its_end(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(minutes=2)
    mute(incident, hours=2)
    incidents_resolve(incident)
    flow.run(minutes=2)

    assert kinds_told(channel) == ["opened", "resolved"]


def test_opening_that_a_mute_held_back_counts_as_told_once_it_is_sent(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    mute(incident, hours=2)
    flow.run(hours=2, minutes=1, step=60)
    opened_at = Message.objects.get().created_at
    flow.run(hours=1, step=60)

    [_opening, reminder] = Message.objects.order_by("pk")
    assert reminder.kind == "reminder"
    assert reminder.created_at - opened_at >= timedelta(hours=1)
    incidents_resolve(incident)
    flow.run(minutes=2)
    assert kinds_told(channel) == ["opened", "reminder", "resolved"]


@pytest.mark.parametrize("is_of_all", [False, True])
def test_what_was_told_before_a_window_and_ends_in_it_is_told_to_be_over(
    is_of_all: bool, flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(minutes=2)
    window(None if is_of_all else organisation, minutes=120)
    flow.run(minutes=30, step=60)
    incidents_resolve(incident)
    flow.run(minutes=2)

    assert kinds_told(channel) == ["opened", "resolved"]


def test_what_was_told_before_a_window_is_not_told_again_after_it(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    channel = channel_create(organisation)
    rule_make(organisation, channel, sends_reminders=False)
    told_before = incident_open(organisation)
    flow.run(minutes=2)
    window(organisation, minutes=60)
    began_within, over_within = incident_open(organisation), incident_open(organisation)
    flow.run(minutes=30, step=60)
    incidents_resolve(over_within)
    assert told(channel) == [("opened", [told_before.pk])]
    flow.run(hours=5, step=60)

    assert told(channel) == [("opened", [told_before.pk]), ("opened", [began_within.pk])]


def test_quiet_hours_of_a_rule_hold_back_and_tell_what_is_still_true(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    channel = channel_create(organisation)
    rule_make(organisation, channel, quiet_from="11:00", quiet_until="13:00", zone="UTC")
    over, lasting = incident_open(organisation), incident_open(organisation)
    flow.run(minutes=10)
    incidents_resolve(over)
    flow.run(minutes=49, step=60)
    assert told(channel) == []
    flow.run(minutes=2)

    assert told(channel) == [("opened", [lasting.pk])]


def test_quiet_hours_of_a_person_are_those_of_their_zone(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    AlertPreferences.objects.create(user=people.manager, quiet_from="22:00", quiet_until="07:00")
    # Noon in UTC is four in the morning there.
    User.objects.filter(pk=people.manager.pk).update(time_zone="America/Los_Angeles")
    incident_open(organisation)
    flow.run(minutes=5)
    channel = Channel.objects.get(user=people.manager)
    assert [reason for reason, _until in held(channel)] == ["quiet_hours"]
    flow.run(hours=3, step=60)

    assert kinds_told(channel) == ["opened"]


def test_delay_of_a_rule_passes_before_the_opening(
    flow: DeliveryFlow, organisation: Organisation
) -> None:
    channel = channel_create(organisation)
    rule_make(organisation, channel, delay_minutes=30)
    short, lasting = incident_open(organisation), incident_open(organisation)
    flow.run(minutes=30, step=60)
    incidents_resolve(short)
    assert told(channel) == []
    flow.run(minutes=2)

    assert told(channel) == [("opened", [lasting.pk])]


def test_reminders_come_after_1_4_and_24_hours_then_daily(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident_open(organisation)
    flow.run(minutes=1)
    began = clock.now()
    flow.run(hours=73, step=60)

    reminders = Message.objects.filter(kind="reminder").order_by("pk")
    hours = [(message.created_at - began) / timedelta(hours=1) for message in reminders]
    assert [round(hour) for hour in hours] == [1, 4, 24, 48, 72]


def test_acknowledgement_stops_reminders_and_not_the_end(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(minutes=2)
    incident_acknowledge_row(incident)
    flow.run(hours=100, step=600)
    assert kinds_told(channel) == ["opened"]
    incidents_resolve(incident)
    flow.run(minutes=2)

    assert kinds_told(channel) == ["opened", "resolved"]


@pytest.mark.drill
def test_acknowledged_incident_says_nothing_for_months_but_that_it_is_over(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(minutes=2)
    incident_acknowledge_row(incident)
    flow.run(days=200, step=200 * 86_400 / drill_count(800))
    assert kinds_told(channel) == ["opened"]
    incident.refresh_from_db()
    assert incident.state == IncidentState.ACKNOWLEDGED
    incidents_resolve(incident)
    flow.run(minutes=2)

    assert kinds_told(channel) == ["opened", "resolved"]


def test_rule_without_reminders_sends_none(flow: DeliveryFlow, organisation: Organisation) -> None:
    channel = channel_create(organisation)
    rule = rule_make(organisation, channel, sends_reminders=False)
    incident_open(organisation)
    flow.run(hours=2, step=60)
    assert kinds_told(channel) == ["opened"]

    rule.sends_reminders = True
    rule.save()
    incident_open(organisation)
    flow.run(minutes=2)
    rule.delete()
    flow.run(hours=2, step=60)
    assert kinds_told(channel) == ["opened", "opened"]


def test_absence_of_a_quarter_of_an_hour_has_openings_looked_at_first(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    over, lasting = incident_open(organisation), incident_open(organisation)
    flow.hand_clock.advance(minutes=30)
    flow.drain()
    assert told(channel) == []
    assert {reason for reason, _until in held(channel)} == {"recheck"}
    # The first check after the absence.
    incidents_resolve(over)
    flow.run(minutes=6)

    assert told(channel) == [("opened", [lasting.pk])]


def test_reminders_that_were_due_in_our_absence_are_one(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident_open(organisation)
    flow.run(minutes=2)
    flow.hand_clock.advance(days=3)
    flow.run(minutes=30)

    assert kinds_told(channel) == ["opened", "reminder"]
