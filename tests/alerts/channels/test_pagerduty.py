"""PagerDuty: alerts open and close by a key of their own, one an incident or one for a cause."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.alerts.channels import pagerduty
from freddy_admin.alerts.channels.answers import ChannelNotSent
from freddy_admin.alerts.messages.content import message_content
from freddy_admin.alerts.models import (
    Cause,
    Channel,
    Delivery,
    DeliveryKind,
    Incident,
    Message,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from tests.alerts.channels.conftest import (
    MakeChannel,
    message_content_of,
    message_item,
    message_to,
)
from tests.receivers.http_receiver import Reply
from tests.receivers.pagerduty_receiver import PagerDutyReceiver

OPENED, RESOLVED = DeliveryKind.OPENED, DeliveryKind.RESOLVED


@pytest.fixture
def channel(make_channel: MakeChannel, pagerduty_receiver: PagerDutyReceiver) -> Channel:
    """Of the whole panel, and told of every organisation."""
    return make_channel("pagerduty", pagerduty_receiver, organisation=None).channel


@pytest.fixture
def incidents(organisation: Organisation, other_organisation: Organisation) -> list[Incident]:
    """Four: two of each organisation."""
    at = clock.now() - timedelta(hours=1)
    return [
        Incident.objects.create(
            organisation=owner,
            severity=Severity.ACTION_NEEDED,
            health_state=HealthState.OVERDUE,
            opened_at=at,
            noticed_at=at,
        )
        for owner in (organisation, other_organisation) * 2
    ]


@pytest.fixture
def cause(db: None) -> Cause:
    return Cause.objects.create(kind="api_unreachable", opened_at=clock.now())


def _tell(
    channel: Channel, kind: DeliveryKind, *incidents: Incident, cause: Cause | None = None
) -> list[dict[str, Any]]:
    """Send what a message tells; its events."""
    message = message_to(channel, kind=kind, cause=cause)
    for incident in incidents:
        if kind is RESOLVED:
            Incident.objects.filter(pk=incident.pk).update(
                state="resolved", resolved_at=clock.now()
            )
        Delivery.objects.create(
            incident=incident,
            channel=channel,
            message=message,
            kind=kind,
            created_at=clock.now(),
        )
    message = Message.objects.select_related("channel__user", "cause").get(pk=message.pk)
    message.body = pagerduty.render(message_content(message), channel=channel)
    message.save()
    pagerduty.send(message.body, channel=channel, message=message)
    events: list[dict[str, Any]] = message.body["events"]
    return events


def test_alert_opens_and_closes_by_the_incidents_id(
    channel: Channel, incidents: list[Incident], pagerduty_receiver: PagerDutyReceiver
) -> None:
    _tell(channel, OPENED, incidents[0])
    (event,) = pagerduty_receiver.open_alerts.values()
    assert event["dedup_key"] == str(incidents[0].uid)
    assert event["event_action"] == "trigger"
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["source"] == "Alder"
    assert event["payload"]["summary"].startswith("Alder: Overdue")
    assert event["links"][0]["href"].endswith(f"/incidents/{incidents[0].pk}/")
    _tell(channel, RESOLVED, incidents[0])
    assert pagerduty_receiver.open_alerts == {}


def test_no_shared_key_closes_what_is_still_open(
    channel: Channel, incidents: list[Incident], pagerduty_receiver: PagerDutyReceiver
) -> None:
    first, second, third, _fourth = incidents
    events = _tell(channel, OPENED, first, second, third)
    assert len({event["dedup_key"] for event in events}) == 3
    _tell(channel, RESOLVED, second)
    assert set(pagerduty_receiver.open_alerts) == {str(first.uid), str(third.uid)}
    _tell(channel, RESOLVED, first, third)
    assert pagerduty_receiver.open_alerts == {}
    assert pagerduty_receiver.opened_count == 3


def test_events_of_several_incidents_say_which_each_is(
    channel: Channel, incidents: list[Incident]
) -> None:
    first, second, *_rest = incidents
    events = _tell(channel, OPENED, first, second)
    assert {event["payload"]["source"] for event in events} == {"Alder", "Birch"}
    assert {event["payload"]["summary"] for event in events} == {
        "Alder: A planned sync is missing.",
        "Birch: A planned sync is missing.",
    }


def test_a_cause_is_one_alert_that_closes_with_its_last_incident(
    channel: Channel, incidents: list[Incident], cause: Cause, pagerduty_receiver: PagerDutyReceiver
) -> None:
    events = _tell(channel, OPENED, *incidents, cause=cause)
    assert [event["dedup_key"] for event in events] == [str(cause.uid)]
    (update,) = _tell(channel, RESOLVED, *incidents[:3], cause=cause)
    assert update["event_action"] == "trigger"
    assert update["payload"]["summary"].startswith("Resolved")
    assert set(pagerduty_receiver.open_alerts) == {str(cause.uid)}
    (end,) = _tell(channel, RESOLVED, incidents[3], cause=cause)
    assert (end["event_action"], end["dedup_key"]) == ("resolve", str(cause.uid))
    assert pagerduty_receiver.open_alerts == {}
    assert pagerduty_receiver.opened_count == 1


def test_an_incident_that_was_told_alone_closes_alone_though_a_cause_joined_it(
    channel: Channel, incidents: list[Incident], cause: Cause, pagerduty_receiver: PagerDutyReceiver
) -> None:
    alone, *others = incidents
    _tell(channel, OPENED, alone, cause=cause)
    _tell(channel, OPENED, *others, cause=cause)
    assert set(pagerduty_receiver.open_alerts) == {str(alone.uid), str(cause.uid)}
    _tell(channel, RESOLVED, *incidents, cause=cause)
    assert pagerduty_receiver.open_alerts == {}


def test_alert_of_a_cause_closes_though_an_organisation_that_shared_it_was_removed(
    channel: Channel,
    incidents: list[Incident],
    cause: Cause,
    other_organisation: Organisation,
    pagerduty_receiver: PagerDutyReceiver,
) -> None:
    first, second, *_rest = incidents
    _tell(channel, OPENED, first, second, cause=cause)
    assert set(pagerduty_receiver.open_alerts) == {str(cause.uid)}
    _tell(channel, RESOLVED, second)
    other_organisation.delete()
    (end,) = _tell(channel, RESOLVED, first, cause=cause)
    assert (end["event_action"], end["dedup_key"]) == ("resolve", str(cause.uid))
    assert pagerduty_receiver.open_alerts == {}


def test_what_another_channel_was_told_changes_no_alert(
    channel: Channel,
    incidents: list[Incident],
    cause: Cause,
    make_channel: MakeChannel,
    pagerduty_receiver: PagerDutyReceiver,
) -> None:
    other = make_channel("pagerduty", pagerduty_receiver).channel
    first, second, *_rest = incidents
    _tell(channel, OPENED, first, second, cause=cause)
    _tell(other, OPENED, first)
    (end,) = _tell(channel, RESOLVED, first, second, cause=cause)
    assert end["event_action"] == "resolve"
    assert set(pagerduty_receiver.open_alerts) == {str(first.uid)}


def test_doubles_change_nothing_there(
    channel: Channel, incidents: list[Incident], pagerduty_receiver: PagerDutyReceiver
) -> None:
    (event,) = _tell(channel, OPENED, incidents[0])
    message = Message.objects.get()
    pagerduty.send({"events": [event]}, channel=channel, message=message)
    assert pagerduty_receiver.opened_count == 1


def test_test_message_opens_and_closes_the_pretend_incident(
    channel: Channel, pagerduty_receiver: PagerDutyReceiver
) -> None:
    message = message_to(channel)
    item = message_item(1, "Test")
    for kind in (OPENED, RESOLVED):
        body = pagerduty.render(message_content_of(item, kind=kind, is_test=True), channel=channel)
        pagerduty.send(body, channel=channel, message=message)
        assert bool(pagerduty_receiver.open_alerts) is (kind is OPENED)


def test_routing_key_is_in_no_stored_body(channel: Channel, incidents: list[Incident]) -> None:
    events = _tell(channel, OPENED, incidents[0])
    assert "routing_key" not in str(events)


def test_long_names_are_cut_to_what_pagerduty_takes(
    channel: Channel, pagerduty_receiver: PagerDutyReceiver
) -> None:
    item = message_item(1, "ü" * 120, *["k" * 80] * 5)
    item_too_long = message_item(2, "ü" * 2_000)
    message = message_to(channel)
    for content in (message_content_of(item), message_content_of(item_too_long)):
        body = pagerduty.render(content, channel=channel)
        assert pagerduty.send(body, channel=channel, message=message).status == 202
    assert len(pagerduty_receiver.taken) == 2


@pytest.mark.parametrize(
    "name",
    ["@everyone <!channel> :wave: `rm` **bold** <b>", "[here](https://evil.example)", "a\r\nb"],
)
def test_name_is_in_fields_of_plain_text_alone(channel: Channel, name: str) -> None:
    body = pagerduty.render(message_content_of(message_item(1, name, name)), channel=channel)
    (event,) = body["events"]
    payload = event["payload"]
    assert payload["source"] == name
    assert payload["summary"].startswith(name)
    # PagerDuty makes links and images of these alone: they are ours.
    assert name not in str([event["links"], event["client"], event["client_url"]])
    assert "images" not in event


def test_more_incidents_than_a_message_names_are_alerts_of_their_own(
    channel: Channel, organisation: Organisation, pagerduty_receiver: PagerDutyReceiver
) -> None:
    at = clock.now()
    many = Incident.objects.bulk_create(
        Incident(
            organisation=organisation,
            severity=Severity.WARNING,
            health_state=HealthState.UNKNOWN,
            opened_at=at,
            noticed_at=at,
        )
        for _number in range(53)
    )
    _tell(channel, OPENED, *many)
    assert len(pagerduty_receiver.open_alerts) == 53
    _tell(channel, RESOLVED, *many)
    assert pagerduty_receiver.open_alerts == {}


@pytest.mark.parametrize(
    ("status", "body", "reason", "is_permanent"),
    [
        (400, b'{"errors":["Invalid routing key"]}', "revoked", True),
        (400, b'{"errors":["Length of \'routing_key\' is incorrect"]}', "revoked", True),
        (400, b'{"errors":["summary is missing"]}', "refused", False),
        (429, b"", "busy", False),
        (500, b"", "broken", False),
        (404, b"", "gone", True),
    ],
)
def test_what_pagerduty_refuses_is_told_apart(
    channel: Channel,
    incidents: list[Incident],
    pagerduty_receiver: PagerDutyReceiver,
    status: int,
    body: bytes,
    reason: str,
    is_permanent: bool,
) -> None:
    pagerduty_receiver.replies = [Reply(status, body)]
    with pytest.raises(ChannelNotSent) as raised:
        _tell(channel, OPENED, incidents[0])
    assert (raised.value.reason, raised.value.is_permanent) == (reason, is_permanent)


def test_other_kinds_ask_nothing_about_alerts(
    make_channel: MakeChannel, receiver: Any, incidents: list[Incident]
) -> None:
    channel = make_channel("slack", receiver).channel
    message = message_to(channel, kind=OPENED)
    Delivery.objects.create(
        incident=incidents[0],
        channel=channel,
        message=message,
        kind=OPENED,
        created_at=clock.now(),
    )
    with CaptureQueriesContext(connection) as queries:
        assert message_content(message).pagerduty_alerts == ()
    assert not any("HAVING" in query["sql"] for query in queries)
