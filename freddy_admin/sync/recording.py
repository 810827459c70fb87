"""Writes the ends of checks down: many rows in one short transaction, each row whole or not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from freddy_admin.sync import health
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.observations import observations_forget
from freddy_admin.sync.outcomes import Checked, OwnFailure, Problem
from freddy_admin.sync.policy import Policy, policy
from freddy_admin.sync.schedule import hold_until, next_check
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey, KeyStatus

_FIELDS = [
    field.attname
    for field in KeySync._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
    if not field.primary_key
]
_NO_PROBLEM = Problem(kind="")


def checks_store(ended: Sequence[Checked]) -> list[KeySync]:
    """Store these ends and free their leases; returns the rows that were written.

    A result whose lease is no longer its own, or whose key was replaced, paused or revoked
    meanwhile, is thrown away.
    """
    spans = policy()
    by_key = {one.key_id: one for one in ended}
    with transaction.atomic():
        rows = KeySync.objects.select_for_update(of=("self",)).select_related("key")
        found = list(rows.filter(pk__in=list(by_key)))
        kept = [row for row in found if _still_ours(row, by_key[row.pk])]
        for row in kept:
            record(row, row.key, by_key[row.pk], spans=spans)
        # One upsert for all: a tenth of the cost of an UPDATE per row.
        KeySync.objects.bulk_create(
            kept, update_conflicts=True, unique_fields=["key"], update_fields=_FIELDS
        )
        _release_lost(found, kept, by_key)
    observations_forget(rows=kept)
    return kept


def _still_ours(row: KeySync, ended: Checked) -> bool:
    same = row.lease_token == ended.token and row.key.version == ended.key_version
    return same and row.key.status == KeyStatus.ACTIVE and row.key.paused_at is None


def _release_lost(found: list[KeySync], kept: list[KeySync], by_key: dict[int, Checked]) -> None:
    lost = {row.pk for row in found} - {row.pk for row in kept}
    for pk in lost:
        mine = KeySync.objects.filter(pk=pk, lease_token=by_key[pk].token)
        mine.update(lease_token="", lease_until=None)


def record(row: KeySync, key: ApiKey, ended: Checked, *, spans: Policy) -> None:
    """Bring `row` up to date with the end of one check; saves nothing."""
    if row.key_version != ended.key_version:
        start_afresh(row, version=ended.key_version)
    was = Before.of(row)
    problem = ended.problem or _NO_PROBLEM
    _record_outcome(row, ended, problem)
    if ended.figures is not None:
        _record_figures(row, ended)
    facts = facts_of(row, key, spans)
    _record_verdict(row, facts, was, now=ended.finished_at)
    row.hold_until = hold_until(ended.problem, now=ended.finished_at)
    row.next_check_at = next_check(row, facts, now=ended.finished_at, policy=spans)
    row.requested_at, row.requested_by = None, ""
    row.lease_token, row.lease_until = "", None
    row.updated_at = ended.finished_at


def start_afresh(row: KeySync, *, version: int) -> None:
    """A replaced or resumed key: the old figures stay to be seen, nothing is concluded of them."""
    row.key_version = version
    row.figures_are_former = row.observed_at is not None
    row.first_observed_at = row.first_next_sync_at = row.skipped_at = None
    row.outcome, row.checked_at = Outcome.NONE, None
    row.failures, row.failing_since = 0, None
    row.refusals, row.refusal_status = 0, None
    row.unreadable_since = row.misfit_since = row.unknown_at = row.hold_until = None
    _record_problem(row, _NO_PROBLEM)


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


def _record_outcome(row: KeySync, ended: Checked, problem: Problem) -> None:
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


def _record_figures(row: KeySync, ended: Checked) -> None:
    figures, at = ended.figures, ended.finished_at
    assert figures is not None  # noqa: S101  for the type checker: the caller asked
    after = health.Schedule(figures.last_sync_at, figures.next_sync_at, figures.sync_interval_hours)
    if row.observed_at is not None and not row.figures_are_former:
        row.skipped_at = health.skip_seen(
            _schedule(row), after, observed_at=at, skipped_at=row.skipped_at
        )
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


def _record_verdict(row: KeySync, facts: health.Facts, was: Before, *, now: datetime) -> None:
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
