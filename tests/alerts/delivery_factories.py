"""Incidents, channels and messages of tests, and a transport that does as it is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from freddy_admin.alerts.channels.answers import ChannelAnswer
from freddy_admin.alerts.deliveries import sending
from freddy_admin.alerts.deliveries.outbox_lanes import message_enqueue
from freddy_admin.alerts.models import (
    Channel,
    ChannelKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.core.outbox import outbox_drain, outbox_due_lanes
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState


class ScriptedTransport:
    """Remembers what it was told to send; `on_send` may raise, or look at the database."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []  # id of the message, body
        self.renders = 0
        self.on_send: Callable[[Message], object] = lambda _message: None

    def render(self, content: Message, *, channel: Channel) -> dict[str, Any]:
        self.renders += 1
        return {"kind": content.kind, "channel": channel.pk, "render": self.renders}

    def send(self, body: Any, *, channel: Channel, message: Message) -> ChannelAnswer:
        del channel
        self.on_send(message)
        self.sent.append((str(message.uid), body))
        return ChannelAnswer(200, "ok")


@contextmanager
def scripted_transport() -> Iterator[ScriptedTransport]:
    """Inside the block every channel is reached by this transport, whatever there is to say."""
    transport = ScriptedTransport()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sending, "channel_transport", lambda _channel: transport)
        patch.setattr(sending, "message_content", lambda message: message)
        yield transport


def channel_create(organisation: Organisation | None, **values: Any) -> Channel:
    values = {"kind": ChannelKind.WEBHOOK, "name": "hook", "created_at": clock.now()} | values
    return Channel.objects.create(organisation=organisation, **values)


def incident_create(organisation: Organisation, **values: Any) -> Incident:
    now = clock.now()
    values = {
        "severity": Severity.ACTION_NEEDED,
        "health_state": HealthState.OVERDUE,
        "opened_at": now,
        "noticed_at": now,
    } | values
    return Incident.objects.create(organisation=organisation, **values)


def incident_resolve(incident: Incident) -> None:
    now = clock.now()
    incident.state, incident.resolved_at = IncidentState.RESOLVED, now
    incident.resolution_noticed_at = now
    incident.save()


@transaction.atomic
def message_create(
    channel: Channel, *incidents: Incident, kind: DeliveryKind = DeliveryKind.OPENED, **values: Any
) -> Message:
    """A message about these incidents, in the outbox as the grouping writes it."""
    now = clock.now()
    message = Message.objects.create(channel=channel, kind=kind, created_at=now, **values)
    for incident in incidents:
        Delivery.objects.create(
            incident=incident,
            channel=channel,
            message=message,
            kind=kind,
            number=1 if kind == DeliveryKind.REMINDER else 0,
            state=DeliveryState.QUEUED,
            created_at=now,
        )
    message_enqueue(message=message)
    return message


def due_messages_send() -> int:
    """Drain every lane with something due once, one after the other; how many were sent."""
    lanes = outbox_due_lanes(limit=1000)
    return sum(outbox_drain(lane=lane.name) for lane in lanes)


def states_of(message: Message) -> tuple[str, set[str]]:
    """The state of the message, and those of its deliveries."""
    message.refresh_from_db()
    return message.state, set(message.deliveries.values_list("state", flat=True))
