"""A cause over many organisations: one opening and one end for each channel."""

import pytest

from freddy_admin.alerts.deliveries.planning import openings_plan
from freddy_admin.alerts.models import (
    CauseKind,
    Channel,
    ChannelKind,
    Incident,
    Message,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    cause_create,
    channel_create,
    held,
    ids,
    incident_open,
    incidents_resolve,
    kinds_told,
    rule_make,
    told,
)
from tests.alerts.flow_fixtures import channel, fleet_channel, flow, organisations_make
from tests.people import People

pytestmark = pytest.mark.django_db

__all__ = ["channel", "fleet_channel", "flow"]


def test_one_cause_over_fifty_organisations_is_one_opening_and_one_end(
    flow: DeliveryFlow, fleet_channel: Channel
) -> None:
    cause = cause_create()
    incidents = []
    # Keys are checked in turn, over five minutes.
    for organisation in organisations_make(50):
        incidents.append(incident_open(organisation, HealthState.KEY_REJECTED, cause=cause))
        flow.run(seconds=6, step=6)
    flow.run(minutes=2)
    for incident in incidents:
        incidents_resolve(incident)
        flow.run(seconds=6, step=6)
    flow.run(minutes=2)

    assert told(fleet_channel) == [("opened", ids(incidents)), ("resolved", ids(incidents))]
    managers = Channel.objects.filter(user__isnull=False)
    assert not Message.objects.filter(channel__in=managers).exists()


def test_cause_that_reaches_further_is_told_again_after_an_hour(
    flow: DeliveryFlow, fleet_channel: Channel
) -> None:
    cause, (one, other) = cause_create(), organisations_make(2)
    first = incident_open(one, HealthState.KEY_REJECTED, cause=cause)
    flow.run(minutes=10)
    second = incident_open(other, HealthState.KEY_REJECTED, cause=cause)
    flow.run(minutes=20)
    assert told(fleet_channel) == [("opened", [first.pk])]
    flow.run(minutes=40, step=60)

    assert ("opened", [second.pk]) in told(fleet_channel)


def test_group_is_told_to_recover_in_part_where_one_does_not(
    flow: DeliveryFlow, fleet_channel: Channel
) -> None:
    cause, organisations = cause_create(), organisations_make(3)
    incidents = [incident_open(one, HealthState.KEY_REJECTED, cause=cause) for one in organisations]
    flow.run(minutes=2)
    incidents_resolve(*incidents[:2])
    flow.run(minutes=20, step=30)
    assert kinds_told(fleet_channel) == ["opened"]
    assert held(fleet_channel)[0][0] == "cause_lasts"
    flow.run(minutes=15, step=30)

    assert ("resolved", ids(incidents[:2])) in told(fleet_channel)
    incidents_resolve(incidents[2])
    flow.run(minutes=2)
    assert ("resolved", [incidents[2].pk]) in told(fleet_channel)


def test_pagerduty_is_told_that_a_cause_is_over_once_all_of_it_is(flow: DeliveryFlow) -> None:
    pager = channel_create(None, ChannelKind.PAGERDUTY)
    rule_make(None, pager, sends_reminders=False)
    cause, organisations = cause_create(), organisations_make(2)
    incidents = [incident_open(one, HealthState.KEY_REJECTED, cause=cause) for one in organisations]
    flow.run(minutes=2)
    incidents_resolve(incidents[0])
    flow.run(hours=3, step=300)
    assert told(pager) == [("opened", ids(incidents))]
    incidents_resolve(incidents[1])
    flow.run(minutes=2)

    assert told(pager)[1:] == [("resolved", ids(incidents))]


def test_pagerduty_is_told_of_incidents_without_a_cause_one_by_one(flow: DeliveryFlow) -> None:
    pager = channel_create(None, ChannelKind.PAGERDUTY)
    rule_make(None, pager)
    incidents = [incident_open(one) for one in organisations_make(3)]
    flow.run(minutes=2)

    assert sorted(told(pager)) == [("opened", [incident.pk]) for incident in incidents]


def test_end_of_a_cause_that_was_linked_after_the_opening_goes_by_the_opening(
    flow: DeliveryFlow, fleet_channel: Channel
) -> None:
    one, other = organisations_make(2)
    incidents = [incident_open(one), incident_open(other)]
    flow.run(minutes=2)
    Incident.objects.update(cause=cause_create())
    incidents[0].refresh_from_db()
    incidents_resolve(incidents[0])
    flow.run(minutes=2)

    assert ("resolved", [incidents[0].pk]) in told(fleet_channel)


def test_platform_admin_is_told_once_of_a_cause_that_shows_itself_late(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    cause = cause_create(CauseKind.API_UNREACHABLE)
    incident = incident_open(organisation, HealthState.KEY_REJECTED)
    flow.run(minutes=2)
    assert not Channel.objects.filter(user=people.admin).exists()
    incident.cause = cause
    incident.save()
    openings_plan(incidents=[incident], now=clock.now())
    flow.run(minutes=2)

    assert kinds_told(Channel.objects.get(user=people.admin)) == ["opened"]
