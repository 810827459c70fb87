"""The incident that a test of a channel pretends; it is never stored."""

from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from freddy_admin.alerts.models import (
    Channel,
    DeliveryKind,
    Incident,
    IncidentState,
    Message,
    Severity,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState

PRETEND_KEY_LABEL: Final = "Test key"
_PRETEND_DURATION: Final = timedelta(minutes=5)


def pretend_incident_build(message: Message) -> Incident:
    """The incident that a test message is about, unsaved; its organisation may be unsaved, too.

    Opening and end are about the same one: `uid` is `message.test_incident_uid`.
    """
    is_over = message.kind == DeliveryKind.RESOLVED
    opened_at = message.created_at - _PRETEND_DURATION
    incident = Incident(
        organisation=pretend_organisation(message.channel),
        state=IncidentState.RESOLVED if is_over else IncidentState.OPEN,
        severity=Severity.ACTION_NEEDED,
        health_state=HealthState.OVERDUE,
        opened_at=opened_at,
        noticed_at=opened_at,
        resolved_at=message.created_at if is_over else None,
        resolution_noticed_at=message.created_at if is_over else None,
    )
    if message.test_incident_uid is not None:
        incident.uid = message.test_incident_uid
    return incident


def pretend_organisation(channel: Channel) -> Organisation:
    """The channel's organisation; an unsaved one where it has none."""
    return channel.organisation or Organisation(name=_("Example organisation"), slug="")
