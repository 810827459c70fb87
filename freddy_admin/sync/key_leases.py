"""A lease on one key for one call: the sealed bytes, opened for that call alone.

How long a lease still lasts is read immediately before something is sent. A process may be stopped
at any moment, or its machine put to sleep: whoever wakes up after the end of a lease must not send
what another worker, or a person, has taken up since.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import seconds_since_boot
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.opening import secret_open


@dataclass(frozen=True, slots=True)
class LeaseDeadline:
    """The end of one lease by two clocks: the wall's, and the one that counts since the boot."""

    ends_at: datetime
    boot_end: float  # seconds of the boot clock

    @classmethod
    def at(cls, ends_at: datetime) -> "LeaseDeadline":
        """The deadline of a lease that was just written into its row."""
        seconds_left = (ends_at - clock.now()) / clock.real_seconds_to_panel_duration(1)
        return cls(ends_at, seconds_since_boot() + seconds_left)

    def covers(self, seconds: float) -> bool:
        """Whether the lease lasts for a call of so many real seconds that begins now."""
        is_covered_since_boot = seconds_since_boot() + seconds <= self.boot_end
        return (
            is_covered_since_boot
            and clock.now() + clock.real_seconds_to_panel_duration(seconds) <= self.ends_at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLease:
    """A lease on a key, with what opening it needs; never holds the secret."""

    key_id: int
    organisation_id: int
    key_version: int
    token: str  # of the lease
    deadline: LeaseDeadline
    master_key_id: str = field(repr=False)
    ciphertext: bytes | None = field(repr=False)

    @property
    def connection(self) -> str:
        """The name of the pool whose connections this key version may use."""
        return f"{self.key_id}.{self.key_version}"


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
    )


# What `key_lease_values` reads of a key.
KEY_LEASE_COLUMNS: Final = ("organisation", "version", "master_key_id", "ciphertext")


def key_lease_values(key: ApiKey, *, token: str, ends_at: datetime) -> dict[str, Any]:
    """The fields of a `KeyLease` on the stored `key`; the lease ends at `ends_at`."""
    return {
        "key_id": key.pk,
        "organisation_id": key.organisation_id,
        "key_version": key.version,
        "token": token,
        "deadline": LeaseDeadline.at(ends_at),
        "master_key_id": key.master_key_id,
        "ciphertext": bytes(key.ciphertext) if key.ciphertext is not None else None,
    }
