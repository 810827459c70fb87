"""The events of one person: their number, for limits, and all of them, for a data export."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock


def audit_event_count(*, actor_id: int | None, tags: Collection[AuditTag], since: datetime) -> int:
    """How many events with these tags this person has caused since then."""
    # An event that a clock wrote while it was ahead would count until its time comes.
    until = clock.now() + clock.FUTURE_TOLERANCE
    events = AuditEvent.objects.filter(at__gte=since, at__lte=until)
    return events.filter(actor_id=actor_id, tag__in=tags).count()


def audit_events_of_person(
    *, actor_id: int, subject: str, organisation_ids: Collection[int] | None
) -> QuerySet[AuditEvent]:
    """The events that a person caused or that concern their account, the oldest first.

    With `organisation_ids`, only events of these organisations and of none.
    """
    events = AuditEvent.objects.filter(Q(actor_id=actor_id) | Q(subject=subject))
    if organisation_ids is not None:
        in_scope = Q(organisation_id=None) | Q(organisation_id__in=organisation_ids)
        events = events.filter(in_scope)
    return events.order_by("at", "pk")
