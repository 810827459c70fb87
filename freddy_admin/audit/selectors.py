"""The one way out of the audit log."""

from collections.abc import Collection

from django.db.models import QuerySet

from freddy_admin.audit.models import AuditEvent


def audit_events(*, organisation_ids: Collection[int] | None) -> QuerySet[AuditEvent]:
    """Events of these organisations, newest first; None means all, for a platform admin."""
    events = AuditEvent.objects.all()
    if organisation_ids is None:
        return events
    return events.filter(organisation_id__in=organisation_ids)
