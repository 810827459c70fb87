"""Whether this process's ring of master keys fits the database: one state, never one per key.

A canary per master key, a known text sealed when that key first sealed anything, tells a master
key that does not fit from one damaged row. Every process that opens keys tests them at its start;
the result is stored beside the canary, for web processes, which open nothing, to show it.
`master_key_state` reads the canaries and caches them, so that a thread can call `canary_ok` without
a query.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from freddy_admin.core import clock
from freddy_admin.crypto.errors import CryptoError
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.models import (
    ApiKey,
    CanaryResult,
    ChannelSecret,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
)
from freddy_admin.vault.sealing import CANARY_TEXT, canary_context

# Every table with sealed secrets.
SEALED_MODELS: Final = (ApiKey, KeyCandidate, ImportDraftRow, ChannelSecret)
STATE_CACHE_DURATION: Final = timedelta(seconds=30)


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


class MasterKeyFit(models.TextChoices):
    """How the ring fits the database."""

    OK = "ok", gettext_lazy("fits")
    EMPTY = "empty", gettext_lazy("nothing is sealed yet")
    MISSING = "missing", gettext_lazy("a master key in use is missing")
    CANARY_FAILED = "canary_failed", gettext_lazy("a master key does not fit")
    NO_PRIVATE_KEY = "no_private_key", gettext_lazy("seals only")


@dataclass(frozen=True, slots=True)
class MasterKeyUsage:
    """How many sealed rows one master key has, and whether this process can open them."""

    master_key_id: str
    keys: int
    candidates: int
    canary: bool
    is_in_keyring: bool
    is_sealing_key: bool
    import_rows: int = 0
    channel_secrets: int = 0
    canary_test: CanaryTestResult = CANARY_NOT_TESTED

    @property
    def rows(self) -> int:
        """Secrets that need this master key; at 0 it can be taken out of the ring."""
        return self.keys + self.candidates + self.import_rows + self.channel_secrets


@dataclass(frozen=True, slots=True)
class MasterKeyState:
    """How the ring fits, and the ids of the master keys concerned (fingerprints, no secrets)."""

    fit: MasterKeyFit
    master_key_ids: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether keys cannot be opened that this process should be able to open."""
        return self.fit in {MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED}

    @property
    def sentence(self) -> str:
        """The state as a sentence for administrators."""
        placeholders = {"ids": ", ".join(self.master_key_ids)}
        match self.fit:
            case MasterKeyFit.OK:
                return _("The master key fits the database.")
            case MasterKeyFit.EMPTY:
                return _("No key is stored yet.")
            case MasterKeyFit.NO_PRIVATE_KEY:
                return _("This process can store keys but not open them, as it should be.")
            case MasterKeyFit.MISSING:
                return (
                    _(
                        "The master key does not fit this database (fingerprint %(ids)s is "
                        "missing). Put the former key back into ENCRYPTION_KEYS. No stored key is "
                        "lost."
                    )
                    % placeholders
                )
            case MasterKeyFit.CANARY_FAILED:
                return (
                    _(
                        "The master key does not fit this database (fingerprint %(ids)s fails its "
                        "test). Restore ENCRYPTION_KEYS, or the database, from the same backup."
                    )
                    % placeholders
                )


@dataclass(slots=True)
class _CachedState:
    state: MasterKeyState
    ring: Keyring
    read_at: datetime
    failed_canary_ids: frozenset[str]
    canaries: frozenset[str]


_cached_state: _CachedState | None = None


def master_key_state(*, fresh: bool = False) -> MasterKeyState:
    """How this process's ring fits the database; five queries at most every 30 seconds.

    Call it before opening secrets: it also loads the canaries that `canary_ok` needs.
    """
    global _cached_state
    ring, now, cached = keyring(), clock.now(), _cached_state
    if (
        cached
        and not fresh
        and cached.ring is ring
        and abs(now - cached.read_at) < STATE_CACHE_DURATION
    ):
        return cached.state
    canaries = list(MasterKeyCanary.objects.all())
    failed_canary_ids = frozenset(
        canary.master_key_id
        for canary in canaries
        if canary.master_key_id in ring.known_ids and not canary_opens(ring, canary)
    )
    state = _master_key_state_compute(ring, canaries, failed_canary_ids)
    ids = frozenset(canary.master_key_id for canary in canaries)
    _cached_state = _CachedState(
        state=state, ring=ring, read_at=now, failed_canary_ids=failed_canary_ids, canaries=ids
    )
    return state


def master_key_state_reset() -> None:
    """Drop the cached state, for tests and after a rotation."""
    global _cached_state
    _cached_state = None


def canary_ok(master_key_id: str) -> bool:
    """False if the canary of this master key failed when the state was last read; no query."""
    return _cached_state is None or master_key_id not in _cached_state.failed_canary_ids


def master_key_is_missing(master_key_id: str) -> bool:
    """Whether this master key sealed rows here but is not in the ring; no query.

    Judged by the cached canaries: an id without a canary is a damaged one, not a missing key.
    """
    if not master_key_id or master_key_id in keyring().known_ids:
        return False
    return _cached_state is None or master_key_id in _cached_state.canaries


def master_key_usage() -> list[MasterKeyUsage]:
    """One entry per master key that is in use or in the ring; five queries."""
    ring = keyring()
    counts = [_row_counts_by_master_key(model) for model in SEALED_MODELS]
    keys, candidates, import_rows, channel_secrets = counts
    canaries = {canary.master_key_id: canary for canary in MasterKeyCanary.objects.all()}
    used_ids = set[str]().union(*counts)
    ids = used_ids | set(canaries) | ring.known_ids | {ring.sealing_id}
    return [
        MasterKeyUsage(
            master_key_id=master_key_id,
            keys=keys[master_key_id],
            candidates=candidates[master_key_id],
            canary=master_key_id in canaries,
            is_in_keyring=master_key_id in ring.known_ids,
            is_sealing_key=master_key_id == ring.sealing_id,
            import_rows=import_rows[master_key_id],
            channel_secrets=channel_secrets[master_key_id],
            canary_test=canary_test_result(canaries.get(master_key_id)),
        )
        for master_key_id in sorted(
            ids, key=lambda master_key_id: (master_key_id != ring.sealing_id, master_key_id)
        )
    ]


def _master_key_state_compute(
    ring: Keyring, canaries: list[MasterKeyCanary], failed_canary_ids: frozenset[str]
) -> MasterKeyState:
    used_ids = {
        master_key_id
        for model in SEALED_MODELS
        for master_key_id in _row_counts_by_master_key(model)
    }
    # An id without a canary never sealed anything here: that is a damaged row, not a missing key.
    missing_ids = used_ids & {canary.master_key_id for canary in canaries} - ring.known_ids
    failed_ids = used_ids & failed_canary_ids
    if not ring.has_private_keys:
        return _master_key_state_from_canaries(used_ids, canaries)
    if missing_ids:
        return MasterKeyState(MasterKeyFit.MISSING, tuple(sorted(missing_ids)))
    if failed_ids:
        return MasterKeyState(MasterKeyFit.CANARY_FAILED, tuple(sorted(failed_ids)))
    return MasterKeyState(MasterKeyFit.OK if used_ids else MasterKeyFit.EMPTY)


def _master_key_state_from_canaries(
    used_ids: set[str], canaries: list[MasterKeyCanary]
) -> MasterKeyState:
    """The state in a process that opens nothing, from the results that others stored."""
    results = {canary.master_key_id: canary.result for canary in canaries}
    for result, fit in (
        (CanaryResult.MISSING, MasterKeyFit.MISSING),
        (CanaryResult.FAILED, MasterKeyFit.CANARY_FAILED),
    ):
        ids = sorted(
            master_key_id for master_key_id in used_ids if results.get(master_key_id) == result
        )
        if ids:
            return MasterKeyState(fit, tuple(ids))
    return MasterKeyState(MasterKeyFit.NO_PRIVATE_KEY)


def _row_counts_by_master_key(
    model: type[ApiKey] | type[KeyCandidate] | type[ImportDraftRow] | type[ChannelSecret],
) -> Counter[str]:
    rows = model.objects.exclude(ciphertext=None).order_by()
    pairs = rows.values_list("master_key_id").annotate(count=Count("pk"))
    return Counter({str(master_key_id): int(count) for master_key_id, count in pairs})
