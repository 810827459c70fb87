"""Seals a secret for one row: the context names the purpose, the tenant, the key, the version."""

import hashlib
import struct
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.fingerprints import fingerprint
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.models import (
    ApiKey,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
    SealedSecret,
)
from freddy_admin.vault.secrets import hints_of

_KEY_PURPOSE: Final = b"freddy-admin/vault/api-key\x00"
_IMPORT_PURPOSE: Final = b"freddy-admin/vault/import-row\x00"
_CANARY_PURPOSE: Final = b"freddy-admin/vault/canary\x00"
CANARY_TEXT: Final = b"this canary sings when the master key fits"


class Place(Protocol):
    """Where a sealed secret belongs; nowhere else does it open."""

    @property
    def context(self) -> bytes:
        """What is bound to the sealed bytes."""


@dataclass(frozen=True, slots=True)
class Row:
    """The one place a secret is sealed for."""

    organisation_id: int
    key_id: int
    version: int

    @property
    def context(self) -> bytes:
        """Fixed-width numbers after a label: no two rows share a context."""
        numbers = (self.organisation_id, self.key_id, self.version)
        return _KEY_PURPOSE + struct.pack(">QQQ", *numbers)


@dataclass(frozen=True, slots=True)
class ImportPlace:
    """The one row of a draft of an import that a secret is sealed for; no key has an id yet."""

    draft: UUID
    number: int
    organisation_id: int | None
    organisation_name: str

    @property
    def context(self) -> bytes:
        """Fixed widths again: the organisation by its id, or by its name before it has one."""
        numbers = struct.pack(">QQ", self.number, self.organisation_id or 0)
        named = hashlib.sha256(self.organisation_name.encode()).digest()
        return _IMPORT_PURPOSE + self.draft.bytes + numbers + named


def import_place_of(row: ImportDraftRow) -> ImportPlace:
    """Where the secret of this row was sealed for."""
    return ImportPlace(
        draft=row.draft_id,
        number=row.number,
        organisation_id=row.organisation_id,
        organisation_name=row.organisation_name,
    )


def canary_context(master_key_id: str) -> bytes:
    """The context of the canary of one master key."""
    return _CANARY_PURPOSE + bytes.fromhex(master_key_id)


@sensitive_variables()
def secret_fingerprint(secret: str) -> str:
    """The digest by which the same secret is found again."""
    return fingerprint(secret, secret_key=settings.SECRET_KEY)


@sensitive_variables()
def seal_into(
    target: SealedSecret, secret: str, *, row: Place, ring: Keyring | None = None
) -> None:
    """Fill the sealed fields of `target`, unsaved, with a cleaned secret."""
    ring = ring or keyring()
    target.ciphertext = ring.seal(secret.encode(), context=row.context)
    target.master_key_id = ring.sealing_id
    target.hint_start, target.hint_end = hints_of(secret)
    target.fingerprint = secret_fingerprint(secret)


def sealed_wipe(target: SealedSecret) -> None:
    """Take the sealed bytes out of the row, unsaved; the hints stay, to name what it was."""
    target.ciphertext, target.master_key_id, target.fingerprint = None, "", ""


def sealed_copy(source: SealedSecret, target: SealedSecret) -> None:
    """Move sealed bytes and hints to the row they were sealed for; opens nothing."""
    for name in SEALED_FIELDS:
        setattr(target, name, getattr(source, name))


SEALED_FIELDS: Final = (
    "ciphertext",
    "master_key_id",
    "hint_start",
    "hint_end",
    "fingerprint",
)


def canary_ensure(ring: Keyring | None = None) -> None:
    """Make the canary of the sealing master key, if this is the first thing it seals.

    Raises Conflict where the ring opens nothing of what is stored: the wrong master key would
    seal keys that the right one cannot open. A process that only seals cannot tell: a new public
    key comes first when a master key is replaced, so it is let through. What it seals stays
    beside the key in use until a worker has opened and tested it, so that a wrong public key
    costs one paste, and the worker names it as the platform's fault.

    The canary is held until the present transaction ends: a rotation waits for what is sealed
    with its master key before it counts, and never takes the canary from under it.
    """
    ring = ring or keyring()
    master_key_id = ring.sealing_id
    if _canary_held(master_key_id):
        return
    known = set(MasterKeyCanary.objects.values_list("master_key_id", flat=True))
    needed = _in_use(known) if known and ring.can_open else set()
    if needed and not needed & ring.known_ids:
        raise Conflict(
            _(
                "The master key does not fit this database, so nothing was saved. Put the former "
                "key (fingerprint %(ids)s) back into ENCRYPTION_KEYS."
            )
            % {"ids": ", ".join(sorted(needed))}
        )
    sealed = ring.seal(CANARY_TEXT, context=canary_context(master_key_id))
    canary = MasterKeyCanary(master_key_id=master_key_id, ciphertext=sealed, created_at=clock.now())
    # Another process may be making the same one: either will do.
    MasterKeyCanary.objects.bulk_create([canary], ignore_conflicts=True)


def _canary_held(master_key_id: str) -> bool:
    with transaction.atomic(savepoint=False):
        canaries = MasterKeyCanary.objects.select_for_update(no_key=True)
        return canaries.filter(master_key_id=master_key_id).first() is not None


def _in_use(master_key_ids: set[str]) -> set[str]:
    used: set[str] = set()
    for model in (ApiKey, KeyCandidate, ImportDraftRow):
        rows = model.objects.filter(master_key_id__in=master_key_ids).exclude(ciphertext=None)
        used.update(rows.order_by().values_list("master_key_id", flat=True).distinct())
    return used
