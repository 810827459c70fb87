"""The only place where a secret is opened, and only for a call that `sync` is about to make.

Needs no database and may be used from threads. `master_keys.master_key_state()`, called before a
round, brings the canaries that tell a misfit of the master key from one damaged row.
"""

from django.views.decorators.debug import sensitive_variables

from freddy_admin.crypto.errors import CannotOpen, MasterKeyMissing
from freddy_admin.crypto.keyring import header_master_key_id, keyring
from freddy_admin.vault.master_keys import canary_sings, master_key_is_missing
from freddy_admin.vault.sealing import ImportPlace, Place, Row


class KeyUnreadable(Exception):
    """This one row is damaged or wiped: somebody has to paste the key again."""

    def __init__(self, key_id: int) -> None:
        super().__init__(f"the stored key {key_id} cannot be opened")
        self.key_id = key_id


class MasterKeyMisfit(Exception):
    """The ring does not fit the database: a fault of the platform, and no key's own."""

    def __init__(self, master_key_id: str) -> None:
        super().__init__(f"the ring does not open what master key {master_key_id} sealed")
        self.master_key_id = master_key_id


@sensitive_variables()
def secret_open(
    *,
    key_id: int,
    organisation_id: int,
    version: int,
    ciphertext: bytes | memoryview | None,
    master_key_id: str,
) -> str:
    """The secret of one key (or of its candidate, with the candidate's version).

    Raises MasterKeyMisfit, so that nobody is told to paste a key, if this process has no private
    key, if a master key that the row names is not in the ring, or if its canary failed. Raises
    KeyUnreadable for one damaged row: no bytes, a master key nobody ever had, a header that names
    another one than the column, bytes that do not open although the canary does.
    """
    row = Row(organisation_id=organisation_id, key_id=key_id, version=version)
    secret = _opened(bytes(ciphertext or b""), row=row, master_key_id=master_key_id)
    # Raised here and not where it was noticed: no context of ours may hold an opened text.
    if secret is None:
        raise KeyUnreadable(key_id)
    return secret


@sensitive_variables()
def import_secret_open(
    *, row_id: int, place: ImportPlace, ciphertext: bytes | memoryview | None, master_key_id: str
) -> str:
    """The secret of one row of an import, in its place; raises as `secret_open` does."""
    secret = _opened(bytes(ciphertext or b""), row=place, master_key_id=master_key_id)
    if secret is None:
        raise KeyUnreadable(row_id)
    return secret


@sensitive_variables()
def _opened(sealed: bytes, *, row: Place, master_key_id: str) -> str | None:
    ring, header = keyring(), _header_id(sealed)
    if not ring.can_open or any(master_key_is_missing(one) for one in (master_key_id, header)):
        raise MasterKeyMisfit(master_key_id)
    try:
        if header == master_key_id:
            return ring.open(sealed, context=row.context).decode("ascii")
    except MasterKeyMissing:
        # Header and column agree: no damage does that, but a key that came a moment ago.
        raise MasterKeyMisfit(master_key_id) from None
    except UnicodeDecodeError:
        return None
    except CannotOpen:
        pass
    if not canary_sings(master_key_id):
        raise MasterKeyMisfit(master_key_id)
    return None


def _header_id(sealed: bytes) -> str:
    try:
        return header_master_key_id(sealed)
    except CannotOpen:
        return ""
