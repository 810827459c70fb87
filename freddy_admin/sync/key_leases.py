"""A lease on one key for one call: the sealed bytes, opened for that call alone."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from freddy_admin.core.leases import Lease, lease_values
from freddy_admin.vault.models import ApiKey, KeyCandidate
from freddy_admin.vault.opening import secret_open


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLease(Lease):
    """A lease on a row of a key, with what opening the key needs; never holds the secret."""

    key_id: int
    organisation_id: int
    key_version: int
    environment: str
    master_key_id: str = field(repr=False)
    ciphertext: bytes | None = field(repr=False)


def key_lease_open_secret(lease: KeyLease) -> str:
    """The secret, to be handed straight to the client.

    Never give it a name: a traceback that prints locals would print it. Raises KeyUnreadable and
    MasterKeyMisfit, as the vault does.
    """
    return secret_open(
        key_id=lease.key_id,
        organisation_id=lease.organisation_id,
        version=lease.key_version,
        ciphertext=lease.ciphertext,
        master_key_id=lease.master_key_id,
        environment=lease.environment,
    )


# What `key_lease_values` reads of a key.
KEY_LEASE_COLUMNS: Final = (
    "organisation_id",
    "version",
    "environment",
    "master_key_id",
    "ciphertext",
)


def key_columns_read(key_ids: Collection[int], columns: Collection[str]) -> dict[int, Any]:
    """Rows that have these columns of the keys as attributes, and `pk`, by the keys' ids.

    To make a model instance of each would take longer than the statement.
    """
    rows = ApiKey.objects.filter(pk__in=key_ids).values_list("pk", *columns, named=True)
    return {row.pk: row for row in rows}


def key_lease_values(
    lease: Lease, key: ApiKey, *, sealed: ApiKey | KeyCandidate | None = None
) -> dict[str, Any]:
    """The fields of a `KeyLease` under `lease`; `sealed` holds the secret, the key if not given."""
    sealed = sealed or key
    return lease_values(lease) | {
        "key_id": key.pk,
        "organisation_id": key.organisation_id,
        "key_version": sealed.version,
        "environment": sealed.environment,
        "master_key_id": sealed.master_key_id,
        "ciphertext": bytes(sealed.ciphertext) if sealed.ciphertext is not None else None,
    }
