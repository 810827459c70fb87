"""An organisation that is removed with open incidents leaves no alarm open elsewhere."""

import pytest

from freddy_admin.alerts.deliveries import removal
from freddy_admin.alerts.models import (
    Cause,
    CauseKind,
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    Message,
)
from freddy_admin.core import clock
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import NothingToSend
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.services import organisation_delete
from tests.alerts.conftest import ACTOR
from tests.alerts.delivery_factories import channel_create, incident_create

pytestmark = pytest.mark.django_db


def tell(incident: Incident, channel: Channel, state: DeliveryState) -> Message:
    """Have the channel told that the incident began, as far as `state` says."""
    message = Message.objects.create(
        channel=channel, kind=DeliveryKind.OPENED, state=state, created_at=clock.now()
    )
    Delivery.objects.create(
        incident=incident, channel=channel, kind=DeliveryKind.OPENED, state=state,
        message=message, created_at=clock.now(),
    )  # fmt: skip
    return message


def remove(organisation: Organisation) -> None:
    organisation_delete(organisation=organisation, actor=ACTOR)
    assert not Organisation.objects.filter(pk=organisation.pk).exists()


def recoveries() -> list[Message]:
    return list(Message.objects.filter(kind=DeliveryKind.RESOLVED).order_by("pk"))


def test_whoever_outside_was_told_gets_the_end_although_its_rows_are_gone(
    organisation: Organisation,
) -> None:
    fleet, own = channel_create(None), channel_create(organisation)
    for incident in (incident_create(organisation), incident_create(organisation)):
        tell(incident, fleet, DeliveryState.SENT)
        tell(incident, own, DeliveryState.SENT)
    remove(organisation)

    (message,) = recoveries()
    assert (message.channel, message.state) == (fleet, DeliveryState.QUEUED)
    assert organisation.name in str(message.body)
    assert OutboxMessage.objects.filter(object_id=message.pk).exists()
    assert not Delivery.objects.exists()


def test_pagerduty_is_told_the_end_of_each_incident(organisation: Organisation) -> None:
    pager = channel_create(None, kind=ChannelKind.PAGERDUTY)
    incidents = [incident_create(organisation), incident_create(organisation)]
    for incident in incidents:
        tell(incident, pager, DeliveryState.SENT)
    remove(organisation)

    bodies = "".join(str(message.body) for message in recoveries())
    assert all(str(incident.uid) in bodies for incident in incidents)


def test_an_opening_that_was_not_sent_is_dropped_and_gets_no_end(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    fleet = channel_create(None)
    unsent = tell(incident_create(organisation), fleet, DeliveryState.QUEUED)
    shared = tell(incident_create(organisation), fleet, DeliveryState.QUEUED)
    Delivery.objects.create(
        incident=incident_create(other_organisation), channel=fleet, message=shared,
        kind=DeliveryKind.OPENED, state=DeliveryState.QUEUED, created_at=clock.now(),
    )  # fmt: skip
    remove(organisation)

    unsent.refresh_from_db()
    shared.refresh_from_db()
    assert (unsent.state, shared.state) == (DeliveryState.DROPPED, DeliveryState.QUEUED)


def test_a_cause_that_others_share_goes_on(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    fleet = channel_create(None)
    shared, own = (
        Cause.objects.create(kind=CauseKind.API_UNREACHABLE, detail=name, opened_at=clock.now())
        for name in ("shared", "own")
    )
    incident_create(other_organisation, cause=shared)
    for cause in (shared, own):
        tell(incident_create(organisation, cause=cause), fleet, DeliveryState.SENT)
    remove(organisation)

    shared.refresh_from_db()
    assert shared.resolved_at is None
    assert {message.cause_id for message in recoveries()} == {None, own.pk}


def test_a_receiver_who_may_see_nothing_is_told_nothing(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_message: Message) -> object:
        raise NothingToSend

    monkeypatch.setattr(removal, "message_content", nothing)
    tell(incident_create(organisation), channel_create(None), DeliveryState.SENT)
    remove(organisation)
    assert recoveries() == []


def test_an_organisation_without_incidents_is_removed_as_before(
    organisation: Organisation,
) -> None:
    remove(organisation)
    assert recoveries() == []
