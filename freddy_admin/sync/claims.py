"""One key whose call is ours to make: the sealed bytes, opened for the call alone."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from freddy_admin.sync.lease_age import LeaseAge
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.opening import secret_open


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedClaim:
    """A lease on a key, with what opening it needs; never holds the secret."""

    key_id: int
    organisation_id: int
    key_version: int
    token: str  # of the lease
    age: LeaseAge
    master_key_id: str = field(repr=False)
    ciphertext: bytes | None = field(repr=False)

    @property
    def connection(self) -> str:
        """The name of the pool whose connections this key version may use."""
        return f"{self.key_id}.{self.key_version}"


def claim_secret(claim: SealedClaim) -> str:
    """The secret, to be handed straight to the client.

    Never give it a name: a traceback that prints locals would print it. Raises KeyUnreadable and
    MasterKeyMisfit, as the vault does.
    """
    return secret_open(
        key_id=claim.key_id,
        organisation_id=claim.organisation_id,
        version=claim.key_version,
        ciphertext=claim.ciphertext,
        master_key_id=claim.master_key_id,
    )


# What `sealed_values` reads of a key.
SEALED_IN: Final = ("organisation", "version", "master_key_id", "ciphertext")


def sealed_values(key: ApiKey, *, token: str, ends_at: datetime) -> dict[str, Any]:
    """What a claim takes from the key as it is stored; its lease ends at `ends_at`."""
    return {
        "key_id": key.pk,
        "organisation_id": key.organisation_id,
        "key_version": key.version,
        "token": token,
        "age": LeaseAge.until(ends_at),
        "master_key_id": key.master_key_id,
        "ciphertext": bytes(key.ciphertext) if key.ciphertext is not None else None,
    }
