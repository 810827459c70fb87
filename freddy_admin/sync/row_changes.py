"""How a key's row changes with the end of one check: what came, and what to conclude of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from freddy_admin.sync import health
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import Checked, OwnFailure, Problem
from freddy_admin.sync.policy import Policy
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey

NO_PROBLEM = Problem(kind="")


def start_afresh(row: KeySync, *, version: int) -> None:
    """A replaced or resumed key: the old figures stay to be seen, nothing is concluded of them."""
    row.key_version = version
    row.figures_are_former = row.observed_at is not None
    row.first_observed_at = row.first_next_sync_at = row.skipped_at = None
    row.outcome, row.checked_at = Outcome.NONE, None
    row.failures, row.failing_since = 0, None
    row.refusals, row.refusal_status = 0, None
    row.unreadable_since = row.misfit_since = row.unknown_at = row.hold_until = None
    _record_problem(row, NO_PROBLEM)


def facts_of(row: KeySync, key: ApiKey, spans: Policy) -> health.Facts:
    """What the health rule looks at; figures from before a change do not count."""
    counts = row.observed_at is not None and not row.figures_are_former
    return health.Facts(
        schedule=_schedule(row) if counts else None,
        observed_at=row.observed_at if counts else None,
        first_observed_at=row.first_observed_at,
        first_next_sync_at=row.first_next_sync_at,
        skipped_at=row.skipped_at,
        checked_at=row.checked_at,
        refusals=row.refusals,
        not_permitted=row.refusal_status == 403,
        unreadable_since=row.unreadable_since,
        misfit_since=row.misfit_since,
        paused_at=key.paused_at,
        grace=None if key.grace_minutes is None else timedelta(minutes=key.grace_minutes),
        check_period=spans.period,
    )


def _schedule(row: KeySync) -> health.Schedule:
    return health.Schedule(row.last_sync_at, row.next_sync_at, row.sync_interval_hours)


def outcome_record(row: KeySync, ended: Checked, problem: Problem) -> None:
    """How the check ended, and how many ended so in a row."""
    at = ended.finished_at
    row.checked_at, row.outcome, row.elapsed_ms = at, ended.outcome, ended.elapsed_ms
    _record_problem(row, problem)
    if ended.outcome == Outcome.FAILED:
        row.failures += 1
        row.failing_since = row.failing_since or at
    else:
        row.failures, row.failing_since = 0, None
        refused = ended.outcome == Outcome.REFUSED
        row.refusals = row.refusals + 1 if refused else 0
        row.refusal_status = problem.http_status if refused else None
    if problem.kind == OwnFailure.MASTER_KEY_MISFIT:
        row.misfit_since = row.misfit_since or at
        return
    row.misfit_since = None
    unreadable = problem.kind == OwnFailure.KEY_UNREADABLE
    row.unreadable_since = row.unreadable_since or at if unreadable else None


def _record_problem(row: KeySync, problem: Problem) -> None:
    row.error_kind, row.error_code = problem.kind, problem.code
    row.error_http_status, row.error_message = problem.http_status, problem.message
    row.error_field, row.error_detail = problem.field, problem.detail
    row.trace_id, row.request_id = problem.trace_id, problem.request_id


def figures_record(row: KeySync, ended: Checked) -> None:
    """The figures of a good check, as received."""
    figures, at = ended.figures, ended.finished_at
    assert figures is not None  # noqa: S101  for the type checker: the caller asked
    after = health.Schedule(figures.last_sync_at, figures.next_sync_at, figures.sync_interval_hours)
    if row.observed_at is not None and not row.figures_are_former:
        row.skipped_at = health.skip_seen(
            _schedule(row), after, observed_at=at, skipped_at=row.skipped_at
        )
    _record_agreement(row)
    row.total_tools, row.enabled_tools = figures.total_tools, figures.enabled_tools
    row.last_sync_at, row.next_sync_at = figures.last_sync_at, figures.next_sync_at
    row.sync_interval_hours = figures.sync_interval_hours
    row.incremental_sync_enabled = figures.incremental_sync_enabled
    row.observed_at, row.figures_are_former = at, False
    row.first_observed_at = row.first_observed_at or at
    row.first_next_sync_at = row.first_next_sync_at or figures.next_sync_at
    if ended.info is not None:
        row.trace_id, row.request_id = ended.info.trace_id or "", ended.info.request_id or ""
        row.reported_organization_id = ended.info.organization_id or row.reported_organization_id


def _record_agreement(row: KeySync) -> None:
    """How long the figures have been what they are: the run's mark is that of the figures."""
    if row.figures_mark == row.run_mark:
        row.figures_count += 1
        return
    row.figures_before, row.figures_mark = row.figures_mark, row.run_mark
    row.figures_count = 1


@dataclass(frozen=True, slots=True)
class Before:
    """What stood in the row before this check."""

    state: State
    since: datetime
    last_sync_at: datetime | None
    unknown_at: datetime | None
    ever_observed: bool

    @classmethod
    def of(cls, row: KeySync) -> "Before":
        """As the row stands now."""
        return cls(
            State(row.state),
            row.state_since,
            row.last_sync_at,
            row.unknown_at,
            ever_observed=row.observed_at is not None,
        )


def verdict_record(row: KeySync, facts: health.Facts, was: Before, *, now: datetime) -> None:
    """What to conclude, and since when it is true."""
    row.unknown_at = health.unknown_at(facts)
    if facts.misfit_since is not None and facts.observed_at is not None:
        # The last conclusion stays, to be shown as the last known state.
        return
    verdict = health.conclude(replace(facts, paused_at=None), now=now)
    row.state, row.state_rule = verdict.state, verdict.rule
    row.state_since = _since(verdict, was, row, now)


def _since(verdict: health.Verdict, was: Before, row: KeySync, now: datetime) -> datetime:
    """When the state became true: never within a span in which another one was."""
    if verdict.state == was.state:
        # A state that went on, with no blind span between, keeps its beginning.
        blind = was.unknown_at is not None and was.unknown_at < now
        moved = verdict.state != State.UP_TO_DATE and was.last_sync_at != row.last_sync_at
        return verdict.since if blind or moved else min(was.since, verdict.since)
    if was.state in _ENDED_BY_AN_ANSWER:
        return max(verdict.since, now)
    # Of a key never seen before, the figures tell since when it is as it is.
    return max(verdict.since, was.since) if was.ever_observed else verdict.since


# Lines 2 and 3 hold until the check that ends them, whatever the figures say of the time before.
_ENDED_BY_AN_ANSWER = frozenset({State.KEY_UNREADABLE, State.KEY_REJECTED, State.KEY_NOT_PERMITTED})
