"""One recorder at a time in an organisation's incidents; call inside a transaction."""

from collections.abc import Collection

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from freddy_admin.alerts.models import Incident, IncidentKey, IncidentState
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Organisation

# Of all advisory locks of the database, those of incidents.
_LOCK_CLASS = 0x1C1D
# Organisations share slots, so that a large batch takes few locks.
_SLOTS = 64


def incidents_lock(organisation_ids: Collection[int]) -> None:
    """Wait until no other transaction records incidents of these organisations.

    Not their rows: people's changes of keys hold those while they wait for a row that a recorder
    holds. SQLite's IMMEDIATE transactions let one writer in anyway.
    """
    if connection.vendor != "postgresql":
        return
    slots = sorted({organisation_id % _SLOTS for organisation_id in organisation_ids})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, slot) FROM unnest(%s::int[]) AS slot",
            [_LOCK_CLASS, slots],
        )


def open_parts_locked() -> QuerySet[IncidentKey]:
    """Keys in open incidents with their incidents, which are locked: nobody acknowledges one now.

    In the order of the incidents, as whoever locks several of them does.
    """
    parts = IncidentKey.objects.select_for_update(of=("incident",), no_key=True)
    return parts.select_related("incident").filter(ended_at=None).order_by("incident_id", "pk")


def incident_lock(*, organisation: Organisation, incident: Incident) -> Incident:
    """The incident as it is now, locked, with its organisation; raises NotFound for a foreign one.

    No recorder resolves it until the transaction ends, so nothing that a person does reopens it.
    """
    locked_organisation = organisation_lock(organisation=organisation)
    rows = Incident.objects.select_for_update(no_key=True)
    row = rows.filter(organisation=locked_organisation, pk=incident.pk).first()
    if row is None:
        raise incident_not_found()
    row.organisation = locked_organisation
    return row


def unresolved_incident_lock(*, organisation: Organisation, incident: Incident) -> Incident:
    """The incident as it is now, locked; raises NotFound, and Conflict where it is over."""
    row = incident_lock(organisation=organisation, incident=incident)
    if row.state == IncidentState.RESOLVED:
        raise Conflict(_("This incident is over: there is nothing left to do about it."))
    return row


def incident_not_found() -> NotFound:
    """The same for one that does not exist and one of another organisation."""
    return NotFound(_("There is no such incident here."))
