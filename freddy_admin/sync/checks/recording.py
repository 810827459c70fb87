"""Stores the results of checks: many rows in one short transaction, each row whole or not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from freddy_admin.aitronos.types import SyncStatusResponse
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core import clock
from freddy_admin.core.leases import is_held, lease_release
from freddy_admin.sync import health
from freddy_admin.sync.checks.apply import (
    NO_FAILURE,
    PreviousStatus,
    check_outcome_apply,
    figures_apply,
    health_facts_from_row,
    health_verdict_apply,
    sync_status_reset,
)
from freddy_admin.sync.checks.budget import (
    CallUsage,
    budget_group,
    calls_count,
    check_usage,
    siblings_hold,
)
from freddy_admin.sync.checks.bulk_update import SyncStatusBulkUpdate
from freddy_admin.sync.checks.leases import refused_checks_reschedule
from freddy_admin.sync.checks.policy import CheckPolicy, check_policy
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.history.diff import (
    EventDraft,
    PreviousObservation,
    diff_observations,
    figures_digest,
    rolling_schedule_digest,
    values_digest,
)
from freddy_admin.sync.history.recorder import (
    PendingHistory,
    check_run_close,
    check_run_extend,
    failure_ids,
    health_change_record,
    pending_history_save,
    unknown_state_record,
)
from freddy_admin.sync.key_leases import key_columns_read
from freddy_admin.sync.models import CheckOutcome, EventKind, OperationState, SyncStatus
from freddy_admin.sync.status.observation_cache import observation_cache_invalidate
from freddy_admin.sync.status.refused_alike import (
    RefusedGroup,
    refused_group_of,
    refused_groups_list,
)
from freddy_admin.sync.worker.schedule import hold_until_from_failure, next_check_at
from freddy_admin.vault.models import ApiKey, KeyLifecycle

# What is read of the key, never its sealed bytes.
_KEY_COLUMNS = (
    "version", "status", "paused_at", "grace_minutes", "environment", "organization_id",
)  # fmt: skip
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_ANSWERED_STATES = frozenset({OperationState.DONE, OperationState.UNCLEAR})
_INCREMENT_SQL = """
    INSERT INTO sync_checkcounter (outcome, kind, times) VALUES {placeholders}
    ON CONFLICT (outcome, kind)
    DO UPDATE SET times = sync_checkcounter.times + excluded.times
"""


def check_results_record(results: Sequence[CheckResult]) -> list[SyncStatus]:
    """Store these results and release their leases; returns the rows that were written.

    A result whose lease is no longer its own, or whose key was replaced, paused or revoked
    meanwhile, is thrown away; where nothing was sent, the key stays due.
    """
    results_by_key = {result.key_id: result for result in results}
    pending_history = PendingHistory()
    bulk_update = SyncStatusBulkUpdate()
    with transaction.atomic():
        rows = bulk_update.lock(results_by_key)
        # Only now, by a statement of its own: one that joins them and waits for a row whose key a
        # person is changing would show that row as it has become and the key as it was.
        keys = key_columns_read([row.pk for row in rows], _KEY_COLUMNS)
        current_rows = [
            row for row in rows if _is_result_current(row, keys[row.pk], results_by_key[row.pk])
        ]
        usages = _call_usages(rows, keys, results_by_key)
        policies = _count_calls_and_get_policies(current_rows, usages)
        released_groups = _released_groups(current_rows, keys, results_by_key)
        for row in current_rows:
            check_result_apply(
                row,
                keys[row.pk],
                results_by_key[row.pk],
                policy=policies[row.pk],
                pending_history=pending_history,
            )
        bulk_update.save()
        siblings_hold(
            [(group, row.organisation_id, usage) for row, group, usage in usages],
            now=clock.now(),
        )
        _release_discarded_leases(rows, current_rows, results_by_key)
        pending_history_save(pending_history)
        check_counters_increment(results)
        if released_groups:
            refused_checks_reschedule(groups=released_groups, now=clock.now())
    observation_cache_invalidate(rows=current_rows)
    return current_rows


def _released_groups(
    rows: Sequence[SyncStatus],
    keys: Mapping[int, ApiKey],
    results_by_key: Mapping[int, CheckResult],
) -> list[RefusedGroup]:
    """The groups of keys refused alike, by what is stored yet, of which one works now."""
    working_rows = [
        row for row in rows if row.refusal and results_by_key[row.pk].outcome == CheckOutcome.GOOD
    ]
    if not working_rows:
        return []
    groups = refused_groups_list()
    released = (
        refused_group_of(
            groups,
            refusal=row.refusal or "",
            reported_organization_id=row.reported_organization_id,
            environment=keys[row.pk].environment,
            others_work=False,
        )
        for row in working_rows
    )
    return list({group for group in released if group is not None})


def check_result_apply(
    row: SyncStatus,
    key: ApiKey,
    result: CheckResult,
    *,
    policy: CheckPolicy,
    pending_history: PendingHistory,
) -> None:
    """Apply the result of one check to `row` and `pending_history`; saves neither."""
    if row.key_version != result.key_version:
        check_run_interrupt(row, pending_history=pending_history)
        sync_status_reset(row, version=result.key_version, environment=key.environment)
    previous = PreviousStatus.from_row(row)
    observation = _previous_observation_from_row(row)
    now = result.finished_at
    failure = result.failure or NO_FAILURE
    digest = _result_digest(result, failure, observation, key.environment)
    run_continues = _check_run_extend_or_restart(row, result, digest, pending_history, policy)
    row.budget_group = _result_budget_group(row, key, result)
    row.check_period_seconds = policy.period.total_seconds()
    check_outcome_apply(row, result, failure)
    if result.figures is None:
        _record_first_failure_event(row, digest, failure, now=now, pending_history=pending_history)
    else:
        # In a run there is nothing to record: figures are equal, or roll as recorded before.
        drafts = [] if run_continues else diff_observations(observation, result.figures, at=now)
        _record_figures_events(
            row, result.figures, drafts, now=now, pending_history=pending_history
        )
        figures_apply(row, result)
    facts = health_facts_from_row(row, key, policy)
    health_verdict_apply(row, facts, previous, now=now)
    health_change_record(pending_history, row, unknown_at=previous.unknown_at, now=now)
    holds = (hold_until_from_failure(result.failure, now=now), policy.hold_until)
    row.hold_until = max(filter(None, holds), default=None)
    row.next_check_at = next_check_at(row, facts, now=now, policy=policy)
    row.requested_at, row.requested_by = None, ""
    row.lease_token, row.lease_until = "", None
    row.updated_at = now


def check_run_interrupt(
    row: SyncStatus, *, pending_history: PendingHistory, now: datetime | None = None
) -> None:
    """Close the check run of a key that is paused, resumed, replaced or revoked at `now`."""
    if now is not None:
        unknown_state_record(pending_history, row, unknown_at=row.unknown_at, now=now)
    check_run_close(pending_history, row)
    row.figures_digest = row.previous_figures_digest = ""
    row.figures_check_count = 0


def check_counters_increment(results: Sequence[CheckResult]) -> None:
    """Count these results, in one statement, inside the transaction that stores them."""
    counts = Counter(
        (str(result.outcome), result.failure.kind if result.failure else "") for result in results
    )
    if not counts:
        return
    # In order, so that two workers never wait for each other's rows.
    rows = [
        value
        for outcome_and_kind, times in sorted(counts.items())
        for value in (*outcome_and_kind, times)
    ]
    placeholders = ", ".join(["(%s, %s, %s)"] * len(counts))
    with connection.cursor() as cursor:
        cursor.execute(_INCREMENT_SQL.format(placeholders=placeholders), rows)


_CallUsages = list[tuple[SyncStatus, str, CallUsage]]


def _call_usages(
    rows: Sequence[SyncStatus], keys: dict[int, ApiKey], results_by_key: dict[int, CheckResult]
) -> _CallUsages:
    """What each result tells of its group's budget, also where it is thrown away: it was sent."""
    return [
        (row, _result_budget_group(row, keys[row.pk], result), check_usage(result))
        for row, result in ((row, results_by_key[row.pk]) for row in rows)
    ]


def _result_budget_group(row: SyncStatus, key: ApiKey, result: CheckResult) -> str:
    is_same_secret = row.key_version == result.key_version
    return budget_group(
        check_usage(result),
        organisation_id=row.organisation_id,
        entered_id=key.organization_id,
        former_group=row.budget_group if is_same_secret else "",
    )


def _count_calls_and_get_policies(
    current_rows: Sequence[SyncStatus], usages: _CallUsages
) -> dict[int, CheckPolicy]:
    """Count the calls of all results; returns the spans for each row whose result counts."""
    policy, now = check_policy(), clock.now()
    groups = {row.pk: group for row, group, _usage in usages}
    budgets = calls_count(
        [(group, usage) for _row, group, usage in usages],
        now=now,
        joined_groups=[
            groups[row.pk] for row in current_rows if row.budget_group != groups[row.pk]
        ],
    )
    policies = {group: budget.apply_to(policy, now=now) for group, budget in budgets.items()}
    return {row.pk: policies[groups[row.pk]] for row in current_rows}


def _is_result_current(row: SyncStatus, key: ApiKey, result: CheckResult) -> bool:
    return (
        is_held(row.lease_token, result.token)
        and not result.is_withheld
        and key.version == result.key_version
        and key.status == KeyLifecycle.ACTIVE
        and key.paused_at is None
    )


def _release_discarded_leases(
    rows: list[SyncStatus], current_rows: list[SyncStatus], results_by_key: dict[int, CheckResult]
) -> None:
    discarded_ids = {row.pk for row in rows} - {row.pk for row in current_rows}
    for pk in discarded_ids:
        lease_release(SyncStatus.objects.filter(pk=pk), token=results_by_key[pk].token)


def _result_digest(
    result: CheckResult,
    failure: CallFailure,
    observation: PreviousObservation | None,
    environment: str,
) -> str:
    """The digest of what the check brought: a run is of checks with equal digests.

    Equal figures of two environments are two syncs, and have two digests.
    """
    if result.figures is None:
        return values_digest(result.outcome, failure.kind, failure.http_status, failure.code)
    rolling = rolling_schedule_digest(observation, result.figures, at=result.finished_at)
    digest = rolling or figures_digest(result.figures)
    return digest if environment == DEFAULT_ENVIRONMENT else values_digest(environment, digest)


def _check_run_extend_or_restart(
    row: SyncStatus,
    result: CheckResult,
    digest: str,
    pending_history: PendingHistory,
    policy: CheckPolicy,
) -> bool:
    """Extend the run of identical checks (True), or close it and begin another (False)."""
    now, valid_until = result.finished_at, _run_valid_until(row, policy)
    run_continues = row.run_digest == digest and now <= valid_until
    if not run_continues:
        check_run_close(pending_history, row, until=None if now > valid_until else now)
    check_run_extend(row, digest=digest, at=now, elapsed_ms=result.elapsed_ms)
    return run_continues


def _record_first_failure_event(
    row: SyncStatus,
    digest: str,
    failure: CallFailure,
    *,
    now: datetime,
    pending_history: PendingHistory,
) -> None:
    if not row.recorded_error_digest:
        row.recorded_error_digest = digest
        details = {"kind": failure.kind, "http": failure.http_status, "code": failure.code}
        details |= failure_ids(failure.trace_id, failure.request_id)
        pending_history.add_event(
            row, EventDraft(EventKind.CHECK_FAILED, now, details), noticed_at=now
        )


def _run_valid_until(row: SyncStatus, policy: CheckPolicy) -> datetime:
    """Until when a check may extend the run of the latest one: later, there was a gap."""
    latest_at = row.checked_at
    if latest_at is None:
        return _EARLIEST
    if row.outcome != CheckOutcome.GOOD:
        # Failing keys are checked less and less often: a wait as planned is no gap.
        latest_at = max(latest_at, min(row.next_check_at, latest_at + policy.horizon))
    seconds = row.check_period_seconds
    period = policy.period if seconds is None else timedelta(seconds=seconds)
    return latest_at + health.observation_lifetime(period)


def _previous_observation_from_row(row: SyncStatus) -> PreviousObservation | None:
    """The last good figures, where there are any."""
    if row.observed_at is None:
        return None
    figures = SyncStatusResponse(
        total_tools=row.total_tools or 0,
        enabled_tools=row.enabled_tools or 0,
        last_sync_at=row.last_sync_at,
        next_sync_at=row.next_sync_at,
        sync_interval_hours=row.sync_interval_hours or 0,
        incremental_sync_enabled=bool(row.incremental_sync_enabled),
    )
    are_former = row.figures_are_former
    return PreviousObservation(
        figures, row.observed_at, are_former, row.recorded_sync_at, row.recorded_skip_at
    )


def _record_figures_events(
    row: SyncStatus,
    figures: SyncStatusResponse,
    drafts: Sequence[EventDraft],
    *,
    now: datetime,
    pending_history: PendingHistory,
) -> None:
    for draft in drafts:
        is_sync = draft.kind == EventKind.SYNC_SEEN
        is_sent = row.operation_state != OperationState.QUEUED
        requested_by = (
            row.operation_requested_by
            if is_sync and is_sent and _figures_confirm_sync_operation(row, figures)
            else ""
        )
        pending_history.add_event(row, draft, noticed_at=now, actor=requested_by)
        if draft.kind == EventKind.SYNC_SKIPPED:
            row.recorded_skip_at = draft.at
    last_sync_at, has_moved = figures.last_sync_at, figures.last_sync_at != row.last_sync_at
    if last_sync_at is None:
        return
    if row.recorded_sync_at is None or (has_moved and last_sync_at > row.recorded_sync_at):
        # One that lies well ahead is not believed: true ones before it are still to be recorded.
        row.recorded_sync_at = last_sync_at if last_sync_at <= now + health.CLOCK_TOLERANCE else now
    if (
        has_moved
        and row.operation_state in _ANSWERED_STATES
        and _figures_confirm_sync_operation(row, figures)
    ):
        pending_history.confirmed_syncs.append((row.pk, last_sync_at))
        row.operation_requested_at, row.operation_requested_by, row.operation_state = None, "", ""


def _figures_confirm_sync_operation(row: SyncStatus, figures: SyncStatusResponse) -> bool:
    # The API names whole seconds: a sync that began in the second of the request is its sync.
    last_sync_at = figures.last_sync_at
    return bool(
        last_sync_at
        and row.operation_requested_at
        and last_sync_at >= row.operation_requested_at.replace(microsecond=0)
    )
