"""Records history: each change once, each run of identical checks once, in one batch.

A `PendingHistory` gathers the events of check results and of what people did;
`pending_history_save` writes it, inside the transaction that saves the rows it is about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from freddy_admin.core import clock
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.diff import EventDraft
from freddy_admin.sync.history.signals import HealthChange, health_changed
from freddy_admin.sync.models import (
    CheckOutcome,
    CheckRun,
    EventKind,
    HistoryEvent,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.sync.models.operations import OperationKind, OperationState
from freddy_admin.vault.models import ApiKey

_BATCH_SIZE = 500
_FUTURE_TOLERANCE = timedelta(days=1)
# These last until the check that ends them, whatever its figures say of the time before.
_STATES_ENDED_BY_CHECK = frozenset(
    {
        "",
        HealthState.UNKNOWN,
        HealthState.NOT_CHECKED,
        HealthState.KEY_UNREADABLE,
        HealthState.KEY_REJECTED,
        HealthState.KEY_NOT_PERMITTED,
    }
)
# Hidden behind an unknown span, these have a start of their own that is worth recording.
_STATES_WITH_OWN_START = frozenset(
    {HealthState.LATE, HealthState.OVERDUE, HealthState.NEVER_SYNCED}
)


@dataclass(frozen=True, slots=True)
class FailureSpanEnd:
    """The end of a span of failing checks, how many there were, and the latest one's ids."""

    key_id: int
    until: datetime
    count: int
    latest_ids: Mapping[str, str]

    def apply_to(self, span: HistoryEvent) -> None:
        """Write the end into the event that began the span."""
        span.until = max(self.until, span.at)
        span.details = span.details | {"count": self.count}
        if self.count > 1 and self.latest_ids:
            span.details["latest_ids"] = dict(self.latest_ids)


def failure_ids(trace_id: str, request_id: str) -> dict[str, str]:
    """What support asks for of a failed call, as an event keeps it; empty where none was sent."""
    ids = {"trace_id": trace_id, "request_id": request_id}
    return {name: value for name, value in ids.items() if value}


@dataclass
class PendingHistory:
    """History that is not written yet, in the order in which it was observed."""

    events: list[HistoryEvent] = field(default_factory=list)
    check_runs: list[CheckRun] = field(default_factory=list)
    failure_span_ends: list[FailureSpanEnd] = field(default_factory=list)
    confirmed_syncs: list[tuple[int, datetime]] = field(default_factory=list)
    health_changes: list[HealthChange] = field(default_factory=list)

    def add_event(
        self, row: SyncStatus, draft: EventDraft, *, noticed_at: datetime, actor: str = ""
    ) -> None:
        """Add an event of the key whose status `row` is."""
        self.events.append(
            HistoryEvent(
                organisation_id=row.organisation_id,
                key_id=row.pk,
                kind=draft.kind,
                at=draft.at,
                noticed_at=noticed_at,
                actor_name=actor[:254],
                details=draft.details,
            )
        )

    def close_failure_span(self, span_end: FailureSpanEnd) -> None:
        """End a span of failing checks; it may have begun in an event that is not saved yet."""
        for event in reversed(self.events):
            is_failure = event.key_id == span_end.key_id and event.kind == EventKind.CHECK_FAILED
            if is_failure and event.until is None:
                span_end.apply_to(event)
                return
        self.failure_span_ends.append(span_end)

    def add_state_change(
        self,
        row: SyncStatus,
        state_after: HealthState,
        *,
        at: datetime,
        now: datetime,
        **extra_details: Any,
    ) -> None:
        """Add that the state changed at `at`, which is never put before what was recorded last."""
        event_time = _clamp_to_last_recorded(row.recorded_at, at, now)
        details = {"state": [row.recorded_state, state_after.value]} | extra_details
        self.add_event(
            row, EventDraft(EventKind.HEALTH_CHANGED, event_time, details), noticed_at=now
        )
        self.add_health_change(row, state_after, at=event_time, now=now)
        row.recorded_state, row.recorded_at = state_after.value, event_time

    def add_health_change(
        self, row: SyncStatus, state_after: HealthState | None, *, at: datetime, now: datetime
    ) -> None:
        """Add what is told to the rooms above: call it before the row shows the state as recorded.

        A change that is no longer so in the same batch is added all the same: they see the order.
        """
        state_before = HealthState(row.recorded_state) if row.recorded_state else None
        if state_after == state_before:
            return
        has_own_start = state_after in _STATES_WITH_OWN_START and row.state_since < at
        self.health_changes.append(
            HealthChange(
                organisation_id=row.organisation_id,
                key_id=row.pk,
                state_before=state_before,
                state_after=state_after,
                at=at,
                true_since=row.state_since if has_own_start else at,
                noticed_at=now,
                state_rule=row.state_rule,
                error_kind=row.error_kind,
                error_code=row.error_code,
                error_http_status=row.error_http_status,
                failing_since=row.failing_since,
                figures_digest=row.figures_digest,
                previous_figures_digest=row.previous_figures_digest,
                figures_check_count=row.figures_check_count,
            )
        )


def health_change_record(
    pending_history: PendingHistory, row: SyncStatus, *, unknown_at: datetime | None, now: datetime
) -> None:
    """Record how the health state changed; `unknown_at` is when the former one became unknown."""
    unknown_state_record(pending_history, row, unknown_at=unknown_at, now=now)
    is_unknown_by_age = row.unknown_at is not None and row.unknown_at < now
    state = HealthState.UNKNOWN if is_unknown_by_age else HealthState(row.state)
    if state == row.recorded_state:
        return
    extra_details: dict[str, Any] = {} if is_unknown_by_age else {"rule": row.state_rule}
    if row.recorded_state not in _STATES_ENDED_BY_CHECK:
        pending_history.add_state_change(
            row, state, at=min(row.state_since, now), now=now, **extra_details
        )
        return
    if state in _STATES_WITH_OWN_START and row.state_since < now:
        extra_details["since"] = f"{row.state_since:%Y-%m-%dT%H:%M:%SZ}"
    pending_history.add_state_change(row, state, at=now, now=now, **extra_details)


def unknown_state_record(
    pending_history: PendingHistory, row: SyncStatus, *, unknown_at: datetime | None, now: datetime
) -> None:
    """Record that the state became unknown with time, where no worker was there to see it."""
    has_no_known_state = row.recorded_state in {"", HealthState.UNKNOWN, HealthState.PAUSED}
    if not has_no_known_state and unknown_at is not None and unknown_at < now:
        pending_history.add_state_change(row, HealthState.UNKNOWN, at=unknown_at, now=now)


class KeyChange(NamedTuple):
    """What happened to a key, and its state from then on; None where it is no longer watched."""

    change: str
    state_after: HealthState | None


def key_change_record(
    pending_history: PendingHistory,
    row: SyncStatus,
    key_change: KeyChange,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Record what happened to a key."""
    event_time = _clamp_to_last_recorded(row.recorded_at, now, now)
    state_value = key_change.state_after.value if key_change.state_after else ""
    draft = EventDraft(
        EventKind.KEY_CHANGED,
        event_time,
        {"what": key_change.change, "state": [row.recorded_state, state_value]},
    )
    pending_history.add_event(row, draft, noticed_at=now, actor=actor)
    pending_history.add_health_change(row, key_change.state_after, at=event_time, now=now)
    row.recorded_state, row.recorded_at = state_value, event_time


def history_event_create(
    *, key: ApiKey, kind: EventKind, details: dict[str, Any], actor: str = ""
) -> None:
    """Save at once an event that changes no state: what a person did, what came of it."""
    now = clock.now()
    HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key_id=key.pk,
        kind=kind,
        at=now,
        noticed_at=now,
        actor_name=actor[:254],
        details=details,
    )


def _clamp_to_last_recorded(
    last_recorded_at: datetime | None, at: datetime, now: datetime
) -> datetime:
    """`at`, but never before `last_recorded_at`, unless that lies far ahead of `now`.

    A clock that was years ahead for one check must not stamp all that comes after with its time.
    """
    return (
        max(last_recorded_at, at)
        if last_recorded_at is not None and last_recorded_at <= now + _FUTURE_TOLERANCE
        else at
    )


def check_run_close(
    pending_history: PendingHistory, row: SyncStatus, *, until: datetime | None = None
) -> None:
    """Add the present run, as its row still shows it, and end its span of failing checks.

    `until` is the time of the check with another result; without it the span ends with the
    last check of the run.
    """
    last_at = row.checked_at
    if not row.run_digest or row.run_started_at is None or last_at is None:
        return
    if row.recorded_error_digest:
        # As the row still shows the latest check of the run, its ids are that check's.
        latest_ids = failure_ids(row.trace_id, row.request_id)
        pending_history.close_failure_span(
            FailureSpanEnd(row.pk, until or last_at, row.run_count, latest_ids)
        )
        row.recorded_error_digest = ""
    last_at = max(row.run_started_at, last_at)
    pending_history.check_runs.append(_build_check_run(row, row.run_started_at, last_at))
    # The next run begins no earlier than this one ended, wherever our clock is set to.
    row.run_digest, row.run_started_at, row.run_count, row.run_worst_ms = "", last_at, 0, None


def check_run_extend(
    row: SyncStatus, *, digest: str, at: datetime, elapsed_ms: float | None
) -> None:
    """Count one more check in the present run, which begins with it where there is none."""
    if not row.run_digest:
        row.run_digest = digest
        row.run_started_at = _clamp_to_last_recorded(row.run_started_at, at, at)
    row.run_count += 1
    durations_ms = [ms for ms in (row.run_worst_ms, elapsed_ms) if ms is not None]
    row.run_worst_ms = max(durations_ms, default=None)


def pending_history_save(pending_history: PendingHistory) -> None:
    """Write all of it; call inside the transaction that saves the rows it is about.

    Receivers of `health_changed` may take locks: wait for no row of a status or key after it.
    """
    _failure_spans_close(pending_history.failure_span_ends)
    HistoryEvent.objects.bulk_create(pending_history.events, batch_size=_BATCH_SIZE)
    CheckRun.objects.bulk_create(pending_history.check_runs, batch_size=_BATCH_SIZE)
    for key_id, synced_at in pending_history.confirmed_syncs:
        _sync_operations_confirm(key_id, synced_at)
    changes = pending_history.health_changes
    if changes:
        now = max(change.noticed_at for change in changes)
        health_changed.send(sender=PendingHistory, changes=changes, now=now)


def _failure_spans_close(failure_span_ends: Sequence[FailureSpanEnd]) -> None:
    if not failure_span_ends:
        return
    span_end_by_key = {span_end.key_id: span_end for span_end in failure_span_ends}
    open_spans = list(
        HistoryEvent.objects.filter(
            key_id__in=list(span_end_by_key), kind=EventKind.CHECK_FAILED, until=None
        )
    )
    for span in open_spans:
        span_end_by_key[span.key_id or 0].apply_to(span)
    HistoryEvent.objects.bulk_update(open_spans, ["until", "details"])


def _sync_operations_confirm(key_id: int, synced_at: datetime) -> None:
    RemoteOperation.objects.filter(
        key_id=key_id,
        kind=OperationKind.SYNC,
        state__in=(OperationState.DONE, OperationState.UNCLEAR),
        confirmed_sync_at=None,
        requested_at__lt=synced_at + timedelta(seconds=1),
    ).update(confirmed_sync_at=synced_at)


def _build_check_run(row: SyncStatus, first_at: datetime, last_at: datetime) -> CheckRun:
    run = CheckRun(
        organisation_id=row.organisation_id,
        key_id=row.pk,
        key_version=row.key_version,
        first_at=first_at,
        last_at=last_at,
        count=row.run_count,
        worst_ms=row.run_worst_ms,
        outcome=row.outcome,
    )
    field_names = _FIGURE_FIELDS if row.outcome == CheckOutcome.GOOD else _ERROR_FIELDS
    for field_name in field_names:
        setattr(run, field_name, getattr(row, field_name))
    return run


_FIGURE_FIELDS = (
    "total_tools",
    "enabled_tools",
    "last_sync_at",
    "next_sync_at",
    "sync_interval_hours",
    "incremental_sync_enabled",
)
_ERROR_FIELDS = ("error_kind", "error_code", "error_http_status", "trace_id", "request_id")
