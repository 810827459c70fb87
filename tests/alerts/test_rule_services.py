"""Rules that change while something is planned: what nobody was told of goes by the new ones."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import AlertRule, Channel
from freddy_admin.alerts.rules.services import RuleValues, rule_create, rule_delete, rule_update
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core.errors import InvalidInput, NotFound
from freddy_admin.organisations.models import Organisation
from tests.alerts.delivery_flow import (
    DeliveryFlow,
    channel_create,
    incident_open,
    incidents_resolve,
    kinds_told,
    rule_make,
    told,
)
from tests.hand_clock import HandClock
from tests.people import People

pytestmark = pytest.mark.django_db
ANA = Actor("Ana (ana@example.org)")


@pytest.fixture
def flow(hand_clock: HandClock) -> DeliveryFlow:
    return DeliveryFlow(hand_clock)


@pytest.fixture
def channel(flow: DeliveryFlow, organisation: Organisation) -> Channel:
    return channel_create(organisation)


def values(*channels: Channel, **extra: object) -> RuleValues:
    return RuleValues(name="On call", channel_ids=[c.pk for c in channels], **extra)  # type: ignore[arg-type]


def test_first_rule_takes_what_is_planned_from_the_default_one(
    flow: DeliveryFlow, people: People, organisation: Organisation, channel: Channel
) -> None:
    incident = incident_open(organisation)
    rule_create(organisation=organisation, actor=ANA, values=values(channel))
    flow.run(minutes=2)

    assert told(channel) == [("opened", [incident.pk])]
    assert kinds_told(Channel.objects.get(user=people.manager)) == []


def test_new_rule_announces_nothing_that_was_told(
    flow: DeliveryFlow, people: People, organisation: Organisation, channel: Channel
) -> None:
    incident = incident_open(organisation)
    flow.run(minutes=2)
    rule_create(organisation=organisation, actor=ANA, values=values(channel))
    flow.run(minutes=2)
    incidents_resolve(incident)
    flow.run(minutes=2)

    assert told(channel) == []
    assert kinds_told(Channel.objects.get(user=people.manager)) == ["opened", "resolved"]


def test_rule_that_is_switched_off_tells_nothing_that_it_had_planned(
    flow: DeliveryFlow, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_create(organisation=organisation, actor=ANA, values=values(channel))
    incident_open(organisation)
    rule_update(
        organisation=organisation, actor=ANA, rule_id=rule.pk, values=values(channel, enabled=False)
    )
    flow.run(minutes=2)

    assert told(channel) == []


def test_quiet_hours_that_are_taken_away_hold_nothing_back_any_more(
    flow: DeliveryFlow, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_make(organisation, channel, quiet_from="11:00", quiet_until="23:00")
    incident = incident_open(organisation)
    flow.run(minutes=5)
    assert told(channel) == []
    rule_update(organisation=organisation, actor=ANA, rule_id=rule.pk, values=values(channel))
    flow.run(minutes=2)

    assert told(channel) == [("opened", [incident.pk])]


def test_default_rule_comes_back_with_the_last_rule_removed(
    flow: DeliveryFlow, people: People, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_create(organisation=organisation, actor=ANA, values=values(channel))
    incident = incident_open(organisation)
    assert rule_delete(organisation=organisation, actor=ANA, rule_id=rule.pk) == "On call"
    flow.run(minutes=2)

    assert told(Channel.objects.get(user=people.manager)) == [("opened", [incident.pk])]


def test_fleet_rule_replans_every_organisation(
    flow: DeliveryFlow, people: People, organisation: Organisation
) -> None:
    pager = channel_create(None)
    incident = incident_open(organisation)
    rule_create(organisation=None, actor=ANA, values=values(pager, severity="warning"))
    flow.run(minutes=2)

    assert told(pager) == [("opened", [incident.pk])]


def test_change_that_changes_nothing_is_no_event_and_replans_nothing(
    flow: DeliveryFlow, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_create(organisation=organisation, actor=ANA, values=values(channel))
    incident = incident_open(organisation)
    before = list(incident.deliveries.values_list("pk", flat=True))
    for _ in range(2):
        rule_update(organisation=organisation, actor=ANA, rule_id=rule.pk, values=values(channel))

    assert list(incident.deliveries.values_list("pk", flat=True)) == before
    assert [event.tag for event in AuditEvent.objects.all()] == ["alert_rule_created"]


def test_audit_log_says_what_of_a_rule_changed(
    flow: DeliveryFlow, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_create(organisation=organisation, actor=ANA, values=values(channel))
    changed = values(delay_minutes=5, roles=["manager"])
    rule_update(organisation=organisation, actor=ANA, rule_id=rule.pk, values=changed)

    event = AuditEvent.objects.get(tag="alert_rule_changed")
    assert event.details["changes"] == {
        "delay_minutes": [0, 5],
        "roles": [[], ["manager"]],
        "channels": [["ops"], []],
    }


def test_organisations_rule_is_never_of_causes_alone(
    flow: DeliveryFlow, organisation: Organisation, channel: Channel
) -> None:
    rule = rule_create(
        organisation=organisation, actor=ANA, values=values(channel, causes_only=True)
    )

    assert rule.causes_only is False


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"severity": "terrible"}, "severity"),
        ({"roles": ["platform_admin"]}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"delay_minutes": -1}, "delay_minutes"),
        ({"delay_minutes": 100_000}, "delay_minutes"),
        ({"zone": "Mars/Olympus"}, "zone"),
    ],
)
def test_unusable_value_is_refused_with_its_field(
    extra: dict[str, object],
    field: str,
    flow: DeliveryFlow,
    organisation: Organisation,
    channel: Channel,
) -> None:
    with pytest.raises(InvalidInput) as caught:
        rule_create(organisation=organisation, actor=ANA, values=values(channel, **extra))
    assert caught.value.field == field
    assert not AlertRule.objects.exists()


def test_rule_names_no_channel_of_somebody_else(
    flow: DeliveryFlow, organisation: Organisation, other_organisation: Organisation
) -> None:
    own, foreign = channel_create(organisation), channel_create(other_organisation)
    with pytest.raises(InvalidInput):
        rule_create(organisation=organisation, actor=ANA, values=values(own, foreign))


@pytest.mark.parametrize("rule_id", [0, 10**30, 1])
def test_rule_that_is_not_there_is_not_found(
    rule_id: int, flow: DeliveryFlow, organisation: Organisation
) -> None:
    with pytest.raises(NotFound):
        rule_delete(organisation=organisation, actor=ANA, rule_id=rule_id)


def test_persons_channel_cannot_be_named_by_a_rule(flow: DeliveryFlow, people: People) -> None:
    mine = Channel.objects.create(
        user=User.objects.get(pk=people.admin.pk), kind="mail", created_at=flow.hand_clock.at
    )
    with pytest.raises(InvalidInput):
        rule_create(organisation=None, actor=ANA, values=values(mine))
