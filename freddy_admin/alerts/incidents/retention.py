"""Deletes old incidents together with the history, a small batch at a time."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from freddy_admin.alerts.models import (
    Cause,
    Incident,
    IncidentState,
    MaintenanceWindow,
    WindowRecurrence,
)
from freddy_admin.core.clock_skew import history_pruned_to

BATCH_SIZE = 200
# No window lasts as long: one that began so long before a day was over by then.
_LONGER_THAN_A_WINDOW = timedelta(days=33)


def incidents_prune() -> int:
    """Delete one batch of what ended before the history begins; returns how many rows of it.

    Incidents go with their timelines, notes, mutes and deliveries. Nothing while the clocks
    disagree; an incident that is not over stays, however long ago it began.
    """
    cutoff = history_pruned_to()
    if cutoff is None:
        return 0
    first_day = cutoff.date()
    old_windows = MaintenanceWindow.objects.filter(
        Q(deleted_at__lt=cutoff)
        | Q(
            recurrence=WindowRecurrence.ONCE,
            starts_on__lt=first_day - _LONGER_THAN_A_WINDOW,
        )
        | Q(ends_on__lt=first_day - _LONGER_THAN_A_WINDOW)
    )
    old_incidents = Incident.objects.filter(state=IncidentState.RESOLVED, resolved_at__lt=cutoff)
    old_causes = Cause.objects.filter(resolved_at__lt=cutoff, incidents=None)
    deleted = 0
    for rows in (old_incidents, old_causes, old_windows):
        with transaction.atomic():
            ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE])
            if ids:
                rows.model.objects.filter(pk__in=ids).delete()
        deleted += len(ids)
    return deleted
