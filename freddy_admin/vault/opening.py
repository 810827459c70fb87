"""The only place where a secret is opened, for what `sync` or `alerts` is about to send.

Needs no database and may be used from threads. Call `master_key_state.master_key_state` first: it
loads the canaries that tell a misfit of the master key from one damaged row.
"""

from django.views.decorators.debug import sensitive_variables

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.crypto.errors import DecryptionFailed, MasterKeyMissing
from freddy_admin.crypto.keyring import keyring, master_key_id_of_sealed
from freddy_admin.vault.master_key_state import canary_ok, master_key_is_missing
from freddy_admin.vault.models import ChannelSecret
from freddy_admin.vault.sealing import api_key_context, channel_secret_context


class KeyUnreadable(Exception):
    """One row is damaged or wiped: its key has to be pasted again."""

    def __init__(self, key_id: int) -> None:
        super().__init__(f"the stored key {key_id} cannot be opened")
        self.key_id = key_id


class ChannelSecretUnreadable(Exception):
    """One row is damaged: the channel's address has to be entered, or its secret rotated."""

    def __init__(self, channel_id: int, purpose: str) -> None:
        super().__init__(f"the {purpose} of channel {channel_id} cannot be opened")
        self.channel_id, self.purpose = channel_id, purpose


class MasterKeyMisfit(Exception):
    """The ring does not fit the database: a fault of the platform, not of one key."""

    def __init__(self, master_key_id: str) -> None:
        super().__init__(f"the ring does not open what master key {master_key_id} sealed")
        self.master_key_id = master_key_id


@sensitive_variables()
def secret_open(  # noqa: PLR0913  all that the seal is bound to, by name
    *,
    key_id: int,
    organisation_id: int,
    version: int,
    ciphertext: bytes | memoryview | None,
    master_key_id: str,
    environment: str = DEFAULT_ENVIRONMENT,
) -> str:
    """The secret of one key (or of its candidate, with the candidate's version).

    Raises MasterKeyMisfit, which asks nobody to paste a key, if this process has no private key,
    if a master key that the row names is not in the ring, or if its canary failed. Raises
    KeyUnreadable for one damaged row: no bytes, an unknown master key, a header that names another
    one than the column, another environment than it was sealed for, bytes that do not open
    although the canary does.
    """
    context = api_key_context(organisation_id, key_id, version, environment)
    secret = _sealed_bytes_open(
        bytes(ciphertext or b""), context=context, master_key_id=master_key_id
    )
    # Raised here: the exception's context must hold no frame with an opened secret.
    if secret is None:
        raise KeyUnreadable(key_id)
    return secret


@sensitive_variables()
def import_secret_open(
    *,
    row_id: int,
    context: bytes,
    ciphertext: bytes | memoryview | None,
    master_key_id: str,
) -> str:
    """The secret of one import row, which was sealed with this `context`.

    Raises MasterKeyMisfit and, with `row_id`, KeyUnreadable.
    """
    secret = _sealed_bytes_open(
        bytes(ciphertext or b""), context=context, master_key_id=master_key_id
    )
    if secret is None:
        raise KeyUnreadable(row_id)
    return secret


@sensitive_variables()
def channel_secret_open(row: ChannelSecret) -> str:
    """The secret of a channel. Raises MasterKeyMisfit and ChannelSecretUnreadable."""
    secret = _sealed_bytes_open(
        bytes(row.ciphertext or b""),
        context=channel_secret_context(row),
        master_key_id=row.master_key_id,
    )
    if secret is None:
        raise ChannelSecretUnreadable(row.channel_id, row.purpose)
    return secret


@sensitive_variables()
def _sealed_bytes_open(ciphertext: bytes, *, context: bytes, master_key_id: str) -> str | None:
    ring, header_id = keyring(), _header_master_key_id(ciphertext)
    if not ring.has_private_keys or any(
        master_key_is_missing(sealing_id) for sealing_id in (master_key_id, header_id)
    ):
        raise MasterKeyMisfit(master_key_id)
    try:
        if header_id == master_key_id:
            return ring.open(ciphertext, context=context).decode("ascii")
    except MasterKeyMissing:
        # Header and column agree, so the row is intact: its master key is newer than the cache.
        raise MasterKeyMisfit(master_key_id) from None
    except UnicodeDecodeError:
        return None
    except DecryptionFailed:
        pass
    if not canary_ok(master_key_id):
        raise MasterKeyMisfit(master_key_id)
    return None


def _header_master_key_id(ciphertext: bytes) -> str:
    try:
        return master_key_id_of_sealed(ciphertext)
    except DecryptionFailed:
        return ""
