"""Imports many keys at once as active, without a test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import (
    Actor,
    audit_event_record,
    audit_event_record_for_organisations,
)
from freddy_admin.audit.tags import AuditTag
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisations_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import assignable_users_by_email
from freddy_admin.vault.duplicate_secrets import fingerprints_of_organisations
from freddy_admin.vault.key_details import key_tags_bulk_create
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.sealing import (
    SEALED_SECRET_FIELDS,
    api_key_context,
    canary_ensure,
    sealed_secret_set,
    secret_fingerprint,
)

_BATCH_SIZE = 500


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One key to store; its texts were validated by `key_details` and `secret_format`."""

    organisation: Organisation
    label: str
    secret: str = field(repr=False)
    organization_id: str = ""
    tags: tuple[str, ...] = ()
    environment: str = DEFAULT_ENVIRONMENT
    owner: User | None = None
    expires_on: date | None = None
    grace_minutes: int | None = None


class ImportOutcome(StrEnum):
    """What became of one row, in the words of the report."""

    ADDED = "added"
    ALREADY_EXISTS = "already here"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of one row; `key` is the stored key where it was added.

    `environment` is where its organisation has the key.
    """

    outcome: ImportOutcome
    environment: str
    key: ApiKey | None = None


@sensitive_variables("rows", "new_keys")
def api_keys_import(*, actor: Actor, rows: Sequence[ImportRow]) -> list[ImportResult]:
    """Store these keys as active, all of them or none; returns a result per row, in order.

    A key that its organisation already has, or has as a candidate, is skipped, so a second run
    changes nothing. Who may not see an organisation (any more) owns no key there. Raises NotFound
    if an organisation was deleted.
    """
    ids = {row.organisation.pk for row in rows}
    with transaction.atomic():
        organisations_lock(ids)
        stored_fingerprints = fingerprints_of_organisations(organisation_ids=ids)
        results: list[ImportResult] = []
        new_keys: list[tuple[ApiKey, ImportRow]] = []
        owners = assignable_users_by_email(emails={row.owner.email for row in rows if row.owner})
        for row in rows:
            secret_identity = (row.organisation.pk, secret_fingerprint(row.secret))
            if secret_identity in stored_fingerprints:
                environment = stored_fingerprints[secret_identity]
                results.append(ImportResult(ImportOutcome.ALREADY_EXISTS, environment))
                continue
            stored_fingerprints[secret_identity] = row.environment
            key = _api_key_build(row)
            key.owner = row.owner and (
                owners.get((row.organisation.name, row.owner.email))
                or owners.get(("", row.owner.email))
            )
            new_keys.append((key, row))
            results.append(ImportResult(ImportOutcome.ADDED, row.environment, key))
        if new_keys:
            _api_keys_bulk_create(new_keys)
        _import_audit_record(actor, results)
    return results


def _api_key_build(row: ImportRow) -> ApiKey:
    now = clock.now()
    return ApiKey(
        organisation=row.organisation,
        label=row.label,
        organization_id=row.organization_id,
        environment=row.environment,
        expires_on=row.expires_on,
        grace_minutes=row.grace_minutes,
        status=KeyLifecycle.ACTIVE,
        created_at=now,
        secret_set_at=now,
    )


@sensitive_variables()
def _api_keys_bulk_create(new_keys: Sequence[tuple[ApiKey, ImportRow]]) -> None:
    # The context needs the key's id: rows first, then their sealed bytes, in one transaction.
    keys = [key for key, _row in new_keys]
    ApiKey.objects.bulk_create(keys, batch_size=_BATCH_SIZE)
    ring = keyring()
    for key, row in new_keys:
        context = api_key_context(key.organisation_id, key.pk, key.version, key.environment)
        sealed_secret_set(key, row.secret, context=context, ring=ring)
    # An upsert by id writes thousands of rows several times faster than `bulk_update`.
    ApiKey.objects.bulk_create(
        keys,
        batch_size=_BATCH_SIZE,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=list(SEALED_SECRET_FIELDS),
    )
    canary_ensure(ring)
    key_tags_bulk_create([(key, row.tags) for key, row in new_keys])


def _import_audit_record(actor: Actor, results: Sequence[ImportResult]) -> None:
    added_keys = [result.key for result in results if result.key is not None]
    organisation_refs = {organisation_audit_ref(key.organisation) for key in added_keys}
    audit_event_record(
        tag=AuditTag.KEYS_IMPORTED,
        actor=actor,
        added=len(added_keys),
        already_here=len(results) - len(added_keys),
        organisations=len(organisation_refs),
    )
    # The event above has no organisation: each one's own audit log records the import, too.
    audit_event_record_for_organisations(
        tag=AuditTag.KEYS_IMPORTED,
        actor=actor,
        organisations=sorted(organisation_refs, key=lambda organisation_ref: organisation_ref.id),
    )
