"""New secrets that nobody decided about: wiped after a while, for none is kept for ever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from freddy_admin.audit.services import WORKER
from freddy_admin.audit.tags import Tag
from freddy_admin.core.clock_guard import deletion_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.sqlite_wal import wal_empty_after_commit
from freddy_admin.vault.locks import candidate_lock
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyStatus
from freddy_admin.vault.trail import key_record
from freddy_admin.vault.trying import DECIDE_WITHIN, decision_ends_at

_AT_ONCE = 100


def candidates_expire(*, tell: Callable[[ApiKey, bool], None]) -> int:
    """Throw away what was tested and has waited for a decision too long; how many.

    One that waits for its test is not touched, however long no worker ran, and none while the
    clocks disagree. `tell` is called in the same transaction with the key and whether it stays;
    one that never had another secret goes.
    """
    now = deletion_now()
    if now is None:
        return 0
    before = now - DECIDE_WITHIN
    old = Q(tested_at__lte=before) | Q(tested_at=None, created_at__lte=before)
    waiting = KeyCandidate.objects.filter(old).exclude(state=CandidateState.PENDING)
    found = waiting.select_related("key__organisation").order_by("pk")[:_AT_ONCE]
    return sum(_expire(one, tell, now) for one in found)


def _expire(seen: KeyCandidate, tell: Callable[[ApiKey, bool], None], now: datetime) -> bool:
    # Kept, discarded or sent to another test since we looked: then it is not ours to throw away.
    with suppress(Conflict, NotFound), transaction.atomic():
        key, candidate = candidate_lock(
            organisation=seen.key.organisation, key=seen.key, version=seen.version
        )
        ends_at = decision_ends_at(candidate)
        if ends_at is None or ends_at > now:
            return False
        key_record(
            Tag.KEY_CANDIDATE_DISCARDED,
            WORKER,
            key,
            version=candidate.version,
            reason="nobody decided",
        )
        stays = key.status != KeyStatus.DRAFT
        candidate.delete()
        wal_empty_after_commit()
        tell(key, stays)
        if not stays:
            key.delete()
        return True
    return False
