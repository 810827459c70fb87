"""The one way out of the audit log."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from freddy_admin.audit.models import AuditEvent

SEARCH_LIMIT = 100


def audit_events(
    *, organisation_ids: Collection[int] | None, search: str = "", tag: str = ""
) -> QuerySet[AuditEvent]:
    """Events of these organisations, newest first; None means all, for a platform admin.

    Sign-ins belong to no organisation, so only a platform admin finds them. `search` looks in the
    names of who, what and where; `tag` is one of the stored words, anything else finds nothing.
    """
    events = AuditEvent.objects.all()
    if organisation_ids is not None:
        events = events.filter(organisation_id__in=organisation_ids)
    if tag:
        events = events.filter(tag=tag)
    words = search.replace("\x00", "").strip()[:SEARCH_LIMIT]
    if words:
        events = events.filter(
            Q(actor_name__icontains=words)
            | Q(subject__icontains=words)
            | Q(organisation_name__icontains=words)
        )
    return events
