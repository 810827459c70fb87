"""A known text per master key, tested at the start of every process that opens keys.

The result is stored beside the canary, for web processes, which open nothing, to show it.
"""

from dataclasses import dataclass
from datetime import datetime

from freddy_admin.core import clock
from freddy_admin.crypto.errors import CryptoError
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.models import CanaryResult, MasterKeyCanary
from freddy_admin.vault.sealing import CANARY_TEXT, canary_context


@dataclass(frozen=True, slots=True)
class CanaryTestResult:
    """The latest test of a canary; `result` is None before the first one."""

    result: CanaryResult | None = None
    tested_at: datetime | None = None
    tested_by: str = ""


CANARY_NOT_TESTED = CanaryTestResult()


def canaries_test(*, tested_by: str, untested_only: bool = False) -> None:
    """Test every canary (or only those not tested yet) and store the results.

    Does nothing in a process that opens no keys.
    """
    ring = keyring()
    if not ring.has_private_keys:
        return
    canaries = MasterKeyCanary.objects.all()
    for canary in canaries.filter(tested_at=None) if untested_only else canaries:
        MasterKeyCanary.objects.filter(pk=canary.pk).update(
            result=_canary_result(ring, canary), tested_at=clock.now(), tested_by=tested_by[:120]
        )


def canary_opens(ring: Keyring, canary: MasterKeyCanary) -> bool:
    """Whether the ring opens the canary and its text is the one that was sealed."""
    context = canary_context(canary.master_key_id)
    try:
        return ring.open(bytes(canary.ciphertext), context=context) == CANARY_TEXT
    except CryptoError:
        return False


def canary_test_result(canary: MasterKeyCanary | None) -> CanaryTestResult:
    """The stored result of a canary's latest test, `CANARY_NOT_TESTED` without one."""
    if canary is None or not canary.result:
        return CANARY_NOT_TESTED
    return CanaryTestResult(CanaryResult(canary.result), canary.tested_at, canary.tested_by)


def _canary_result(ring: Keyring, canary: MasterKeyCanary) -> CanaryResult:
    if canary.master_key_id not in ring.known_ids:
        return CanaryResult.MISSING
    return CanaryResult.OK if canary_opens(ring, canary) else CanaryResult.FAILED
