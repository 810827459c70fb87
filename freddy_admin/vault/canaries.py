"""A known text per master key, tried by every process that opens keys when it begins.

What is found is written beside the canary: a web process, which opens nothing, tells it to people.
"""

from dataclasses import dataclass
from datetime import datetime

from freddy_admin.core import clock
from freddy_admin.crypto.errors import CryptoError
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.models import CanaryVerdict, MasterKeyCanary
from freddy_admin.vault.sealing import CANARY_TEXT, canary_context


@dataclass(frozen=True, slots=True)
class CanaryTrial:
    """What the last process that tried found; `verdict` is None before the first one did."""

    verdict: CanaryVerdict | None = None
    at: datetime | None = None
    by: str = ""


NOT_TRIED = CanaryTrial()


def canaries_try(*, by: str, untried: bool = False) -> None:
    """Try every canary (or those that nobody tried yet) and write down how it went.

    Does nothing in a process that opens no keys: it could say nothing about any.
    """
    ring = keyring()
    if not ring.can_open:
        return
    canaries = MasterKeyCanary.objects.all()
    for canary in canaries.filter(tried_at=None) if untried else canaries:
        MasterKeyCanary.objects.filter(pk=canary.pk).update(
            verdict=_verdict(ring, canary), tried_at=clock.now(), tried_by=by[:120]
        )


def canary_sings_in(ring: Keyring, canary: MasterKeyCanary) -> bool:
    """Whether the ring opens it and finds the text that was sealed."""
    context = canary_context(canary.master_key_id)
    try:
        return ring.open(bytes(canary.ciphertext), context=context) == CANARY_TEXT
    except CryptoError:
        return False


def trial_of(canary: MasterKeyCanary | None) -> CanaryTrial:
    """The same, for reading."""
    if canary is None or not canary.verdict:
        return NOT_TRIED
    return CanaryTrial(CanaryVerdict(canary.verdict), canary.tried_at, canary.tried_by)


def _verdict(ring: Keyring, canary: MasterKeyCanary) -> CanaryVerdict:
    if canary.master_key_id not in ring.known_ids:
        return CanaryVerdict.MISSING
    return CanaryVerdict.SINGS if canary_sings_in(ring, canary) else CanaryVerdict.MUTE
