"""The test of a new secret: the worker makes one call with it, and the page shows the outcome."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.db.models import QuerySet

from freddy_admin.audit.services import WORKER, Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound, PublicError
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import free_rows
from freddy_admin.core.tasks import Moment
from freddy_admin.sync.candidates.comparison import (
    CandidateDifference,
    ReportedFigures,
    candidate_differences,
)
from freddy_admin.sync.checks.budget import check_usage, key_calls_record
from freddy_admin.sync.checks.leases import CheckLease
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_result_apply
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.history.recorder import PendingHistory, pending_history_save
from freddy_admin.sync.key_leases import key_lease_values
from freddy_admin.sync.key_lifecycle import key_monitoring_start
from freddy_admin.sync.models import CheckOutcome, EventKind, HistoryEvent, SyncStatus
from freddy_admin.sync.status.observation_cache import observation_cache_invalidate
from freddy_admin.vault.candidate_result import CandidateResult, ReportedStatus
from freddy_admin.vault.models import ApiKey, CandidateState, KeyCandidate
from freddy_admin.vault.services import candidates as vault
from freddy_admin.vault.services.candidates import candidates_expire

log = logging.getLogger(__name__)


def candidates_waiting(now: Moment) -> QuerySet[KeyCandidate]:
    """The candidates that wait for their test and that no test holds."""
    return free_rows(vault.pending_candidates(now), now=now, duration=check_policy().lease)


def candidate_leases_acquire(*, limit: int, shares: Shares | None = None) -> list[CheckLease]:
    """Lease up to `limit` candidates that wait for their test, the longest waiting first.

    With `shares` those of each organisation in turn.
    """
    lease_seconds = check_policy().lease.total_seconds()
    claims = vault.candidates_claim(limit=limit, lease_seconds=lease_seconds, shares=shares)
    return [
        # Sealed for the version that its key will have.
        CheckLease(**key_lease_values(lease, candidate.key, sealed=candidate))
        for lease, candidate in claims
    ]


def candidate_leases_release(leases: Sequence[CheckLease]) -> None:
    """Release the leases of untested candidates, so that the next worker tests them."""
    for lease in leases:
        vault.candidate_release(key_id=lease.key_id, token=lease.token)


def candidate_results_record(results: Sequence[CheckResult]) -> list[int]:
    """Settle each tested candidate; returns the ids of the keys whose new secret works."""
    working_key_ids = []
    for result in results:
        try:
            if result.is_withheld:
                vault.candidate_release(key_id=result.key_id, token=result.token)
            elif _candidate_promote_or_record_result(result):
                working_key_ids.append(result.key_id)
        except (Conflict, NotFound):
            # Superseded, discarded or decided by a person meanwhile: the answer is thrown away.
            log.info("The test of a new secret for key %s came too late.", result.key_id)
        except PublicError as error:
            log.warning("A new secret of key %s was not kept: %s", result.key_id, error.reference)
    key_calls_record(
        [(result.key_id, check_usage(result)) for result in results], is_candidate=True
    )
    return working_key_ids


def candidates_prune() -> int:
    """Delete new secrets that nobody decided about for a week, with a history event each.

    Returns how many they were.
    """
    return candidates_expire(on_expire=_record_candidate_expired)


def _record_candidate_expired(key: ApiKey, key_exists: bool) -> None:
    now = clock.now()
    HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key_id=key.pk if key_exists else None,
        kind=EventKind.KEY_CHANGED,
        at=now,
        noticed_at=now,
        actor_name=WORKER.name,
        details={"what": "never_decided", "label": key.label},
    )


@transaction.atomic
def _candidate_promote_or_record_result(result: CheckResult) -> bool:
    key = ApiKey.objects.select_related("organisation").filter(pk=result.key_id).first()
    if key is None:
        return False
    # One whose lease ran out was tested by another worker: a late result counts for nothing.
    vault.candidate_lease_lock(key=key, version=result.key_version, token=result.token)
    if result.outcome == CheckOutcome.GOOD and not (
        differences := _differences_from_current(key, result)
    ):
        _candidate_promote(key, result)
        return True
    outcome = candidate_result_from_check(result)
    state = CandidateState.UNTESTED
    if result.outcome == CheckOutcome.GOOD:
        outcome = replace(outcome, kind="differs", code=",".join(differences))
        state = CandidateState.DIFFERS
    elif result.outcome == CheckOutcome.REFUSED:
        state = CandidateState.REFUSED
    vault.candidate_record_result(
        organisation=key.organisation,
        key=key,
        version=result.key_version,
        state=state,
        outcome=outcome,
    )
    return False


def candidate_result_from_check(result: CheckResult) -> CandidateResult:
    """The result of a test as the vault stores it."""
    failure, figures = result.failure or CallFailure(kind=""), result.figures
    return CandidateResult(
        kind=failure.kind,
        code=failure.code,
        http_status=failure.http_status,
        message=failure.message,
        field=failure.field,
        detail=failure.detail,
        system_message=failure.system_message,
        error_type=failure.error_type,
        timestamp=failure.timestamp,
        trace_id=failure.trace_id,
        request_id=failure.request_id,
        reported_status=ReportedStatus(
            total_tools=figures.total_tools,
            enabled_tools=figures.enabled_tools,
            last_sync_at=figures.last_sync_at,
            organization_id=check_result_organization_id(result),
        )
        if figures
        else None,
    )


def check_result_organization_id(result: CheckResult) -> str:
    """The organisation id in the response's header; often empty."""
    return result.info.organization_id if result.info else ""


def _differences_from_current(key: ApiKey, result: CheckResult) -> tuple[CandidateDifference, ...]:
    if result.figures is None:
        return ()
    reported = ReportedFigures(
        total_tools=result.figures.total_tools,
        last_sync_at=result.figures.last_sync_at,
        interval_hours=result.figures.sync_interval_hours,
        organization_id=check_result_organization_id(result),
        reported_at=result.finished_at,
    )
    # Another environment has other figures: they say nothing against the new secret.
    is_same_environment = KeyCandidate.objects.filter(key=key, environment=key.environment).exists()
    return candidate_differences(
        _get_last_reported_figures(key) if is_same_environment else None,
        reported,
        entered_organization_id=key.organization_id,
    )


def _get_last_reported_figures(key: ApiKey) -> ReportedFigures | None:
    """What the key itself reported last, with whichever of its secrets."""
    row = SyncStatus.objects.filter(pk=key.pk).first()
    if row is None or row.observed_at is None:
        return None
    return ReportedFigures(
        total_tools=row.total_tools or 0,
        last_sync_at=row.last_sync_at,
        interval_hours=row.sync_interval_hours or 0,
        organization_id=row.reported_organization_id,
        reported_at=row.observed_at,
    )


def _candidate_promote(key: ApiKey, result: CheckResult) -> None:
    # The test was a check: its figures are the key's first observation, no second call is made.
    with transaction.atomic():
        candidates = KeyCandidate.objects.filter(key=key, version=result.key_version)
        actor_name = candidates.values_list("created_by", flat=True).first() or WORKER.name
        promoted = vault.candidate_promote(
            organisation=key.organisation, actor=WORKER, key=key, version=result.key_version
        )
        key_monitoring_start(keys=[promoted], actor=Actor(name=actor_name), event="replaced")
        row = SyncStatus.objects.select_for_update().get(pk=promoted.pk)
        lease = row.lease_token, row.lease_until
        pending_history = PendingHistory()
        check_result_apply(
            row, promoted, result, policy=check_policy(), pending_history=pending_history
        )
        # A check of the former secret may still run: its lease is not ours to end.
        row.lease_token, row.lease_until = lease
        row.save()
        pending_history_save(pending_history)
    observation_cache_invalidate(rows=[row])
