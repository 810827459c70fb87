"""What one person did: how often, for limits; all of it, for who asks what is kept."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Q, QuerySet

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock


def audit_count(*, actor_id: int | None, tags: Collection[Tag], since: datetime) -> int:
    """How many events of these kinds this person has caused since then."""
    # What a clock that was ahead has stamped would count until its time comes.
    until = clock.now() + clock.AHEAD
    events = AuditEvent.objects.filter(at__gte=since, at__lte=until)
    return events.filter(actor_id=actor_id, tag__in=tags).count()


def audit_by(
    *, actor_id: int, subject: str, organisation_ids: Collection[int] | None
) -> QuerySet[AuditEvent]:
    """What a person did, and what was done to their account, the oldest first.

    With `organisation_ids`, of other organisations nothing; what belongs to none is there.
    """
    events = AuditEvent.objects.filter(Q(actor_id=actor_id) | Q(subject=subject))
    if organisation_ids is not None:
        here = Q(organisation_id=None) | Q(organisation_id__in=organisation_ids)
        events = events.filter(here)
    return events.order_by("at", "pk")
