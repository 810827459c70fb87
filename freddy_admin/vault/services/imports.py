"""Many keys at once, from a file an operator trusts: active, not yet checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor, audit_record, audit_record_each
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.crypto.keyring import keyring
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.locks import organisations_lock
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.duplicates import fingerprints_here
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.sealing import (
    SEALED_FIELDS,
    Row,
    canary_ensure,
    seal_into,
    secret_fingerprint,
)
from freddy_admin.vault.tagging import tags_give_new

_BATCH = 500


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One key to store. Its texts went through the rules of `details` and `secrets`."""

    organisation: Organisation
    label: str
    secret: str = field(repr=False)
    organization_id: str = ""
    tags: tuple[str, ...] = ()


class ImportOutcome(StrEnum):
    """What became of one row; the words of the report."""

    ADDED = "added"
    ALREADY_HERE = "already here"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of one row; `key` is the stored key where it was added."""

    outcome: ImportOutcome
    key: ApiKey | None = None


@sensitive_variables("rows", "new")
def api_keys_import(*, actor: Actor, rows: Sequence[ImportRow]) -> list[ImportResult]:
    """Store these keys as active, all of them or none; a result per row, in order.

    A key that its organisation already has, or that waits there to be kept, is left alone, so a
    second run changes nothing. Raises NotFound if an organisation is gone.
    """
    ids = {row.organisation.pk for row in rows}
    with transaction.atomic():
        organisations_lock(ids)
        here = fingerprints_here(organisation_ids=ids)
        results: list[ImportResult] = []
        new: list[tuple[ApiKey, ImportRow]] = []
        for row in rows:
            place = (row.organisation.pk, secret_fingerprint(row.secret))
            if place in here:
                results.append(ImportResult(ImportOutcome.ALREADY_HERE))
                continue
            here.add(place)
            key = _unsaved(row)
            new.append((key, row))
            results.append(ImportResult(ImportOutcome.ADDED, key))
        if new:
            _store(new)
        _record(actor, results)
    return results


def _unsaved(row: ImportRow) -> ApiKey:
    now = clock.now()
    return ApiKey(
        organisation=row.organisation,
        label=row.label,
        organization_id=row.organization_id,
        status=KeyStatus.ACTIVE,
        created_at=now,
        secret_set_at=now,
    )


@sensitive_variables()
def _store(new: Sequence[tuple[ApiKey, ImportRow]]) -> None:
    # The context needs the key's id: rows first, then their sealed bytes, in one transaction.
    keys = [key for key, _row in new]
    ApiKey.objects.bulk_create(keys, batch_size=_BATCH)
    ring = keyring()
    for key, row in new:
        place = Row(organisation_id=key.organisation_id, key_id=key.pk, version=key.version)
        seal_into(key, row.secret, row=place, ring=ring)
    # An upsert by id writes thousands of rows several times faster than `bulk_update`.
    ApiKey.objects.bulk_create(
        keys,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=list(SEALED_FIELDS),
    )
    canary_ensure(ring)
    tags_give_new([(key, row.tags) for key, row in new])


def _record(actor: Actor, results: Sequence[ImportResult]) -> None:
    added = [result.key for result in results if result.key is not None]
    places = {place_of(key.organisation) for key in added}
    audit_record(
        tag=Tag.KEYS_IMPORTED,
        actor=actor,
        added=len(added),
        already_here=len(results) - len(added),
        organisations=len(places),
    )
    # The event above has no place: each organisation's own trail says that keys came to it.
    audit_record_each(
        tag=Tag.KEYS_IMPORTED, actor=actor, places=sorted(places, key=lambda place: place.id)
    )
