"""Expires candidates that nobody decided about."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from freddy_admin.audit.services import WORKER
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.clock_skew import trusted_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.vault.candidate_result import DECISION_PERIOD, decision_deadline
from freddy_admin.vault.key_audit import key_audit_record
from freddy_admin.vault.locks import candidate_lock
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle

_BATCH_SIZE = 100


def candidates_expire(*, on_expire: Callable[[ApiKey, bool], None]) -> int:
    """Delete tested candidates that waited too long for a decision; returns how many.

    Candidates that wait for their test are not touched, however long no worker ran, and none
    while the clocks disagree. `on_expire` is called in the same transaction with the key and
    whether it stays: a key that never had another secret is deleted, too.
    """
    now = trusted_now()
    if now is None:
        return 0
    cutoff = now - DECISION_PERIOD
    is_overdue = Q(tested_at__lte=cutoff) | Q(tested_at=None, created_at__lte=cutoff)
    overdue = KeyCandidate.objects.filter(is_overdue).exclude(state=CandidateState.PENDING)
    batch = overdue.select_related("key__organisation").order_by("pk")[:_BATCH_SIZE]
    return sum(_candidate_expire(candidate, on_expire, now) for candidate in batch)


def _candidate_expire(
    unlocked_candidate: KeyCandidate, on_expire: Callable[[ApiKey, bool], None], now: datetime
) -> bool:
    # Skipped if it was kept, discarded or retested since the query.
    with suppress(Conflict, NotFound), transaction.atomic():
        key, candidate = candidate_lock(
            organisation=unlocked_candidate.key.organisation,
            key=unlocked_candidate.key,
            version=unlocked_candidate.version,
        )
        deadline = decision_deadline(candidate)
        if deadline is None or deadline > now:
            return False
        key_audit_record(
            AuditTag.KEY_CANDIDATE_DISCARDED,
            WORKER,
            key,
            version=candidate.version,
            reason="nobody decided",
        )
        is_key_kept = key.status != KeyLifecycle.DRAFT
        candidate.delete()
        wal_truncate_on_commit()
        on_expire(key, is_key_kept)
        if not is_key_kept:
            key.delete()
        return True
    return False
