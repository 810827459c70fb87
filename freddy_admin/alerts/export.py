"""What the alerts keep of one organisation, or of one person, as plain values; no secret."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet

from freddy_admin.accounts.models import User
from freddy_admin.alerts.incidents.selectors import parts_with_labels
from freddy_admin.alerts.models import (
    Incident,
    IncidentEvent,
    IncidentKey,
    MaintenanceWindow,
    Mute,
)
from freddy_admin.core.row_batches import values_in_batches
from freddy_admin.organisations.models import Organisation

ExportRows = Iterator[dict[str, Any]]

_BATCH = 200
_INCIDENT_FIELDS = (
    *("id", "uid", "state", "severity", "health_state", "opened_at", "noticed_at"),
    *("resolved_at", "resolution_noticed_at", "acknowledged_at", "acknowledged_by"),
)
_PART_FIELDS = (
    *("key_id", "health_state", "error_kind", "error_code", "error_http_status"),
    *("began_at", "ended_at"),
)
_EVENT_FIELDS = ("kind", "at", "actor_name", "note", "details")
_MUTE_FIELDS = ("until", "reason", "created_at", "created_by", "ended_at", "ended_by")
_WINDOW_FIELDS = (
    *("reason", "tag", "recurrence", "zone", "starts_on", "starts_at", "minutes", "ends_on"),
    *("created_at", "created_by", "deleted_at", "deleted_by"),
)


def incidents_export(*, organisation: Organisation) -> ExportRows:
    """The incidents, the oldest first, each with its keys, timeline and mutes.

    Of a cause only its kind: what it links in other organisations is theirs.
    """
    incidents = Incident.objects.filter(organisation=organisation)
    incidents = incidents.select_related("cause", "assignee")
    keys = Prefetch("keys", queryset=parts_with_labels().order_by("pk"))
    rows = incidents.prefetch_related(keys, "events", "mutes")
    ids = [row["pk"] for row in values_in_batches(incidents, ("pk",), by="opened_at")]
    for incident in _incidents_in_order(rows, ids):
        yield {
            **_values(incident, _INCIDENT_FIELDS),
            "cause": incident.cause.kind if incident.cause else None,
            "assignee": str(incident.assignee) if incident.assignee else None,
            "keys": [_export_part(part) for part in incident.keys.all()],
            "timeline": [
                _values(event, _EVENT_FIELDS)
                for event in sorted(incident.events.all(), key=lambda event: (event.at, event.pk))
            ],
            "mutes": [_values(mute, _MUTE_FIELDS) for mute in incident.mutes.all()],
        }


def _incidents_in_order(rows: QuerySet[Incident], ids: Sequence[int]) -> Iterator[Incident]:
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        found = rows.in_bulk(batch)
        yield from (found[pk] for pk in batch if pk in found)


def windows_export(*, organisation: Organisation) -> ExportRows:
    """The maintenance windows of the organisation, those called off too."""
    windows = MaintenanceWindow.objects.filter(organisation=organisation)
    return values_in_batches(windows, _WINDOW_FIELDS, by="pk")


def person_incidents_export(
    *, person: User, organisation_ids: Collection[int] | None
) -> list[dict[str, Any]]:
    """What the person did with incidents, their notes included, the oldest first.

    In these organisations alone, in all with None.
    """
    events = IncidentEvent.objects.filter(actor_id=person.pk)
    if organisation_ids is not None:
        events = events.filter(incident__organisation_id__in=organisation_ids)
    return [
        {
            "organisation": event.incident.organisation.name,
            "incident": event.incident_id,
            **_values(event, ("kind", "at", "note", "details")),
        }
        for event in events.select_related("incident__organisation").order_by("at", "pk")
    ]


def person_assignments_export(
    *, person: User, organisation_ids: Collection[int] | None
) -> list[dict[str, Any]]:
    """The incidents that are, or were until their end, the person's."""
    incidents = Incident.objects.filter(assignee=person).select_related("organisation")
    if organisation_ids is not None:
        incidents = incidents.filter(organisation_id__in=organisation_ids)
    return [
        {
            "organisation": incident.organisation.name,
            "incident": incident.pk,
            **_values(incident, ("state", "opened_at", "resolved_at")),
        }
        for incident in incidents.order_by("opened_at", "pk")
    ]


def _export_part(part: IncidentKey) -> dict[str, Any]:
    return {"key": part.key.label, **_values(part, _PART_FIELDS)}


def _values(
    row: Incident | IncidentEvent | IncidentKey | Mute, names: Collection[str]
) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
