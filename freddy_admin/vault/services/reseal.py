"""Seals everything anew with the present master key, so that a former one can be taken away."""

from collections.abc import Callable, Sequence
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.crypto.errors import CannotOpen, CryptoError, MasterKeyMissing, NoPrivateKeys
from freddy_admin.crypto.keyring import Keyring, header_master_key_id, keyring
from freddy_admin.vault.canaries import canaries_try
from freddy_admin.vault.master_keys import (
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
from freddy_admin.vault.resealed import ResealReport, UnreadableRow
from freddy_admin.vault.rotations import rotation_begin, rotation_end, rotation_note
from freddy_admin.vault.sealing import Place, Row, canary_ensure, import_place_of

_Sealed = ApiKey | KeyCandidate | ImportDraftRow
_OldRows = Callable[[str, int, int], Sequence[_Sealed]]


def api_keys_reseal(*, actor: Actor, batch: int = 100) -> ResealReport:
    """Seal every key and candidate with the present master key, `batch` rows a transaction.

    Each row is wholly old or wholly new at any moment, and readable with both keys in the ring:
    a run that was killed is finished by the next one. Rows that cannot be opened are left as
    they are and listed. Raises NoPrivateKeys where this process opens nothing, and Conflict where
    it seals with any other key than the first of its ring: nobody might hold that one, which
    would end every key, or it might be the very one to be retired.
    """
    ring = keyring()
    if not ring.can_open:
        raise NoPrivateKeys
    if not ring.seals_with_first:
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
        pass  # the ring opens nothing of what is here: every row is listed, none is touched
    master_key_state(fresh=True)  # tells a missing master key from a damaged row
    run = rotation_begin(sealing_id=ring.sealing_id, total=_rows_before(ring))
    rows = _Rows(ring, run, batch)
    done = [rows.reseal_all(old) for old in _ALL]
    # A form that was sent meanwhile may have sealed with a former key: a second look, at those.
    drafts, candidates, keys = (
        before + rows.reseal_all(old) for before, old in zip(done, _ALL, strict=True)
    )
    unreadable = tuple(rows.unreadable)
    with transaction.atomic():
        _canaries_retire()
        canaries_try(by="rotate_encryption")
        usage = tuple(master_key_usage())
        rotation_end(run)
        wal_empty_after_commit()
        audit_record(
            tag=Tag.MASTER_KEY_ROTATED,
            actor=actor,
            subject=ring.sealing_id,
            keys=keys,
            candidates=candidates,
            import_rows=drafts,
            unreadable=len(unreadable),
        )
    master_key_state_reset()
    return ResealReport(keys, candidates, drafts, unreadable, usage)


class _Rows:
    """What one run has done so far."""

    def __init__(self, ring: Keyring, run: MasterKeyRotation, batch: int) -> None:
        self._ring, self._run, self._batch = ring, run, batch
        self.unreadable: dict[UnreadableRow, None] = {}  # in order, each row once

    def reseal_all(self, old_rows: _OldRows) -> int:
        """Seal anew what is left under former master keys, batch by batch; how many it were."""
        last, done = 0, 0
        while True:
            shut: list[UnreadableRow] = []
            with transaction.atomic():
                rows = old_rows(self._ring.sealing_id, last, self._batch)
                now = sum(_reseal_one(row, self._ring, shut) for row in rows)
                fresh = [row for row in shut if row not in self.unreadable]
                rotation_note(self._run, done=now, unreadable=len(fresh))
            self.unreadable.update(dict.fromkeys(fresh))
            if not rows:
                return done
            last, done = rows[-1].pk, done + now


def _rows_before(ring: Keyring) -> int:
    return sum(use.rows for use in master_key_usage() if not use.seals)


def _old_keys(sealing_id: str, after: int, limit: int) -> list[ApiKey]:
    rows = ApiKey.objects.select_related("organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _old_candidates(sealing_id: str, after: int, limit: int) -> list[KeyCandidate]:
    rows = KeyCandidate.objects.select_related("key__organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _old_import_rows(sealing_id: str, after: int, limit: int) -> list[ImportDraftRow]:
    rows = ImportDraftRow.objects.exclude(ciphertext=None).exclude(master_key_id=sealing_id)
    rows = rows.filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(no_key=True)[:limit])


# Candidates before keys: one that is kept meanwhile takes its new bytes along to its key.
_ALL: Final[tuple[_OldRows, ...]] = (_old_import_rows, _old_candidates, _old_keys)


def _reseal_one(row: _Sealed, ring: Keyring, unreadable: list[UnreadableRow]) -> bool:
    sealed, reason = _sealed_anew(row, ring, _place_of(row))
    if sealed is None:
        unreadable.append(_named(row, reason))
        return False
    row.ciphertext, row.master_key_id = sealed, ring.sealing_id
    row.save(update_fields=["ciphertext", "master_key_id"])
    return True


def _place_of(row: _Sealed) -> Place:
    if isinstance(row, ImportDraftRow):
        return import_place_of(row)
    key = row if isinstance(row, ApiKey) else row.key
    return Row(organisation_id=key.organisation_id, key_id=key.pk, version=row.version)


def _named(row: _Sealed, reason: str) -> UnreadableRow:
    if isinstance(row, ImportDraftRow):
        where, label, number = row.organisation_name, row.label, row.pk
    else:
        key = row if isinstance(row, ApiKey) else row.key
        where, label, number = key.organisation.name, key.label, key.pk
    return UnreadableRow(
        organisation=where,
        label=label,
        key_id=number,
        candidate=isinstance(row, KeyCandidate),
        import_row=isinstance(row, ImportDraftRow),
        master_key_id=row.master_key_id,
        reason=reason,
    )


@sensitive_variables()
def _sealed_anew(row: _Sealed, ring: Keyring, place: Place) -> tuple[bytes | None, str]:
    former = bytes(row.ciphertext or b"")
    missing = master_key_is_missing(row.master_key_id)
    try:
        if not missing and header_master_key_id(former) == row.master_key_id:
            secret = ring.open(former, context=place.context)
            return _sealed_and_opened(secret, ring, place), ""
    except MasterKeyMissing:
        missing = True
    except CannotOpen:
        pass
    if missing:
        return None, _("its master key is not in ENCRYPTION_KEYS: put it back, then run this again")
    return None, _("it is damaged: paste the key again")


@sensitive_variables()
def _sealed_and_opened(secret: bytes, ring: Keyring, place: Place) -> bytes:
    # The former bytes go with the row's save: not before the new ones were opened.
    sealed = ring.seal(secret, context=place.context)
    try:
        sound = ring.open(sealed, context=place.context) == secret
    except CryptoError:
        sound = False
    if not sound:
        raise Conflict(
            _("What was sealed anew does not open again: this row and all later ones were left.")
        )
    return sealed


def _canaries_retire() -> None:
    # A canary goes with the last row of its master key, so that nobody misses that key later.
    # Whoever seals holds it: what a form stores at this moment is waited for, and counted.
    list(MasterKeyCanary.objects.select_for_update().order_by("pk"))
    for use in master_key_usage():
        if use.canary and not use.seals and use.rows == 0:
            MasterKeyCanary.objects.filter(master_key_id=use.master_key_id).delete()
