"""Actions on incidents and maintenance windows."""

from collections.abc import Callable
from typing import Any

from freddy_admin.alerts.models import IncidentState
from tests.api.api_client import ApiClient
from tests.web.actions.scenario import (
    ORGANISATION_URL,
    ActionRequest,
    Scenario,
    UserAction,
    read_request_to,
    request_to,
)
from tests.web.incident_rows import create_incident, create_mute, create_window

WINDOW_FIELDS = {
    "reason": "A new version",
    "recurrence": "once",
    "starts_on": "2026-03-09",
    "starts_at": "22:00",
    "hours": "2",
    "minutes": "0",
    "zone": "UTC",
}


def _incident_action(
    verb: str, tag: str, fields: dict[str, Any] | None = None, **columns: Any
) -> UserAction:
    """What an operator does with an incident that has these columns."""

    def build_request(scene: Scenario) -> ActionRequest:
        incident = create_incident(scene.key(), **columns)
        if verb == "unmute":
            create_mute(incident)
        return ActionRequest(f"{ORGANISATION_URL}incidents/{incident.pk}/{verb}/", fields or {})

    return UserAction("operator", build_request, (tag,), is_in_organisation=True)


def _api_acknowledge_request(scene: Scenario) -> ActionRequest:
    incident = create_incident(scene.key())
    token = ApiClient(scene.people.operator, "act").token
    return ActionRequest(
        f"/api/v1/incidents/{incident.uid}/acknowledge",
        headers={"authorization": f"Bearer {token}"},
        json="{}",
    )


def _assign_request(scene: Scenario) -> ActionRequest:
    incident = create_incident(scene.key())
    return ActionRequest(
        f"{ORGANISATION_URL}incidents/{incident.pk}/assign/",
        {"assignee": str(scene.people.manager.pk)},
    )


def _window_request(
    suffix: str, fields: dict[str, Any], *, is_fleet: bool = False
) -> Callable[[Scenario], ActionRequest]:
    base = "/alerts/fleet/windows/" if is_fleet else f"{ORGANISATION_URL}alerts/windows/"
    return lambda scene: ActionRequest(
        f"{base}{create_window(None if is_fleet else scene.organisation).pk}/{suffix}", fields
    )


CHANGED_FIELDS = WINDOW_FIELDS | {"hours": "3"}
INCIDENT_ACTIONS = {
    "incidents_csv": UserAction("viewer", read_request_to("/alerts.csv"), ("exported",)),
    "incident_acknowledge": _incident_action("acknowledge", "incident_acknowledged"),
    "api_incident_acknowledge": UserAction(
        "nobody",
        _api_acknowledge_request,
        ("incident_acknowledged",),
        is_in_organisation=True,
        actor="operator",
    ),
    "incident_unacknowledge": _incident_action(
        "unacknowledge", "incident_unacknowledged", state=IncidentState.ACKNOWLEDGED
    ),
    "incident_assign": UserAction(
        "operator", _assign_request, ("incident_assigned",), is_in_organisation=True
    ),
    "incident_note": _incident_action("note", "incident_noted", {"note": "Tom is on it"}),
    "incident_mute": _incident_action(
        "mute", "incident_muted", {"hours": "4", "reason": "Aitronos is at it"}
    ),
    "incident_unmute": _incident_action("unmute", "incident_unmuted"),
    "alert_window_create": UserAction(
        "manager",
        request_to(f"{ORGANISATION_URL}alerts/windows/new/", **WINDOW_FIELDS),
        ("window_created",),
        is_in_organisation=True,
    ),
    "alert_window_update": UserAction(
        "manager", _window_request("", CHANGED_FIELDS), ("window_changed",), is_in_organisation=True
    ),
    "alert_window_delete": UserAction(
        "manager", _window_request("end/", {}), ("window_deleted",), is_in_organisation=True
    ),
    "fleet_window_create": UserAction(
        "admin", request_to("/alerts/fleet/windows/new/", **WINDOW_FIELDS), ("window_created",)
    ),
    "fleet_window_update": UserAction(
        "admin", _window_request("", CHANGED_FIELDS, is_fleet=True), ("window_changed",)
    ),
    "fleet_window_delete": UserAction(
        "admin", _window_request("end/", {}, is_fleet=True), ("window_deleted",)
    ),
}
