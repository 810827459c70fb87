"""Plans who is told of what, in the transaction of the change that it tells of.

Who plans an end locks the incident's deliveries first, and so does the drain that makes messages
of them: whoever comes second sees what the first did. So an opening is in a message and gets its
end, or is in none and gets none.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.alerts.incidents.causes import causes_link
from freddy_admin.alerts.models import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Incident,
    IncidentState,
)
from freddy_admin.alerts.rules.decisions import GROUPING_WAIT, opening_send_at
from freddy_admin.alerts.rules.selectors import recipients_list
from freddy_admin.organisations.models import Organisation

_BATCH_SIZE = 500


def openings_plan(*, incidents: Sequence[Incident], now: datetime) -> None:
    """Plan to tell of these open incidents everybody who is not told of them yet.

    Call it for those that opened, and again for those whose severity became worse or that were
    linked to a cause since: nobody is told twice. Of incidents from history nobody is told.
    """
    open_incidents = [
        incident
        for incident in incidents
        if incident.state != IncidentState.RESOLVED and not incident.is_from_history
    ]
    Delivery.objects.bulk_create(
        [
            Delivery(
                incident=incident,
                channel=channel,
                kind=DeliveryKind.OPENED,
                send_at=opening_send_at(rule, now=now),
                created_at=now,
                rule_id=rule.rule_id,
            )
            for incident, channel, rule in recipients_list(incidents=open_incidents)
        ],
        batch_size=_BATCH_SIZE,
        ignore_conflicts=True,
    )


def recoveries_plan(*, incidents: Sequence[Incident], now: datetime) -> None:
    """Plan to tell that these incidents are over exactly those who were told that they began.

    Those are the channels whose opening is in a message, whatever rules, mutes and
    acknowledgements say by now. What waits or is held back is not needed any more.
    """
    for batch in _batches(incidents):
        rows = list(_deliveries_lock(Delivery.objects.filter(incident__in=batch)))
        _planned_drop([row for row in rows if row.message_id is None], now=now)
        Delivery.objects.bulk_create(
            [
                Delivery(
                    incident_id=row.incident_id,
                    channel_id=row.channel_id,
                    kind=DeliveryKind.RESOLVED,
                    send_at=now + GROUPING_WAIT,
                    created_at=now,
                    rule_id=row.rule_id,
                )
                for row in rows
                if row.kind == DeliveryKind.OPENED and row.message_id is not None
            ],
            batch_size=_BATCH_SIZE,
            ignore_conflicts=True,
        )


def openings_replan(*, organisation: Organisation | None, now: datetime) -> None:
    """Plan anew, by the rules as they are now, what nobody was told of yet.

    Call it in the transaction that changes rules of the organisation, or without one of the whole
    panel. Incidents that everybody concerned was told of are not announced again.
    """
    rows = Delivery.objects.filter(
        kind=DeliveryKind.OPENED, message=None, send_at__isnull=False
    ).exclude(incident__state=IncidentState.RESOLVED)
    if organisation is not None:
        rows = rows.filter(incident__organisation=organisation)
    planned = list(_deliveries_lock(rows))
    Delivery.objects.filter(pk__in=[row.pk for row in planned]).delete()
    incident_ids = {row.incident_id for row in planned}
    incidents = Incident.objects.filter(pk__in=incident_ids).order_by("pk")
    openings_plan(incidents=list(incidents), now=now)


@transaction.atomic
def causes_link_and_plan(*, now: datetime) -> int:
    """Link incidents to what they have in common, and tell those who are told of causes alone.

    Call it often: a cause shows itself when a further key is checked, and changes no key's state.
    Returns how many were linked. A few statements; none more where no incident is open.
    """
    unlinked = Incident.objects.filter(cause=None).exclude(state=IncidentState.RESOLVED)
    unlinked_ids = list(unlinked.values_list("pk", flat=True))
    linked_count = causes_link(now=now)
    if linked_count:
        linked = Incident.objects.filter(pk__in=unlinked_ids, cause__isnull=False)
        openings_plan(incidents=list(linked.order_by("pk")), now=now)
    return linked_count


def _deliveries_lock(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    # In the order of their ids, so that two who lock several wait for each other in one direction.
    return rows.select_for_update(no_key=True, of=("self",)).order_by("pk")


def _planned_drop(rows: Sequence[Delivery], *, now: datetime) -> None:
    planned_ids = [row.pk for row in rows if row.send_at is not None]
    for start in range(0, len(planned_ids), _BATCH_SIZE):
        Delivery.objects.filter(pk__in=planned_ids[start : start + _BATCH_SIZE]).update(
            state=DeliveryState.DROPPED, held_reason="", send_at=None, finished_at=now
        )


def _batches(incidents: Sequence[Incident]) -> Iterator[Sequence[Incident]]:
    for start in range(0, len(incidents), _BATCH_SIZE):
        yield incidents[start : start + _BATCH_SIZE]
