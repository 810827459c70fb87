"""Incidents, and messages about them to a person, without the steps that lead there."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.alerts.channels.person_channels import person_channel_get
from freddy_admin.alerts.deliveries.outbox_lanes import ALERT_MAIL_LANE, message_enqueue
from freddy_admin.alerts.models import (
    Cause,
    CauseKind,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentKey,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.core.outbox import outbox_drain
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.models import ApiKey


def incident_create(
    organisation: Organisation,
    *keys: ApiKey,
    state: HealthState = HealthState.OVERDUE,
    **error: Any,
) -> Incident:
    """An open incident that these keys are in since now; `error` are columns of the keys in it."""
    now = clock.now()
    incident = Incident.objects.create(
        organisation=organisation,
        severity=Severity.WARNING if state is HealthState.UNKNOWN else Severity.ACTION_NEEDED,
        health_state=state,
        opened_at=now,
        noticed_at=now,
    )
    for key in keys:
        IncidentKey.objects.create(
            incident=incident, key=key, health_state=state, began_at=now, **error
        )
    return incident


def incident_end(incident: Incident) -> Incident:
    """The incident, resolved now."""
    now = clock.now()
    incident.state, incident.resolved_at = IncidentState.RESOLVED, now
    incident.resolution_noticed_at = now
    incident.save()
    incident.keys.update(ended_at=now)
    return incident


def cause_create(kind: CauseKind = CauseKind.API_UNREACHABLE) -> Cause:
    """An open cause."""
    return Cause.objects.create(kind=kind, opened_at=clock.now())


def message_create(
    user: User,
    incidents: Iterable[Incident],
    kind: DeliveryKind = DeliveryKind.OPENED,
    cause: Cause | None = None,
    *,
    is_test: bool = False,
) -> Message:
    """A message to the person's mail channel, in the outbox."""
    now = clock.now()
    with transaction.atomic():
        message = Message.objects.create(
            channel=person_channel_get(user),
            kind=kind,
            cause=cause,
            created_at=now,
            is_test=is_test,
        )
        for incident in incidents:
            number = Delivery.objects.filter(incident=incident, kind=kind).count()
            Delivery.objects.create(
                incident=incident,
                channel=message.channel,
                message=message,
                kind=kind,
                number=number,
                state=DeliveryState.QUEUED,
                created_at=now,
            )
        message_enqueue(message=message)
    return message


def alert_mails_send() -> int:
    """Drain the lane of the alerts' mails once, as the worker does."""
    return outbox_drain(lane=ALERT_MAIL_LANE)
