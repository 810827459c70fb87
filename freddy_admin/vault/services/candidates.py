"""Candidates from the form to the key: claim, record the test, promote, retry, discard, expire.

Every service names the candidate's version: if it was superseded or discarded in the meantime,
Conflict is raised and nothing changes.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import later_clock_now, trusted_now
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import (
    Lease,
    is_held,
    lease_release,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.core.sqlite_wal import wal_truncate_on_commit
from freddy_admin.core.tasks import Moment, QueueName, wake
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.candidate_result import (
    UNREADABLE_RESULT_KINDS,
    CandidateResult,
    candidate_result_clear,
    candidate_result_set,
)
from freddy_admin.vault.duplicate_secrets import (
    duplicate_candidates_list,
    secret_validate_not_duplicate,
    secret_validate_not_in_other_active_key,
)
from freddy_admin.vault.locks import candidate_lock
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate, KeyLifecycle
from freddy_admin.vault.sealing import sealed_secret_copy
from freddy_admin.vault.selectors import DECISION_PERIOD, RETRIED_HOURLY_Q, decision_deadline
from freddy_admin.vault.services.keys import key_audit_record

_PROMOTION_TAGS = {
    CandidateState.PENDING: AuditTag.KEY_TESTED,
    CandidateState.UNTESTED: AuditTag.KEY_KEPT_UNTESTED,
    CandidateState.DIFFERS: AuditTag.KEY_KEPT_DIFFERING,
    CandidateState.REFUSED: AuditTag.KEY_KEPT_REFUSED,
}
_EXPIRY_BATCH_SIZE = 100
RETRY_PERIOD = timedelta(hours=1)


def pending_candidates(now: Moment) -> QuerySet[KeyCandidate]:
    """The candidates that wait for their test, leased or not.

    One that is to be tried every hour waits again an hour after its latest test.
    """
    is_due_again = RETRIED_HOURLY_Q & Q(tested_at__lte=now - RETRY_PERIOD)
    return KeyCandidate.objects.filter(Q(state=CandidateState.PENDING) | is_due_again)


def candidates_claim(
    *, limit: int, lease_seconds: float, shares: Shares | None = None
) -> list[tuple[Lease, KeyCandidate]]:
    """Lease up to `limit` candidates that wait for their test, the longest waiting first.

    With `shares` those of each organisation in turn.

    Each comes with its key and organisation, and is opened with the candidate's own version.
    Candidates whose secret another active key of the organisation has by now are discarded, not
    tested.
    """
    leases = leases_acquire(
        pending_candidates(clock.now()).order_by("created_at", "pk"),
        limit=limit,
        now=clock.now(),
        duration=timedelta(seconds=lease_seconds),
        shares=shares,
        state=CandidateState.PENDING,
    )
    if leases:
        _duplicate_candidates_discard([lease.row_id for lease in leases])
    return leased_rows_list(KeyCandidate.objects.select_related("key__organisation"), leases)


def candidate_release(*, key_id: int, token: str) -> None:
    """Release the lease of a key's candidate untested, so that another claim gets it."""
    pending = KeyCandidate.objects.filter(key_id=key_id, state=CandidateState.PENDING)
    lease_release(pending, token=token)


def candidate_lease_lock(*, key: ApiKey, version: int, token: str) -> None:
    """Lock a candidate that was tested under the lease `token`; call inside a transaction.

    Raises Conflict if the lease is no longer this token's: the test's result is void.
    """
    _key, candidate = candidate_lock(organisation=key.organisation, key=key, version=version)
    if not is_held(candidate.lease_token, token):
        raise Conflict(_("This new key is being tested anew. Wait for the outcome."))


def candidate_promote(
    *,
    organisation: Organisation,
    actor: Actor,
    key: ApiKey,
    version: int,
    state: CandidateState = CandidateState.PENDING,
) -> ApiKey:
    """Make the candidate the key's secret, replacing the former sealed bytes; opens nothing.

    PENDING: its test succeeded. UNTESTED or DIFFERS: a person keeps one that could not be tested,
    or that reports something else than expected. REFUSED: a person keeps the first secret of a key;
    never beside one in use, see `candidate_retry_hourly`. Raises Conflict if it is not in this
    state, if it waited too long for a decision, or if the worker could not open it: the former
    secret would be lost for an unusable one. Raises InvalidInput if another key has this secret by
    now; `candidates_claim` discards such a candidate.
    """
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        _candidate_validate_state(candidate, state)
        deadline = decision_deadline(candidate)
        if deadline is not None and deadline <= later_clock_now():
            raise Conflict(_("This new key waited too long for a decision. Paste it again."))
        if state not in _PROMOTION_TAGS or candidate.result_kind in UNREADABLE_RESULT_KINDS:
            raise Conflict(
                _("This new key could not be opened, so it cannot be kept. Test or paste it again.")
            )
        former_version, is_replacement = (
            locked_key.version,
            locked_key.status == KeyLifecycle.ACTIVE,
        )
        if is_replacement and state == CandidateState.REFUSED:
            raise Conflict(_("Aitronos refused this new key, so the present one stays in use."))
        secret_validate_not_in_other_active_key(key=locked_key, fingerprint=candidate.fingerprint)
        sealed_secret_copy(candidate, locked_key)
        locked_key.version, locked_key.status = candidate.version, KeyLifecycle.ACTIVE
        locked_key.secret_set_at = clock.now()
        candidate.delete()
        locked_key.save()
        wal_truncate_on_commit()
        key_audit_record(
            _PROMOTION_TAGS[state],
            actor,
            locked_key,
            outcome="kept",
            versions=[former_version, locked_key.version],
        )
        if is_replacement:
            key_audit_record(
                AuditTag.KEY_REPLACED,
                actor,
                locked_key,
                asked_by=candidate.created_by,
                versions=[former_version, locked_key.version],
            )
    return locked_key


def candidate_retry_hourly(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int
) -> KeyCandidate:
    """Keep a refused candidate beside the secret in use, to be tested every hour until it works.

    Nothing changes for the secret in use before that. Raises Conflict if it is not refused.
    """
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        _candidate_validate_state(candidate, CandidateState.REFUSED)
        if not candidate.retries_hourly:
            candidate.retries_hourly = True
            candidate.save(update_fields=["retries_hourly"])
            key_audit_record(
                AuditTag.KEY_KEPT_REFUSED, actor, locked_key, version=version, outcome="retried"
            )
    return candidate


def candidate_record_result(
    *,
    organisation: Organisation,
    key: ApiKey,
    version: int,
    state: CandidateState,
    outcome: CandidateResult,
) -> KeyCandidate:
    """Record a test that the worker made and that did not simply succeed.

    REFUSED: Aitronos refused the secret; the candidate waits to be discarded or retried. UNTESTED:
    the test failed without a verdict, and DIFFERS: the secret works but reports something
    unexpected; a person decides whether to keep it.
    """
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        _candidate_validate_state(candidate, CandidateState.PENDING)
        former_result = _result_identity(candidate)
        candidate.state = state
        candidate_result_set(candidate, outcome)
        candidate.save()
        # The same refusal hour by hour would fill the audit log.
        if not (candidate.retries_hourly and _result_identity(candidate) == former_result):
            key_audit_record(
                AuditTag.KEY_TESTED,
                WORKER,
                locked_key,
                outcome=str(state),
                version=version,
                kind=candidate.result_kind,
                http_status=outcome.http_status,
            )
    return candidate


def candidate_retry(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int
) -> KeyCandidate:
    """Request another test of a candidate that waits for a person's decision."""
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        if candidate.state == CandidateState.PENDING:
            return candidate
        secret_validate_not_duplicate(key=locked_key, fingerprint=candidate.fingerprint)
        candidate.state = CandidateState.PENDING
        candidate_result_clear(candidate)
        candidate.save()
        key_audit_record(AuditTag.CHECK_REQUESTED, actor, locked_key, version=version)
        wake(QueueName.CANDIDATES)
    return candidate


def candidate_discard(
    *, organisation: Organisation, actor: Actor, key: ApiKey, version: int
) -> None:
    """Delete the candidate, and its key if that never had another secret."""
    with transaction.atomic():
        locked_key, candidate = candidate_lock(organisation=organisation, key=key, version=version)
        key_audit_record(AuditTag.KEY_CANDIDATE_DISCARDED, actor, locked_key, version=version)
        _candidate_delete(locked_key, candidate)


def candidates_expire(*, on_expire: Callable[[ApiKey, bool], None]) -> int:
    """Delete tested candidates that waited too long for a decision; returns how many.

    Not touched are those that wait for their test, however long no worker ran, and those that are
    tried every hour; and none while the clocks disagree. `on_expire` is called in the same
    transaction with the key and whether it stays: a key that never had another secret is deleted,
    too.
    """
    now = trusted_now()
    if now is None:
        return 0
    cutoff = now - DECISION_PERIOD
    is_overdue = Q(tested_at__lte=cutoff) | Q(tested_at=None, created_at__lte=cutoff)
    overdue = KeyCandidate.objects.filter(is_overdue).exclude(state=CandidateState.PENDING)
    overdue = overdue.exclude(RETRIED_HOURLY_Q)
    batch = overdue.select_related("key__organisation").order_by("pk")[:_EXPIRY_BATCH_SIZE]
    return sum(_candidate_expire(candidate, on_expire, now) for candidate in batch)


def _candidate_delete(key: ApiKey, candidate: KeyCandidate) -> None:
    candidate.delete()
    if key.status == KeyLifecycle.DRAFT:
        key.delete()
    wal_truncate_on_commit()


def _duplicate_candidates_discard(ids: Collection[int]) -> None:
    # An import, say, stored the same secret: no test could end in keeping the candidate.
    for duplicate in duplicate_candidates_list(ids=ids):
        with suppress(Conflict, NotFound), transaction.atomic():
            locked_key, candidate = candidate_lock(
                organisation=duplicate.key.organisation,
                key=duplicate.key,
                version=duplicate.version,
            )
            key_audit_record(
                AuditTag.KEY_CANDIDATE_DISCARDED,
                WORKER,
                locked_key,
                version=candidate.version,
                reason="already here",
            )
            _candidate_delete(locked_key, candidate)


def _result_identity(candidate: KeyCandidate) -> tuple[object, ...]:
    return candidate.result_kind, candidate.result_code, candidate.result_http_status


def _candidate_validate_state(candidate: KeyCandidate, state: CandidateState) -> None:
    if candidate.state != state:
        raise Conflict(
            _("This new key is in another state by now. Look at it again before you decide.")
        )


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
