"""Seals everything anew with the present master key, so that former ones can be removed."""

from collections.abc import Callable, Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.crypto.errors import (
    CryptoError,
    DecryptionFailed,
    MasterKeyMissing,
    PrivateKeysMissing,
)
from freddy_admin.crypto.keyring import Keyring, keyring, master_key_id_of_sealed
from freddy_admin.vault.master_key_canaries import canaries_test
from freddy_admin.vault.master_key_rotation_progress import (
    rotation_finish,
    rotation_record_progress,
    rotation_start,
)
from freddy_admin.vault.master_key_state import (
    master_key_is_missing,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
    MasterKeyRotation,
)
from freddy_admin.vault.rotation_report import ResealReport, UnreadableRow
from freddy_admin.vault.sealing import (
    ApiKeyBinding,
    SealBinding,
    canary_ensure,
    import_row_binding,
)

_SealedRow = ApiKey | KeyCandidate | ImportDraftRow
_RowSource = Callable[[str, int, int], Sequence[_SealedRow]]


def api_keys_reseal(*, actor: Actor, batch: int = 100) -> ResealReport:
    """Seal keys, candidates and import rows with the present master key, `batch` a transaction.

    Each row is wholly old or wholly new at any moment, and readable with both keys in the ring:
    the next run finishes one that was killed. Rows that cannot be opened are left as they are and
    reported. Raises PrivateKeysMissing where this process opens nothing, and Conflict where it
    seals with another key than the first of its ring: that one might be held by nobody, which
    would lose every key, or be the very one to retire.
    """
    ring = keyring()
    if not ring.has_private_keys:
        raise PrivateKeysMissing
    if not ring.is_sealing_to_first_private_key:
        raise Conflict(
            _(
                "ENCRYPTION_PUBLIC_KEY does not belong to the first of ENCRYPTION_KEYS. Leave it "
                "out here and run this again. Nothing was changed."
            )
        )
    try:
        with transaction.atomic():
            canary_ensure(ring)
    except Conflict:
        pass  # the ring opens nothing that is stored: every row is reported, none is changed
    master_key_state(fresh=True)  # tells a missing master key from a damaged row
    rotation = rotation_start(sealing_id=ring.sealing_id, total=_outdated_rows_count(ring))
    reseal_run = _ResealRun(ring, rotation, batch)
    first_counts = [reseal_run.reseal_source(row_source) for row_source in _ROW_SOURCES]
    # A concurrent request may have sealed with a former key: a second pass finds those rows.
    import_row_count, candidate_count, key_count = (
        first_count + reseal_run.reseal_source(row_source)
        for first_count, row_source in zip(first_counts, _ROW_SOURCES, strict=True)
    )
    unreadable = tuple(reseal_run.unreadable)
    with transaction.atomic():
        _unused_canaries_delete()
        canaries_test(tested_by="rotate_encryption")
        usage = tuple(master_key_usage())
        rotation_finish(rotation)
        wal_truncate_on_commit()
        audit_event_record(
            tag=AuditTag.MASTER_KEY_ROTATED,
            actor=actor,
            subject=ring.sealing_id,
            keys=key_count,
            candidates=candidate_count,
            import_rows=import_row_count,
            unreadable=len(unreadable),
        )
    master_key_state_reset()
    return ResealReport(key_count, candidate_count, import_row_count, unreadable, usage)


class _ResealRun:
    """One run over all sealed rows, and the rows it could not open."""

    def __init__(self, ring: Keyring, rotation: MasterKeyRotation, batch: int) -> None:
        self._ring, self._rotation, self._batch = ring, rotation, batch
        self.unreadable: dict[UnreadableRow, None] = {}  # in order, each row once

    def reseal_source(self, row_source: _RowSource) -> int:
        """Seal this source's outdated rows anew, batch by batch; returns how many."""
        last_id, done_count = 0, 0
        while True:
            unreadable: list[UnreadableRow] = []
            with transaction.atomic():
                rows = row_source(self._ring.sealing_id, last_id, self._batch)
                resealed_count = sum(_row_reseal(row, self._ring, unreadable) for row in rows)
                new_unreadable = [row for row in unreadable if row not in self.unreadable]
                rotation_record_progress(
                    self._rotation, done=resealed_count, unreadable=len(new_unreadable)
                )
            self.unreadable.update(dict.fromkeys(new_unreadable))
            if not rows:
                return done_count
            last_id, done_count = rows[-1].pk, done_count + resealed_count


def _outdated_rows_count(ring: Keyring) -> int:
    return sum(use.rows for use in master_key_usage() if not use.is_sealing_key)


def _outdated_keys(sealing_id: str, after: int, limit: int) -> list[ApiKey]:
    rows = ApiKey.objects.select_related("organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _outdated_candidates(sealing_id: str, after: int, limit: int) -> list[KeyCandidate]:
    rows = KeyCandidate.objects.select_related("key__organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _outdated_import_rows(sealing_id: str, after: int, limit: int) -> list[ImportDraftRow]:
    rows = ImportDraftRow.objects.exclude(ciphertext=None).exclude(master_key_id=sealing_id)
    rows = rows.filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(no_key=True)[:limit])


# Candidates before keys: promoting one meanwhile copies its new bytes to the key.
_ROW_SOURCES: Final[tuple[_RowSource, ...]] = (
    _outdated_import_rows,
    _outdated_candidates,
    _outdated_keys,
)


def _row_reseal(row: _SealedRow, ring: Keyring, unreadable: list[UnreadableRow]) -> bool:
    ciphertext, reason = _resealed_ciphertext(row, ring, _row_binding(row))
    if ciphertext is None:
        unreadable.append(_unreadable_row(row, reason))
        return False
    row.ciphertext, row.master_key_id = ciphertext, ring.sealing_id
    row.save(update_fields=["ciphertext", "master_key_id"])
    return True


def _row_binding(row: _SealedRow) -> SealBinding:
    if isinstance(row, ImportDraftRow):
        return import_row_binding(row)
    key = row if isinstance(row, ApiKey) else row.key
    return ApiKeyBinding(organisation_id=key.organisation_id, key_id=key.pk, version=row.version)


def _unreadable_row(row: _SealedRow, reason: str) -> UnreadableRow:
    if isinstance(row, ImportDraftRow):
        organisation_name, label, row_id = row.organisation_name, row.label, row.pk
    else:
        key = row if isinstance(row, ApiKey) else row.key
        organisation_name, label, row_id = key.organisation.name, key.label, key.pk
    return UnreadableRow(
        organisation=organisation_name,
        label=label,
        key_id=row_id,
        candidate=isinstance(row, KeyCandidate),
        import_row=isinstance(row, ImportDraftRow),
        master_key_id=row.master_key_id,
        reason=reason,
    )


@sensitive_variables()
def _resealed_ciphertext(
    row: _SealedRow, ring: Keyring, binding: SealBinding
) -> tuple[bytes | None, str]:
    former_ciphertext = bytes(row.ciphertext or b"")
    is_missing = master_key_is_missing(row.master_key_id)
    try:
        if not is_missing and master_key_id_of_sealed(former_ciphertext) == row.master_key_id:
            secret = ring.open(former_ciphertext, context=binding.context)
            return _seal_and_verify(secret, ring, binding), ""
    except MasterKeyMissing:
        is_missing = True
    except DecryptionFailed:
        pass
    if is_missing:
        return None, _("its master key is not in ENCRYPTION_KEYS: put it back, then run this again")
    return None, _("it is damaged: paste the key again")


@sensitive_variables()
def _seal_and_verify(secret: bytes, ring: Keyring, binding: SealBinding) -> bytes:
    # The former bytes are lost once the row is saved, so the new ones are opened first.
    ciphertext = ring.seal(secret, context=binding.context)
    try:
        is_verified = ring.open(ciphertext, context=binding.context) == secret
    except CryptoError:
        is_verified = False
    if not is_verified:
        raise Conflict(
            _("What was sealed anew does not open again: this row and all later ones were left.")
        )
    return ciphertext


def _unused_canaries_delete() -> None:
    # A canary is deleted with the last row of its master key, or that key would count as missing.
    # Whoever seals locks the canary, so rows that are being stored now are waited for and counted.
    list(MasterKeyCanary.objects.select_for_update().order_by("pk"))
    for use in master_key_usage():
        if use.canary and not use.is_sealing_key and use.rows == 0:
            MasterKeyCanary.objects.filter(master_key_id=use.master_key_id).delete()
