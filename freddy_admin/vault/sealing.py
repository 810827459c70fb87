"""Seals a secret for one row: the context names the purpose, the tenant, the key, the version."""

import hashlib
import hmac
import struct
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.models import (
    ApiKey,
    ChannelSecret,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
    SealedSecret,
)
from freddy_admin.vault.secret_format import secret_hints

_KEY_PURPOSE: Final = b"freddy-admin/vault/api-key\x00"
_IMPORT_PURPOSE: Final = b"freddy-admin/vault/import-row\x00"
_CHANNEL_PURPOSE: Final = b"freddy-admin/vault/channel-secret\x00"
_FINGERPRINT_LABEL: Final = b"freddy-admin/fingerprint/1"
_CANARY_PURPOSE: Final = b"freddy-admin/vault/canary\x00"
CANARY_TEXT: Final = b"this canary sings when the master key fits"


def api_key_context(
    organisation_id: int, key_id: int, version: int, environment: str = DEFAULT_ENVIRONMENT
) -> bytes:
    """Binds a secret to one version of one key of one organisation, and to its environment.

    Fixed-width numbers after a label, then the environment: no two rows share a context. With any
    other context than the one it was sealed with, a secret does not open: one of staging can not
    be sent to production, whatever a row says.
    """
    numbers = struct.pack(">QQQ", organisation_id, key_id, version)
    return _KEY_PURPOSE + numbers + _environment_context(environment)


def import_row_context(row: ImportDraftRow) -> bytes:
    """Binds a secret to one row of an import draft, for there is no key with an id yet.

    Fixed-width parts, then the environment; an organisation without an id yet is bound by the hash
    of its name.
    """
    numbers = struct.pack(">QQ", row.number, row.organisation_id or 0)
    name_digest = hashlib.sha256(row.organisation_name.encode()).digest()
    environment = _environment_context(row.environment)
    return _IMPORT_PURPOSE + row.draft_id.bytes + numbers + name_digest + environment


def channel_secret_context(secret: ChannelSecret) -> bytes:
    """Binds a secret to its purpose, its owner, one channel and one version.

    Fixed-width parts; the owner is the organisation's id, 0 for the whole panel.
    """
    numbers = struct.pack(
        ">16sQQQ",
        secret.purpose.encode("ascii"),
        secret.organisation_id or 0,
        secret.channel_id,
        secret.version,
    )
    return _CHANNEL_PURPOSE + numbers


def _environment_context(environment: str) -> bytes:
    # Nothing for the one of keys that were sealed before there were others.
    return b"" if environment == DEFAULT_ENVIRONMENT else environment.encode()


def canary_context(master_key_id: str) -> bytes:
    """The context of the canary of one master key."""
    return _CANARY_PURPOSE + bytes.fromhex(master_key_id)


@sensitive_variables()
def secret_fingerprint(secret: str) -> str:
    """64 hexadecimal digits, the same for the same secret as long as SECRET_KEY stays.

    Finds the same secret again; without SECRET_KEY it reveals nothing.
    """
    purpose_key = hmac.digest(settings.SECRET_KEY.encode(), _FINGERPRINT_LABEL, hashlib.sha256)
    return hmac.digest(purpose_key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


@sensitive_variables()
def sealed_secret_set(
    target: SealedSecret, secret: str, *, context: bytes, ring: Keyring | None = None
) -> None:
    """Fill the sealed fields of `target`, unsaved, with a cleaned secret."""
    ring = ring or keyring()
    target.ciphertext = ring.seal(secret.encode(), context=context)
    target.master_key_id = ring.sealing_id
    target.hint_start, target.hint_end = secret_hints(secret)
    target.fingerprint = secret_fingerprint(secret)


def sealed_secret_wipe(target: SealedSecret) -> None:
    """Remove the sealed bytes from the row, unsaved; the hints stay, to name the secret."""
    target.ciphertext, target.master_key_id, target.fingerprint = None, "", ""


def sealed_secret_copy(source: SealedSecret, target: SealedSecret) -> None:
    """Copy sealed bytes, hints and environment to the row they were sealed for, unsaved.

    Opens nothing.
    """
    for name in SEALED_SECRET_FIELDS:
        setattr(target, name, getattr(source, name))


SEALED_SECRET_FIELDS: Final = (
    "ciphertext",
    "master_key_id",
    "hint_start",
    "hint_end",
    "fingerprint",
    "environment",
)


def canary_ensure(ring: Keyring | None = None) -> None:
    """Create the canary of the sealing master key unless it exists; lock it otherwise.

    Raises Conflict where the ring opens nothing of what is stored: the wrong master key would
    seal keys that the right one cannot open. A process that only seals cannot know, and a new
    public key comes first when a master key is replaced, so it is allowed. Its candidates stay
    beside the keys in use until a worker has opened and tested them, so that a wrong public key
    costs one paste, and the worker reports it as the platform's fault.

    The canary is locked until the present transaction ends: a rotation waits for what is sealed
    with its master key before it counts, and never deletes the canary meanwhile.
    """
    ring = ring or keyring()
    master_key_id = ring.sealing_id
    if _canary_lock_if_present(master_key_id):
        return
    known_ids = set(MasterKeyCanary.objects.values_list("master_key_id", flat=True))
    needed_ids = _master_key_ids_in_use(known_ids) if known_ids and ring.has_private_keys else set()
    if needed_ids and not needed_ids & ring.known_ids:
        raise Conflict(
            _(
                "The master key does not fit this database, so nothing was saved. Put the former "
                "key (fingerprint %(ids)s) back into ENCRYPTION_KEYS."
            )
            % {"ids": ", ".join(sorted(needed_ids))}
        )
    ciphertext = ring.seal(CANARY_TEXT, context=canary_context(master_key_id))
    canary = MasterKeyCanary(
        master_key_id=master_key_id, ciphertext=ciphertext, created_at=clock.now()
    )
    # Another process may be creating the same one: either will do.
    MasterKeyCanary.objects.bulk_create([canary], ignore_conflicts=True)


def _canary_lock_if_present(master_key_id: str) -> bool:
    with transaction.atomic(savepoint=False):
        canaries = MasterKeyCanary.objects.select_for_update(no_key=True)
        return canaries.filter(master_key_id=master_key_id).first() is not None


def _master_key_ids_in_use(master_key_ids: set[str]) -> set[str]:
    used_ids: set[str] = set()
    for model in (ApiKey, KeyCandidate, ImportDraftRow, ChannelSecret):
        rows = model.objects.filter(master_key_id__in=master_key_ids).exclude(ciphertext=None)
        used_ids.update(rows.order_by().values_list("master_key_id", flat=True).distinct())
    return used_ids
