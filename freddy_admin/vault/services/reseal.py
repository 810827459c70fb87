"""Seals everything anew with the present master key, so that a former one can be taken away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.errors import CannotOpen, CryptoError, MasterKeyMissing, NoPrivateKeys
from freddy_admin.crypto.keyring import Keyring, header_master_key_id, keyring
from freddy_admin.vault.master_keys import (
    MasterKeyUse,
    master_key_is_missing,
    master_key_state,
    master_key_state_reset,
    master_key_usage,
)
from freddy_admin.vault.models import ApiKey, KeyCandidate, MasterKeyCanary
from freddy_admin.vault.sealing import Row, canary_ensure

_Sealed = ApiKey | KeyCandidate
_OldRows = Callable[[str, int, int], Sequence[_Sealed]]


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row that stays as it is: its key has to be pasted again, or its master key brought back."""

    organisation: str
    label: str
    key_id: int
    candidate: bool
    master_key_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ResealReport:
    """How a run ended: `usage` counts rows per master key after it."""

    keys: int
    candidates: int
    unreadable: tuple[UnreadableRow, ...]
    usage: tuple[MasterKeyUse, ...]

    @property
    def removable(self) -> tuple[str, ...]:
        """Former master keys of this ring that seal nothing any more and can be taken away."""
        return tuple(
            use.master_key_id
            for use in self.usage
            if use.in_ring and not use.seals and use.rows == 0
        )


def api_keys_reseal(*, actor: Actor, batch: int = 200) -> ResealReport:
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
    unreadable: list[UnreadableRow] = []
    # Candidates first: one that is kept meanwhile takes its new bytes along to its key.
    candidates = _reseal_all(_old_candidates, ring, batch=batch, unreadable=unreadable)
    keys = _reseal_all(_old_keys, ring, batch=batch, unreadable=unreadable)
    with transaction.atomic():
        _canaries_retire()
        usage = tuple(master_key_usage())
        audit_record(
            tag=Tag.MASTER_KEY_ROTATED,
            actor=actor,
            subject=ring.sealing_id,
            keys=keys,
            candidates=candidates,
            unreadable=len(unreadable),
        )
    master_key_state_reset()
    return ResealReport(keys, candidates, tuple(unreadable), usage)


def _reseal_all(
    old_rows: _OldRows, ring: Keyring, *, batch: int, unreadable: list[UnreadableRow]
) -> int:
    last, done = 0, 0
    while True:
        with transaction.atomic():
            rows = old_rows(ring.sealing_id, last, batch)
            done += sum(_reseal_one(row, ring, unreadable) for row in rows)
        if not rows:
            return done
        last = rows[-1].pk


def _old_keys(sealing_id: str, after: int, limit: int) -> list[ApiKey]:
    rows = ApiKey.objects.select_related("organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _old_candidates(sealing_id: str, after: int, limit: int) -> list[KeyCandidate]:
    rows = KeyCandidate.objects.select_related("key__organisation").exclude(ciphertext=None)
    rows = rows.exclude(master_key_id=sealing_id).filter(pk__gt=after).order_by("pk")
    return list(rows.select_for_update(of=("self",), no_key=True)[:limit])


def _reseal_one(row: _Sealed, ring: Keyring, unreadable: list[UnreadableRow]) -> bool:
    key = row if isinstance(row, ApiKey) else row.key
    place = Row(organisation_id=key.organisation_id, key_id=key.pk, version=row.version)
    sealed, reason = _sealed_anew(row, ring, place)
    if sealed is None:
        unreadable.append(
            UnreadableRow(
                organisation=key.organisation.name,
                label=key.label,
                key_id=key.pk,
                candidate=isinstance(row, KeyCandidate),
                master_key_id=row.master_key_id,
                reason=reason,
            )
        )
        return False
    row.ciphertext, row.master_key_id = sealed, ring.sealing_id
    row.save(update_fields=["ciphertext", "master_key_id"])
    return True


@sensitive_variables()
def _sealed_anew(row: _Sealed, ring: Keyring, place: Row) -> tuple[bytes | None, str]:
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
def _sealed_and_opened(secret: bytes, ring: Keyring, place: Row) -> bytes:
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
    for use in master_key_usage():
        if use.canary and not use.seals and use.rows == 0:
            MasterKeyCanary.objects.filter(master_key_id=use.master_key_id).delete()
