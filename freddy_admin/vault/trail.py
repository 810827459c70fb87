"""Writes down what was done to one key."""

from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.access import place_of
from freddy_admin.vault.models import ApiKey


def key_record(tag: Tag, actor: Actor, key: ApiKey, **details: object) -> None:
    """One audit event about this key; `details` are short JSON values without a secret."""
    place = place_of(key.organisation)
    audit_record(tag=tag, actor=actor, place=place, subject=key.label, key_id=key.pk, **details)
