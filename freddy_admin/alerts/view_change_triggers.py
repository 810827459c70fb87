"""What pages that are live show of incidents: the line beside a key; see `core.view_changes`."""

from freddy_admin.core.view_changes import ViewChangeTrigger

_ORGANISATION_OF_INCIDENT = (
    "(SELECT organisation_id FROM alerts_incident WHERE id = {row}.incident_id)"
)

VIEW_CHANGE_TRIGGERS = (
    ViewChangeTrigger(
        table="alerts_incident",
        columns=(
            *("organisation_id", "cause_id", "state", "severity", "health_state", "opened_at"),
            *("resolved_at", "acknowledged_at", "acknowledged_by", "assignee_id"),
        ),
        ignored=(
            *("id", "uid", "noticed_at", "resolution_noticed_at", "is_from_history"),
            "cause_linked_at",  # together with the cause
        ),
    ),
    ViewChangeTrigger(
        table="alerts_incidentkey",
        columns=("incident_id", "key_id", "health_state", "ended_at"),
        organisation=_ORGANISATION_OF_INCIDENT,
        ignored=(
            *("id", "state_rule", "error_kind", "error_code", "error_http_status", "began_at"),
        ),
    ),
    ViewChangeTrigger(
        table="alerts_mute",
        columns=("incident_id", "until", "reason", "created_by", "ended_at", "ended_by"),
        organisation=_ORGANISATION_OF_INCIDENT,
        ignored=("id", "created_at"),
    ),
)
