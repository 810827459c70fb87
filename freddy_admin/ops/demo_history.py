"""The demo's history: a month of checks, simulated in seconds with a clock that is moved.

The recorder is the real one, and the figures are those that the sandbox would have returned at
each moment: only the calls are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from freddy_admin.aitronos.types import SyncStatusResponse
from freddy_admin.sandbox.key_scenarios import ParsedKey, Scenario, parse_sandbox_key
from freddy_admin.sandbox.sample_organisations import SampleKey
from freddy_admin.sandbox.sync_figures import (
    SyncTimes,
    is_incremental,
    sync_times_at,
    tool_counts_at,
)
from freddy_admin.sync.checks.policy import CheckPolicy
from freddy_admin.sync.checks.recording import check_result_apply
from freddy_admin.sync.checks.results import CallFailure, CheckResult, LocalFailureKind
from freddy_admin.sync.history.recorder import PendingHistory, pending_history_save
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.vault.models import ApiKey

HISTORY_LENGTH: Final = timedelta(days=30)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# Rare enough to simulate a month in seconds; a check follows a minute after a due sync anyway.
DEMO_CHECK_POLICY: Final = CheckPolicy(fresh=MINUTE, period=HOUR, lease=MINUTE)

_SCENARIO_PROBLEMS = {
    Scenario.REJECTED: CallFailure("key_refused", "INVALID_API_KEY", 401),
    Scenario.EXPIRED: CallFailure("key_refused", "API_KEY_EXPIRED", 401),
    Scenario.NOT_PERMITTED: CallFailure("key_not_permitted", "INSUFFICIENT_PERMISSIONS", 403),
    Scenario.FIREWALL: CallFailure("firewall", http_status=403),
    Scenario.HANGING: CallFailure("read_timeout"),
    Scenario.ERROR_HTML: CallFailure("server_error", http_status=500),
    Scenario.SPENDING_LIMIT: CallFailure("spending_limit", "RATE_LIMIT_EXCEEDED", 429),
}
_LATE_SCENARIOS = frozenset({Scenario.LATE, Scenario.OVERDUE, Scenario.SKIPPING})
_API_OUTAGE_PROBLEM = CallFailure("server_error", "SERVICE_UNAVAILABLE", 503)
# A problem that a key has now began so long ago.
_PROBLEM_AGE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class DemoOutage:
    """An outage for all keys: how long ago it began, and how long it lasted."""

    began_ago: timedelta
    duration: timedelta


WORKER_OUTAGE: Final = DemoOutage(began_ago=timedelta(days=11, hours=7), duration=5 * HOUR)
API_OUTAGE: Final = DemoOutage(began_ago=timedelta(days=4, hours=2), duration=2 * HOUR)


def history_simulate(keys: list[tuple[ApiKey, SampleKey]], *, now: datetime) -> None:
    """Record the checks of each of these keys from its creation up to `now`."""
    with transaction.atomic():
        rows = SyncStatus.objects.in_bulk([key.pk for key, _ in keys])
        for key, sample in keys:
            parsed = parse_sandbox_key(sample.secret)
            if parsed is not None and sample.is_checked:
                _key_history_simulate(rows[key.pk], key, sample, parsed, now)
        watched_rows = [rows[key.pk] for key, sample in keys if sample.is_checked]
        for row in watched_rows:
            row.next_check_at = min(row.next_check_at, now)
        names = [field.name for field in SyncStatus._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
        SyncStatus.objects.bulk_update(watched_rows, names, batch_size=20)


def _key_history_simulate(
    row: SyncStatus, key: ApiKey, sample: SampleKey, parsed: ParsedKey, now: datetime
) -> None:
    pending_history = PendingHistory()
    for number, checked_at in enumerate(_simulated_check_times(row, now)):
        problem = _simulated_check_failure(sample, parsed, checked_at, now=now, number=number)
        figures = None if problem else _simulated_sync_status_response(parsed, checked_at, now=now)
        outcome = _check_outcome_from_failure(problem)
        elapsed = 80.0 + number % 90
        result = CheckResult(
            key.pk, key.version, "", checked_at, outcome, elapsed, figures, None, problem
        )
        check_result_apply(
            row, key, result, policy=DEMO_CHECK_POLICY, pending_history=pending_history
        )
    row.check_period_seconds = None  # hourly steps are of the history alone
    pending_history_save(pending_history)


def _simulated_check_times(row: SyncStatus, now: datetime) -> Iterator[datetime]:
    """When the worker checked: by its own schedule, but not during its outage."""
    moment, outage_began_at = row.next_check_at, now - WORKER_OUTAGE.began_ago
    while moment < now:
        yield moment
        moment = max(row.next_check_at, moment + MINUTE)
        if outage_began_at <= moment < outage_began_at + WORKER_OUTAGE.duration:
            moment = outage_began_at + WORKER_OUTAGE.duration


def _simulated_check_failure(
    sample: SampleKey, parsed: ParsedKey, checked_at: datetime, *, now: datetime, number: int
) -> CallFailure | None:
    outage_began_at = now - API_OUTAGE.began_ago
    if outage_began_at <= checked_at < outage_began_at + API_OUTAGE.duration:
        return _API_OUTAGE_PROBLEM
    if parsed.scenario is Scenario.FLAKY and number % 9 == 8:
        return CallFailure("server_error", http_status=502)
    if checked_at < now - _PROBLEM_AGE:
        return None
    if sample.is_damaged:
        return CallFailure(LocalFailureKind.KEY_UNREADABLE)
    return _SCENARIO_PROBLEMS.get(parsed.scenario)


def _check_outcome_from_failure(problem: CallFailure | None) -> CheckOutcome:
    if problem is None:
        return CheckOutcome.GOOD
    is_refused = problem.kind in {"key_refused", "key_not_permitted"}
    return CheckOutcome.REFUSED if is_refused else CheckOutcome.FAILED


def _simulated_sync_times(parsed: ParsedKey, moment: datetime, now: datetime) -> SyncTimes:
    """A key that is behind today synced by its interval until its last sync came."""
    times_now = sync_times_at(parsed, now)
    if parsed.scenario not in _LATE_SCENARIOS or times_now.last_sync_at is None:
        return sync_times_at(parsed, moment)
    if moment >= times_now.last_sync_at:
        if parsed.scenario is Scenario.SKIPPING:  # its plan goes on moving
            return replace(times_now, next_sync_at=sync_times_at(parsed, moment).next_sync_at)
        return times_now
    interval = times_now.interval_hours * HOUR
    last_sync_at = (
        times_now.last_sync_at - -(-(times_now.last_sync_at - moment) // interval) * interval
    )
    return SyncTimes(last_sync_at, last_sync_at + interval, times_now.interval_hours)


def _simulated_sync_status_response(
    parsed: ParsedKey, moment: datetime, *, now: datetime
) -> SyncStatusResponse:
    times, counts = _simulated_sync_times(parsed, moment, now), tool_counts_at(parsed, moment)
    return SyncStatusResponse(
        total_tools=counts.total,
        enabled_tools=counts.enabled,
        last_sync_at=times.last_sync_at,
        next_sync_at=times.next_sync_at,
        sync_interval_hours=times.interval_hours,
        incremental_sync_enabled=is_incremental(parsed),
    )
