"""How the result of one check changes a key's sync status: figures, outcome, health state."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.sync import health
from freddy_admin.sync.api_client import call_settings_digest
from freddy_admin.sync.checks.budget import is_budget_group_of
from freddy_admin.sync.checks.policy import CheckPolicy
from freddy_admin.sync.checks.results import CallFailure, CheckResult, LocalFailureKind
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.diff import sync_schedule_from_figures
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.sync.refusals import refusal_from_failure
from freddy_admin.vault.models import ApiKey

NO_FAILURE = CallFailure(kind="")


def sync_status_reset(row: SyncStatus, *, version: int, environment: str) -> None:
    """Reset the row of a replaced or resumed key: its old figures are shown, and prove nothing.

    What Aitronos called the key's organisation stays with a secret that is known to be of the same
    environment: in another one the id is nobody's, or somebody else's.
    """
    if row.key_version != version and not is_budget_group_of(row.budget_group, environment):
        row.reported_organization_id = ""
    row.key_version = version
    row.figures_are_former = row.observed_at is not None
    row.first_observed_at = row.first_next_sync_at = row.skipped_at = None
    row.outcome, row.checked_at = CheckOutcome.NONE, None
    row.failures, row.failing_since = 0, None
    row.refusals, row.refusal_status = 0, None
    row.refusal, row.refusal_settings = None, ""
    row.unreadable_since = row.master_key_misfit_since = row.unknown_at = row.hold_until = None
    row.budget_group = ""  # another secret may be of another organisation at Aitronos
    _set_error_columns(row, NO_FAILURE)


def health_facts_from_row(row: SyncStatus, key: ApiKey, policy: CheckPolicy) -> health.HealthFacts:
    """What the health rule reads of this row; figures from before a change do not count."""
    has_current_figures = row.observed_at is not None and not row.figures_are_former
    return health.HealthFacts(
        schedule=_sync_schedule_from_row(row) if has_current_figures else None,
        observed_at=row.observed_at if has_current_figures else None,
        first_observed_at=row.first_observed_at,
        first_next_sync_at=row.first_next_sync_at,
        skipped_at=row.skipped_at,
        checked_at=row.checked_at,
        refusals=row.refusals,
        refusal_is_not_permitted=row.refusal_status == 403,
        unreadable_since=row.unreadable_since,
        master_key_misfit_since=row.master_key_misfit_since,
        grace=None if key.grace_minutes is None else timedelta(minutes=key.grace_minutes),
        check_period=policy.period,
    )


def _sync_schedule_from_row(row: SyncStatus) -> health.SyncSchedule:
    return health.SyncSchedule(row.last_sync_at, row.next_sync_at, row.sync_interval_hours)


def check_outcome_apply(row: SyncStatus, result: CheckResult, failure: CallFailure) -> None:
    """Set how the check ended, and how many ended so in a row."""
    finished_at = result.finished_at
    row.checked_at, row.outcome, row.elapsed_ms = finished_at, result.outcome, result.elapsed_ms
    _set_error_columns(row, failure)
    if result.outcome == CheckOutcome.FAILED:
        row.failures += 1
        row.failing_since = row.failing_since or finished_at
    else:
        row.failures, row.failing_since = 0, None
        is_refused = result.outcome == CheckOutcome.REFUSED
        row.refusals = row.refusals + 1 if is_refused else 0
        row.refusal_status = failure.http_status if is_refused else None
        row.refusal = (
            refusal_from_failure(failure.http_status, failure.code) if is_refused else None
        )
        row.refusal_settings = call_settings_digest(result.environment) if is_refused else ""
    row.reported_organization_id = failure.organization_id or row.reported_organization_id
    if failure.kind == LocalFailureKind.MASTER_KEY_MISFIT:
        row.master_key_misfit_since = row.master_key_misfit_since or finished_at
        return
    row.master_key_misfit_since = None
    is_unreadable = failure.kind == LocalFailureKind.KEY_UNREADABLE
    row.unreadable_since = row.unreadable_since or finished_at if is_unreadable else None


def _set_error_columns(row: SyncStatus, failure: CallFailure) -> None:
    row.error_kind, row.error_code = failure.kind, failure.code
    row.error_http_status, row.error_message = failure.http_status, failure.message
    row.error_field, row.error_detail = failure.field, failure.detail
    row.trace_id, row.request_id = failure.trace_id, failure.request_id
    row.error_system_message = failure.system_message
    row.error_type, row.error_timestamp = failure.error_type, failure.timestamp


def figures_apply(row: SyncStatus, result: CheckResult) -> None:
    """Set the figures of a good check, as received."""
    figures, observed_at = result.figures, result.finished_at
    assert figures is not None  # noqa: S101  for the type checker: the caller asked
    if row.observed_at is not None and not row.figures_are_former:
        row.skipped_at = health.first_skipped_sync_due_at(
            _sync_schedule_from_row(row),
            sync_schedule_from_figures(figures),
            observed_at=observed_at,
            skipped_at=row.skipped_at,
        )
    _update_figures_digest_and_count(row)
    row.total_tools, row.enabled_tools = figures.total_tools, figures.enabled_tools
    row.last_sync_at, row.next_sync_at = figures.last_sync_at, figures.next_sync_at
    row.sync_interval_hours = figures.sync_interval_hours
    row.incremental_sync_enabled = figures.incremental_sync_enabled
    row.observed_at, row.figures_are_former = observed_at, False
    row.first_observed_at = row.first_observed_at or observed_at
    row.first_next_sync_at = row.first_next_sync_at or figures.next_sync_at
    if result.info is not None:
        row.trace_id, row.request_id = result.info.trace_id or "", result.info.request_id or ""
        row.reported_organization_id = result.info.organization_id or row.reported_organization_id


def _update_figures_digest_and_count(row: SyncStatus) -> None:
    """Count the checks that brought equal figures: the run's digest is that of the figures."""
    if row.figures_digest == row.run_digest:
        row.figures_check_count += 1
        return
    row.previous_figures_digest, row.figures_digest = row.figures_digest, row.run_digest
    row.figures_check_count = 1


@dataclass(frozen=True, slots=True)
class PreviousStatus:
    """What stood in the row before this check."""

    state: HealthState
    since: datetime
    last_sync_at: datetime | None
    unknown_at: datetime | None
    has_observation: bool

    @classmethod
    def from_row(cls, row: SyncStatus) -> "PreviousStatus":
        """The values of `row` before the check is applied."""
        return cls(
            HealthState(row.state),
            row.state_since,
            row.last_sync_at,
            row.unknown_at,
            has_observation=row.observed_at is not None,
        )


def health_verdict_apply(
    row: SyncStatus, facts: health.HealthFacts, previous: PreviousStatus, *, now: datetime
) -> None:
    """Set the health state, and since when it is true."""
    row.unknown_at = health.unknown_at(facts)
    if facts.master_key_misfit_since is not None and facts.observed_at is not None:
        # The last conclusion stays, to be shown as the last known state.
        return
    verdict = health.assess_observation(facts, now=now)
    row.state, row.state_rule = verdict.state, verdict.rule
    row.state_since = _state_since(verdict, previous, row, now)


def _state_since(
    verdict: health.HealthVerdict, previous: PreviousStatus, row: SyncStatus, now: datetime
) -> datetime:
    """When the state became true: never within a span in which another one was."""
    if verdict.state == previous.state:
        # A state that went on, with no unknown span between, keeps its beginning.
        was_unknown = previous.unknown_at is not None and previous.unknown_at < now
        last_sync_moved = (
            verdict.state != HealthState.UP_TO_DATE and previous.last_sync_at != row.last_sync_at
        )
        return (
            verdict.since if was_unknown or last_sync_moved else min(previous.since, verdict.since)
        )
    if previous.state in _STATES_UNTIL_NEXT_CHECK:
        return max(verdict.since, now)
    # Of a key never seen before, the figures tell since when it is as it is.
    return max(verdict.since, previous.since) if previous.has_observation else verdict.since


# Lines 2 and 3 hold until the check that ends them, whatever the figures say of the time before.
_STATES_UNTIL_NEXT_CHECK = frozenset(
    {HealthState.KEY_UNREADABLE, HealthState.KEY_REJECTED, HealthState.KEY_NOT_PERMITTED}
)
