"""Seals everything anew with the present master key, so that former ones can be removed."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
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
from freddy_admin.vault.master_key_rotation_progress import (
    rotation_finish,
    rotation_record_progress,
    rotation_start,
)
from freddy_admin.vault.master_key_state import (
    MasterKeyUsage,
    canaries_test,
    master_key_is_missing,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import (
    ApiKey,
    ChannelSecret,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
    MasterKeyRotation,
)
from freddy_admin.vault.sealing import (
    api_key_context,
    canary_ensure,
    channel_secret_context,
    import_row_context,
)

_SealedRow = ApiKey | KeyCandidate | ImportDraftRow | ChannelSecret
# Candidates before keys: promoting one meanwhile copies its new bytes to the key.
_RESEAL_ORDER: Final[tuple[type[_SealedRow], ...]] = (
    ImportDraftRow,
    KeyCandidate,
    ApiKey,
    ChannelSecret,
)


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row left as it was: its key has to be pasted again, or its master key restored.

    `key_id` is the key's id, or for an import row the row's own, or for a channel's secret the
    channel's.
    """

    organisation: str
    label: str
    key_id: int
    candidate: bool
    import_row: bool
    channel_secret: bool
    master_key_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResealReport:
    """What a run did: counts of rows sealed anew; `usage` counts rows per master key after it."""

    keys: int
    candidates: int
    import_rows: int
    channel_secrets: int
    unreadable: tuple[UnreadableRow, ...]
    usage: tuple[MasterKeyUsage, ...]


def api_keys_reseal(*, actor: Actor, batch: int = 100) -> ResealReport:
    """Seal keys, candidates, import rows and channels' secrets with the present master key.

    `batch` rows are a transaction. Each row is wholly old or wholly new at any moment, and readable
    with both keys in the ring: the next run finishes one that was killed. Rows that cannot be
    opened are left as they are and reported. Raises PrivateKeysMissing where this process opens
    nothing, and Conflict where it seals with another key than the first of its ring: that one might
    be held by nobody, which would lose every key, or be the very one to retire.
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
    first_counts = [reseal_run.reseal_model(model) for model in _RESEAL_ORDER]
    # A concurrent request may have sealed with a former key: a second pass finds those rows.
    import_row_count, candidate_count, key_count, channel_secret_count = (
        first_count + reseal_run.reseal_model(model)
        for first_count, model in zip(first_counts, _RESEAL_ORDER, strict=True)
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
            channel_secrets=channel_secret_count,
            unreadable=len(unreadable),
        )
    master_key_state_reset()
    return ResealReport(
        key_count, candidate_count, import_row_count, channel_secret_count, unreadable, usage
    )


class _ResealRun:
    """One run over all sealed rows, and the rows it could not open."""

    def __init__(self, ring: Keyring, rotation: MasterKeyRotation, batch: int) -> None:
        self._ring, self._rotation, self._batch = ring, rotation, batch
        self.unreadable: dict[UnreadableRow, None] = {}  # in order, each row once

    def reseal_model(self, model: type[_SealedRow]) -> int:
        """Seal this model's outdated rows anew, batch by batch; returns how many."""
        last_id, done_count = 0, 0
        while True:
            unreadable: list[UnreadableRow] = []
            with transaction.atomic():
                rows = _outdated_rows_lock(
                    model, self._ring.sealing_id, after=last_id, limit=self._batch
                )
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


def _outdated_rows_lock(
    model: type[_SealedRow], sealing_id: str, *, after: int, limit: int
) -> list[_SealedRow]:
    rows: QuerySet[Any] = model.objects.exclude(ciphertext=None)
    if model is ApiKey:
        rows = rows.select_related("organisation")
    elif model is KeyCandidate:
        rows = rows.select_related("key__organisation")
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _row_reseal(row: _SealedRow, ring: Keyring, unreadable: list[UnreadableRow]) -> bool:
    ciphertext, reason = _resealed_ciphertext(row, ring, _row_context(row))
    if ciphertext is None:
        unreadable.append(_unreadable_row(row, reason))
        return False
    row.ciphertext, row.master_key_id = ciphertext, ring.sealing_id
    row.save(update_fields=["ciphertext", "master_key_id"])
    return True


def _row_context(row: _SealedRow) -> bytes:
    if isinstance(row, ImportDraftRow):
        return import_row_context(row)
    if isinstance(row, ChannelSecret):
        return channel_secret_context(row)
    key = row if isinstance(row, ApiKey) else row.key
    return api_key_context(key.organisation_id, key.pk, row.version, row.environment)


def _unreadable_row(row: _SealedRow, reason: str) -> UnreadableRow:
    if isinstance(row, ImportDraftRow):
        organisation_name, label, row_id = row.organisation_name, row.label, row.pk
    elif isinstance(row, ChannelSecret):
        organisation_name = row.organisation.name if row.organisation else _("the whole panel")
        label, row_id = str(row), row.channel_id
    else:
        key = row if isinstance(row, ApiKey) else row.key
        organisation_name, label, row_id = key.organisation.name, key.label, key.pk
    return UnreadableRow(
        organisation=organisation_name,
        label=label,
        key_id=row_id,
        candidate=isinstance(row, KeyCandidate),
        import_row=isinstance(row, ImportDraftRow),
        channel_secret=isinstance(row, ChannelSecret),
        master_key_id=row.master_key_id,
        reason=reason,
    )


@sensitive_variables()
def _resealed_ciphertext(
    row: _SealedRow, ring: Keyring, context: bytes
) -> tuple[bytes | None, str]:
    former_ciphertext = bytes(row.ciphertext or b"")
    is_missing = master_key_is_missing(row.master_key_id)
    try:
        if not is_missing and master_key_id_of_sealed(former_ciphertext) == row.master_key_id:
            secret = ring.open(former_ciphertext, context=context)
            return _seal_and_verify(secret, ring, context), ""
    except MasterKeyMissing:
        is_missing = True
    except DecryptionFailed:
        pass
    if is_missing:
        return None, _("its master key is not in ENCRYPTION_KEYS: put it back, then run this again")
    if isinstance(row, ChannelSecret):
        return None, _("it is damaged: enter the channel's address anew, or rotate its secret")
    return None, _("it is damaged: paste the key again")


@sensitive_variables()
def _seal_and_verify(secret: bytes, ring: Keyring, context: bytes) -> bytes:
    # The former bytes are lost once the row is saved, so the new ones are opened first.
    ciphertext = ring.seal(secret, context=context)
    try:
        is_verified = ring.open(ciphertext, context=context) == secret
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
