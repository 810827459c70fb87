"""Does the ring of this process fit the database? One platform answer, never one per key.

A canary per master key, a known text sealed when that key first sealed anything, tells a master
key that does not fit from one damaged row. Canaries are read from the database by
`master_key_state` and kept in memory, so that a thread can ask `canary_sings` without a query.
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
from freddy_admin.crypto.keyring import Keyring, keyring
from freddy_admin.vault.canaries import NOT_TRIED, CanaryTrial, canary_sings_in, trial_of
from freddy_admin.vault.models import (
    ApiKey,
    CanaryVerdict,
    ImportDraftRow,
    KeyCandidate,
    MasterKeyCanary,
)

# Every table with sealed secrets: keys, new ones that wait for their test, pasted imports.
SEALED: Final = (ApiKey, KeyCandidate, ImportDraftRow)
KEPT_FOR: Final = timedelta(seconds=30)


class MasterKeyFit(models.TextChoices):
    """How the ring fits the database."""

    OK = "ok", gettext_lazy("fits")
    EMPTY = "empty", gettext_lazy("nothing is sealed yet")
    MISSING = "missing", gettext_lazy("a master key in use is missing")
    CANARY_FAILED = "canary_failed", gettext_lazy("a master key does not fit")
    NO_PRIVATE_KEY = "no_private_key", gettext_lazy("seals only")


@dataclass(frozen=True, slots=True)
class MasterKeyUse:
    """How many sealed rows one master key has, and whether this process can open them."""

    master_key_id: str
    keys: int
    candidates: int
    canary: bool
    in_ring: bool
    seals: bool
    drafts: int = 0
    trial: CanaryTrial = NOT_TRIED

    @property
    def rows(self) -> int:
        """Secrets that need this master key; at 0 it can be taken out of the ring."""
        return self.keys + self.candidates + self.drafts


@dataclass(frozen=True, slots=True)
class MasterKeyState:
    """The answer: `fit`, and the master key ids it is about (public names, no secrets)."""

    fit: MasterKeyFit
    master_key_ids: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether keys stay shut that this process should be able to open."""
        return self.fit in {MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED}

    @property
    def sentence(self) -> str:
        """What to tell an administrator."""
        named = {"ids": ", ".join(self.master_key_ids)}
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
                    % named
                )
            case MasterKeyFit.CANARY_FAILED:
                return (
                    _(
                        "The master key does not fit this database (fingerprint %(ids)s fails its "
                        "test). Restore ENCRYPTION_KEYS, or the database, from the same backup."
                    )
                    % named
                )


@dataclass(slots=True)
class _Kept:
    state: MasterKeyState
    ring: Keyring
    at: datetime
    mute: frozenset[str]
    canaries: frozenset[str]


_kept: _Kept | None = None


def master_key_state(*, fresh: bool = False) -> MasterKeyState:
    """How this process's ring fits the database; four queries at most every 30 seconds.

    Call it before a round of openings: it also brings the canaries that `canary_sings` needs.
    """
    global _kept
    ring, now, kept = keyring(), clock.now(), _kept
    if kept and not fresh and kept.ring is ring and abs(now - kept.at) < KEPT_FOR:
        return kept.state
    canaries = list(MasterKeyCanary.objects.all())
    mute = frozenset(
        canary.master_key_id
        for canary in canaries
        if canary.master_key_id in ring.known_ids and not canary_sings_in(ring, canary)
    )
    state = _state_of(ring, canaries, mute)
    ids = frozenset(canary.master_key_id for canary in canaries)
    _kept = _Kept(state=state, ring=ring, at=now, mute=mute, canaries=ids)
    return state


def master_key_state_reset() -> None:
    """Forget what was read, for tests and after a rotation."""
    global _kept
    _kept = None


def canary_sings(master_key_id: str) -> bool:
    """False if the canary of this master key failed when it was last looked at; no query."""
    return _kept is None or master_key_id not in _kept.mute


def master_key_is_missing(master_key_id: str) -> bool:
    """Whether it sealed things here, as far as was looked, and is not in the ring; no query.

    An id that never sealed anything here was damaged, not taken out of the ring.
    """
    if not master_key_id or master_key_id in keyring().known_ids:
        return False
    return _kept is None or master_key_id in _kept.canaries


def master_key_usage() -> list[MasterKeyUse]:
    """One entry per master key that is in use or in the ring; four queries."""
    ring = keyring()
    keys, candidates, drafts = (_counts(model) for model in SEALED)
    canaries = {canary.master_key_id: canary for canary in MasterKeyCanary.objects.all()}
    used = set(keys) | set(candidates) | set(drafts)
    ids = used | set(canaries) | ring.known_ids | {ring.sealing_id}
    return [
        MasterKeyUse(
            master_key_id=master_key_id,
            keys=keys[master_key_id],
            candidates=candidates[master_key_id],
            canary=master_key_id in canaries,
            in_ring=master_key_id in ring.known_ids,
            seals=master_key_id == ring.sealing_id,
            drafts=drafts[master_key_id],
            trial=trial_of(canaries.get(master_key_id)),
        )
        for master_key_id in sorted(ids, key=lambda one: (one != ring.sealing_id, one))
    ]


def _state_of(
    ring: Keyring, canaries: list[MasterKeyCanary], mute: frozenset[str]
) -> MasterKeyState:
    used = {master_key_id for model in SEALED for master_key_id in _counts(model)}
    # An id without a canary never sealed anything here: that is a damaged row, not a missing key.
    missing = used & {canary.master_key_id for canary in canaries} - ring.known_ids
    failed = used & mute
    if not ring.can_open:
        return _state_told(used, canaries)
    if missing:
        return MasterKeyState(MasterKeyFit.MISSING, tuple(sorted(missing)))
    if failed:
        return MasterKeyState(MasterKeyFit.CANARY_FAILED, tuple(sorted(failed)))
    return MasterKeyState(MasterKeyFit.OK if used else MasterKeyFit.EMPTY)


def _state_told(used: set[str], canaries: list[MasterKeyCanary]) -> MasterKeyState:
    """What a process that opens nothing knows from those that do."""
    told = {canary.master_key_id: canary.verdict for canary in canaries}
    for verdict, fit in (
        (CanaryVerdict.MISSING, MasterKeyFit.MISSING),
        (CanaryVerdict.MUTE, MasterKeyFit.CANARY_FAILED),
    ):
        ids = sorted(one for one in used if told.get(one) == verdict)
        if ids:
            return MasterKeyState(fit, tuple(ids))
    return MasterKeyState(MasterKeyFit.NO_PRIVATE_KEY)


def _counts(model: type[ApiKey] | type[KeyCandidate] | type[ImportDraftRow]) -> Counter[str]:
    rows = model.objects.exclude(ciphertext=None).order_by()
    pairs = rows.values_list("master_key_id").annotate(count=Count("pk"))
    return Counter({str(master_key_id): int(count) for master_key_id, count in pairs})
