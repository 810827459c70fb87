"""Audit events about one key."""

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.vault.models import ApiKey


def key_audit_record(tag: AuditTag, actor: Actor, key: ApiKey, **details: object) -> None:
    """Record one audit event about this key; `details` are short JSON values without a secret."""
    organisation_ref = organisation_audit_ref(key.organisation)
    audit_event_record(
        tag=tag,
        actor=actor,
        organisation=organisation_ref,
        subject=key.label,
        key_id=key.pk,
        **details,
    )
