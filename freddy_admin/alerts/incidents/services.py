"""What people do with incidents; each with who and when, in the timeline and the audit log.

All take the organisation and raise NotFound for an incident of another one. Whoever calls has
asked for the permission HANDLE_INCIDENTS. What holds messages back is in `silences.services`.
"""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.incidents.assignees import may_be_assigned
from freddy_admin.alerts.incidents.locks import incident_lock, unresolved_incident_lock
from freddy_admin.alerts.models import Incident, IncidentEvent, IncidentEventKind, IncidentState
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import line_clean, text_too_long_message
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.models import Organisation

NOTE_MAX_LENGTH = 2_000
_AUDIT_TAGS = {
    IncidentEventKind.ACKNOWLEDGED: AuditTag.INCIDENT_ACKNOWLEDGED,
    IncidentEventKind.UNACKNOWLEDGED: AuditTag.INCIDENT_UNACKNOWLEDGED,
    IncidentEventKind.ASSIGNED: AuditTag.INCIDENT_ASSIGNED,
    IncidentEventKind.UNASSIGNED: AuditTag.INCIDENT_UNASSIGNED,
    IncidentEventKind.NOTE: AuditTag.INCIDENT_NOTED,
    IncidentEventKind.MUTED: AuditTag.INCIDENT_MUTED,
    IncidentEventKind.UNMUTED: AuditTag.INCIDENT_UNMUTED,
}


@transaction.atomic
def incident_acknowledge(
    *, organisation: Organisation, actor: Actor, incident: Incident
) -> Incident:
    """Say that somebody looks after it: reminders stop, the end is told all the same.

    The first acknowledgement stays. Raises Conflict where the incident is over: it is not reopened.
    """
    row = unresolved_incident_lock(organisation=organisation, incident=incident)
    if row.state == IncidentState.ACKNOWLEDGED:
        return row
    row.state = IncidentState.ACKNOWLEDGED
    row.acknowledged_at, row.acknowledged_by = clock.now(), actor.name[:254]
    row.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
    incident_event_record(row, IncidentEventKind.ACKNOWLEDGED, actor)
    return row


@transaction.atomic
def incident_unacknowledge(
    *, organisation: Organisation, actor: Actor, incident: Incident
) -> Incident:
    """Withdraw the acknowledgement. Raises Conflict where the incident is over."""
    row = unresolved_incident_lock(organisation=organisation, incident=incident)
    if row.state == IncidentState.OPEN:
        return row
    row.state, row.acknowledged_at, row.acknowledged_by = IncidentState.OPEN, None, ""
    row.save(update_fields=["state", "acknowledged_at", "acknowledged_by"])
    incident_event_record(row, IncidentEventKind.UNACKNOWLEDGED, actor)
    return row


@transaction.atomic
def incident_assign(
    *, organisation: Organisation, actor: Actor, incident: Incident, assignee: User | None
) -> Incident:
    """Assign it to a person, or to nobody any more (None).

    Raises InvalidInput for a person who may not handle the organisation's incidents, and Conflict
    where the incident is over.
    """
    row = unresolved_incident_lock(organisation=organisation, incident=incident)
    former = row.assignee
    if assignee == former:
        return row
    if assignee is not None and not may_be_assigned(organisation=row.organisation, person=assignee):
        raise InvalidInput(
            _("Choose an operator or a manager of this organisation."), field="assignee"
        )
    row.assignee = assignee
    row.save(update_fields=["assignee"])
    kind = IncidentEventKind.ASSIGNED if assignee else IncidentEventKind.UNASSIGNED
    incident_event_record(row, kind, actor, assignee=str(assignee or former))
    return row


@transaction.atomic
def incident_note_add(
    *, organisation: Organisation, actor: Actor, incident: Incident, note: str
) -> Incident:
    """Add a note, also to an incident that is over. Raises InvalidInput for an unusable one."""
    text = note_clean(note)
    row = incident_lock(organisation=organisation, incident=incident)
    incident_event_record(row, IncidentEventKind.NOTE, actor, note=text)
    return row


def note_clean(note: str) -> str:
    """The note with tidy lines. Raises InvalidInput for `note`."""
    if len(note) > 4 * NOTE_MAX_LENGTH:
        raise InvalidInput(text_too_long_message(NOTE_MAX_LENGTH), field="note")
    lines = [
        line_clean(line.replace("\t", " "), field="note", limit=NOTE_MAX_LENGTH, required=False)
        for line in note.strip().splitlines()
    ]
    text = "\n".join(lines).strip()
    if len(text) > NOTE_MAX_LENGTH:
        raise InvalidInput(text_too_long_message(NOTE_MAX_LENGTH), field="note")
    # Something must be visible in one line at least.
    line_clean(text.replace("\n", " "), field="note", limit=NOTE_MAX_LENGTH)
    return text


def incident_event_record(
    incident: Incident, kind: IncidentEventKind, actor: Actor, *, note: str = "", **details: Any
) -> None:
    """Add what a person did to the timeline and the audit log, which does not repeat notes."""
    IncidentEvent.objects.create(
        incident=incident,
        kind=kind,
        at=clock.now(),
        actor_name=actor.name[:254],
        actor_id=actor.id,
        note=note,
        details=details,
    )
    audit_event_record(
        tag=_AUDIT_TAGS[kind],
        actor=actor,
        organisation=organisation_audit_ref(incident.organisation),
        subject=str(incident.pk),
        # "until" is what the audit log calls the end of repeats.
        **{"muted_until" if name == "until" else name: value for name, value in details.items()},
    )
