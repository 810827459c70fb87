"""The drain: one message for what belongs together, none of what is over, an end for each."""

from datetime import timedelta

import pytest

from freddy_admin.alerts.deliveries.grouping import deliveries_due, deliveries_group
from freddy_admin.alerts.deliveries.planning import openings_plan
from freddy_admin.alerts.models import (
    AlertPreferences,
    Channel,
    Delivery,
    DeliveryState,
    Message,
)
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage, PanelAddress
from freddy_admin.organisations.models import Membership, Organisation
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    ids,
    incident_create,
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


def test_incident_is_told_after_a_minute_and_its_end_a_minute_after_it(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(seconds=50)
    assert told(channel) == []
    flow.run(seconds=10)
    assert told(channel) == [("opened", [incident.pk])]

    incidents_resolve(incident)
    flow.run(minutes=2)
    assert told(channel)[1:] == [("resolved", [incident.pk])]


def test_message_waits_in_the_outbox_from_the_transaction_on_that_wrote_it(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident_open(organisation)
    flow.run(minutes=1)

    message = Message.objects.get()
    assert list(OutboxMessage.objects.values_list("object_id", flat=True)) == [message.pk]
    delivery = Delivery.objects.get(message=message)
    assert (delivery.state, delivery.send_at) == (DeliveryState.QUEUED, None)


def test_incident_that_is_over_within_the_minute_is_told_to_nobody(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    flow.run(seconds=30)
    incidents_resolve(incident)
    flow.run(minutes=5)

    assert told(channel) == []
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DROPPED}


def test_incidents_that_come_within_the_minute_are_one_message(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    first = incident_open(organisation)
    flow.run(seconds=30)
    second = incident_open(organisation)
    flow.run(minutes=3)

    assert told(channel) == [("opened", ids([first, second]))]


def test_quick_return_of_an_incident_hides_no_end(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    first = incident_open(organisation)
    flow.run(minutes=2)
    incidents_resolve(first)
    second = incident_open(organisation)
    flow.run(minutes=2)

    assert sorted(told(channel)[1:]) == [("opened", [second.pk]), ("resolved", [first.pk])]


def test_incidents_from_history_are_told_to_nobody(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_create(organisation)
    incident.is_from_history = True
    incident.save()
    openings_plan(incidents=[incident], now=clock.now())
    flow.run(minutes=5)
    incidents_resolve(incident)
    flow.run(minutes=5)

    assert not Delivery.objects.exists()


def test_planning_twice_tells_once(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    incident = incident_open(organisation)
    openings_plan(incidents=[incident], now=clock.now())
    flow.run(minutes=2)
    openings_plan(incidents=[incident], now=clock.now())
    flow.run(minutes=2)

    assert told(channel) == [("opened", [incident.pk])]


def test_person_who_left_the_organisation_is_told_nothing_more(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    rule_make(organisation, roles=["operator", "viewer"])
    told_before, planned = incident_open(organisation), None
    flow.run(minutes=2)
    planned = incident_open(organisation)
    Membership.objects.filter(user=people.viewer).delete()
    incidents_resolve(told_before)
    flow.run(minutes=2)

    assert sorted(kinds_told(Channel.objects.get(user=people.operator))) == [
        "opened",
        "opened",
        "resolved",
    ]
    assert told(Channel.objects.get(user=people.viewer)) == [("opened", [told_before.pk])]
    assert planned.deliveries.filter(state=DeliveryState.DROPPED).count() == 1


def test_person_who_wants_no_mail_any_more_gets_none(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    incident_open(organisation)
    AlertPreferences.objects.create(user=people.manager, gets_mail=False)
    flow.run(minutes=2)

    assert not Message.objects.exists()


def test_deleted_person_takes_their_deliveries_along(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    rule_make(organisation, roles=["viewer", "operator"])
    incident = incident_open(organisation)
    people.viewer.delete()
    flow.run(minutes=2)

    assert [message.channel.user for message in Message.objects.all()] == [people.operator]
    assert incident.deliveries.count() == 1 + 1  # the opening and the next reminder


def test_deleted_channel_is_told_nothing_more(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    first = incident_open(organisation)
    flow.run(minutes=2)
    incident_open(organisation)
    Channel.objects.filter(pk=channel.pk).update(deleted_at=clock.now())
    incidents_resolve(first)
    flow.run(minutes=5)

    assert told(channel) == [("opened", [first.pk])]
    assert not deliveries_due(now=clock.now() + timedelta(days=9)).exists()


def test_channel_that_is_off_gets_the_end_once_it_is_on_again(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    first = incident_open(organisation)
    flow.run(minutes=2)
    Channel.objects.filter(pk=channel.pk).update(disabled_at=clock.now())
    second = incident_open(organisation)
    incidents_resolve(first)
    flow.run(minutes=5)
    assert kinds_told(channel) == ["opened"]
    Channel.objects.filter(pk=channel.pk).update(disabled_at=None)
    flow.run(hours=1, step=60)

    assert told(channel) == [("opened", [first.pk]), ("resolved", [first.pk])]
    assert not second.deliveries.exists()


def test_removed_organisation_takes_its_incidents_along(
    flow: DeliveryFlow, fleet_channel: Channel, organisation: Organisation
) -> None:
    incident_open(organisation)
    (other,) = organisations_make(1)
    lasting = incident_open(other)
    organisation.delete()
    flow.run(minutes=2)

    assert told(fleet_channel) == [("opened", [lasting.pk])]


def test_nothing_is_decided_while_the_database_may_be_a_copy(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation
) -> None:
    PanelAddress.objects.all().delete()
    PanelAddress.objects.create(url="https://other.example", recorded_at=clock.now())
    incident_open(organisation)
    flow.run(minutes=2)

    assert not Message.objects.exists()


def test_drain_with_nothing_due_is_one_statement(
    flow: DeliveryFlow, channel: Channel, organisation: Organisation, django_assert_num_queries
) -> None:
    incident_open(organisation)
    with django_assert_num_queries(1):
        assert deliveries_group(now=clock.now()) == 0
