"""Incidents with keys and events, and maintenance windows, as a test asks for them."""

from datetime import time, timedelta
from typing import Any

from freddy_admin.alerts.models import (
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    IncidentState,
    MaintenanceWindow,
    Mute,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.vault.models import ApiKey


def create_incident(*keys: ApiKey, minutes_ago: int = 30, **columns: Any) -> Incident:
    """An open incident of these keys, which belong to one organisation: their sync is overdue."""
    at = clock.now() - timedelta(minutes=minutes_ago)
    columns = {
        "severity": Severity.ACTION_NEEDED,
        "health_state": HealthState.OVERDUE,
        "opened_at": at,
        "noticed_at": at,
    } | columns
    incident = Incident.objects.create(organisation=keys[0].organisation, **columns)
    ended_at = columns.get("resolved_at")
    for key in keys:
        IncidentKey.objects.create(
            incident=incident,
            key=key,
            health_state=columns["health_state"],
            state_rule=8,
            began_at=at,
            ended_at=ended_at,
        )
    details = {"key_id": keys[0].pk, "state": ["up_to_date", columns["health_state"]]}
    IncidentEvent.objects.create(
        incident=incident, kind=IncidentEventKind.OPENED, at=at, details=details
    )
    return incident


def create_resolved_incident(*keys: ApiKey, minutes_ago: int = 300) -> Incident:
    """An incident of these keys that lasted two hours."""
    resolved_at = clock.now() - timedelta(minutes=minutes_ago - 120)
    return create_incident(
        *keys,
        minutes_ago=minutes_ago,
        state=IncidentState.RESOLVED,
        resolved_at=resolved_at,
        resolution_noticed_at=resolved_at,
    )


def create_window(organisation: Organisation | None, **columns: Any) -> MaintenanceWindow:
    """A window of this organisation, or of all: once, tomorrow at 22:00 for two hours, in UTC."""
    now = clock.now()
    values = {
        "reason": "A new version",
        "zone": "UTC",
        "starts_on": (now + timedelta(days=1)).date(),
        "starts_at": time(22),
        "minutes": 120,
        "created_at": now,
        "created_by": "Ana (ana@example.org)",
    }
    return MaintenanceWindow.objects.create(organisation=organisation, **values | columns)


def create_mute(incident: Incident, *, hours: int = 1, **columns: Any) -> Mute:
    """A mute of this incident that is in force for so long."""
    now = clock.now()
    values = {"reason": "Aitronos is at it", "created_by": "Ana (ana@example.org)"}
    return Mute.objects.create(
        incident=incident, until=now + timedelta(hours=hours), created_at=now, **values | columns
    )
