"""Properties of the history that hold whatever is observed and wherever the clock jumps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.aitronos.types import SyncStatusResponse
from freddy_admin.sync.checks.apply import health_facts_from_row, sync_status_reset
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_result_apply, check_run_interrupt
from freddy_admin.sync.checks.results import CallFailure, CheckResult
from freddy_admin.sync.health import HealthVerdict
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.recorder import KeyChange, PendingHistory, key_change_record
from freddy_admin.sync.history.timeline import (
    ReplayEvent,
    replay_key_history,
    state_change_from_event,
)
from freddy_admin.sync.models import CheckOutcome, CheckRun, EventKind, HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON
from tests.sync.whole_health_rule import assess_health

M, H = timedelta(minutes=1), timedelta(hours=1)
STALE = 15 * M
READ_TIMEOUT = CallFailure(kind="read_timeout")
REFUSED = CallFailure(kind="key_refused", http_status=401, code="INVALID_API_KEY")


@dataclass
class World:
    """One key without a database, an API whose figures change, and a clock that jumps."""

    now: datetime = NOON
    last_sync_at: datetime | None = NOON - H
    next_sync_at: datetime | None = NOON + H
    tools: int = 7
    events: list[HistoryEvent] = field(default_factory=list)
    runs: list[CheckRun] = field(default_factory=list)
    good_at: list[datetime] = field(default_factory=list)
    seen_syncs: list[datetime] = field(default_factory=list)
    later_syncs: list[datetime] = field(default_factory=list)
    states_after_checks: list[tuple[datetime, HealthState]] = field(default_factory=list)
    tools_seen: int | None = None

    def __post_init__(self) -> None:
        self.key = ApiKey(pk=1, organisation_id=1, label="Main", version=1)
        self.row = SyncStatus(key=self.key, organisation_id=1, state_since=NOON)
        pending_history = PendingHistory()
        key_change_record(
            pending_history,
            self.row,
            KeyChange("added", HealthState.NOT_CHECKED),
            actor="Ana",
            now=NOON,
        )
        self.save_history(pending_history)

    def save_history(self, pending_history: PendingHistory) -> None:
        """Do in memory what `pending_history_save` does in the database."""
        for span_end in pending_history.failure_span_ends:
            for event in self.events:
                if event.kind == EventKind.CHECK_FAILED and event.until is None:
                    event.until = max(span_end.until, event.at)
        self.events += pending_history.events
        self.runs += pending_history.check_runs

    def step(self, name: str, value: int) -> None:
        """Do one action, such as `sync`, with its number."""
        getattr(self, f"do_{name}")(value)

    def do_wait(self, minutes: int) -> None:
        self.now += minutes * M

    def do_sync(self, _: int) -> None:
        self.last_sync_at, self.next_sync_at = self.now - M, self.now + H

    def do_skip(self, _: int) -> None:
        self.next_sync_at = self.now + H

    def do_take_back(self, hours: int) -> None:
        self.last_sync_at = None if hours % 2 else self.now - abs(hours) * H

    def do_tools(self, number: int) -> None:
        self.tools = abs(number)

    def do_good(self, _: int) -> None:
        self.good_at.append(self.now)
        latest = max(self.seen_syncs, default=None)
        if self.last_sync_at is not None and (latest is None or self.last_sync_at > latest):
            self.seen_syncs.append(self.last_sync_at)
            if len(self.good_at) > 1:
                self.later_syncs.append(self.last_sync_at)
        self.tools_seen = self.tools
        figures = SyncStatusResponse(42, self.tools, self.last_sync_at, self.next_sync_at, 1, False)
        self.finish_check(CheckOutcome.GOOD, figures=figures)

    def do_fail(self, _: int) -> None:
        self.finish_check(CheckOutcome.FAILED, failure=READ_TIMEOUT)

    def do_refuse(self, _: int) -> None:
        self.finish_check(CheckOutcome.REFUSED, failure=REFUSED)

    def do_replace(self, _: int) -> None:
        pending_history = PendingHistory()
        check_run_interrupt(self.row, pending_history=pending_history, now=self.now)
        self.key.version += 1
        sync_status_reset(self.row, version=self.key.version, environment=self.key.environment)
        self.row.state, self.row.state_since = HealthState.NOT_CHECKED, self.now
        key_change = KeyChange("replaced", HealthState.NOT_CHECKED)
        key_change_record(pending_history, self.row, key_change, actor="Ana", now=self.now)
        self.save_history(pending_history)

    def finish_check(self, outcome: CheckOutcome, **fields: Any) -> None:
        result = CheckResult(1, self.key.version, "t", self.now, outcome, elapsed_ms=5.0, **fields)
        pending_history = PendingHistory()
        check_result_apply(
            self.row, self.key, result, policy=check_policy(), pending_history=pending_history
        )
        self.save_history(pending_history)
        self.states_after_checks.append((self.now, HealthState(self.row.recorded_state)))

    @property
    def replay_events(self) -> list[ReplayEvent]:
        events = sorted(self.events, key=lambda event: event.at)
        return [ReplayEvent(EventKind(event.kind), event.at, event.details) for event in events]

    def assess_health(self, at: datetime) -> HealthVerdict:
        facts = health_facts_from_row(self.row, self.key, check_policy())
        return assess_health(facts, now=at, paused_at=self.key.paused_at)


ACTIONS = st.sampled_from(
    ["sync", "skip", "take_back", "tools", "good", "good", "good", "fail", "refuse", "replace"]
)
FORWARD_WAITS = st.tuples(st.just("wait"), st.sampled_from([0, 1, 4, 5, 14, 16, 61, 400]))
CLOCK_JUMPS = st.tuples(st.just("wait"), st.sampled_from([-300, -61, -1, 0, 1, 5, 16, 61, 400]))
ACTION_STEPS = st.tuples(ACTIONS, st.integers(-5, 5))


def run_steps(steps: list[tuple[str, int]]) -> World:
    world = World()
    for name, value in steps:
        world.step(name, value)
    return world


def step_lists(waits: Any) -> Any:
    return st.lists(ACTION_STEPS | waits, min_size=1, max_size=40)


@given(step_lists(FORWARD_WAITS))
def test_up_to_date_is_never_recorded_for_a_time_without_data(
    steps: list[tuple[str, int]],
) -> None:
    world = run_steps(steps)
    state = world.assess_health(world.now).state
    if state is HealthState.UP_TO_DATE:
        assert world.now - world.good_at[-1] <= STALE
    history = replay_key_history(
        world.replay_events,
        key_id=1,
        label="Main",
        start=NOON,
        end=world.now,
        state=HealthState(world.row.recorded_state),
        tools=(None, None),
    )
    for span in history.spans:
        if span.state is HealthState.UP_TO_DATE and span.end < world.now:
            for moment in (span.start, span.end):
                assert any(abs(moment - at) <= STALE for at in world.good_at)


@given(step_lists(CLOCK_JUMPS))
def test_no_two_check_runs_overlap_wherever_the_clock_jumps(steps: list[tuple[str, int]]) -> None:
    world = run_steps(steps)
    run_times = [(run.first_at, run.last_at) for run in world.runs]
    assert all(first_at <= last_at for first_at, last_at in run_times)
    assert all(before[1] <= after[0] for before, after in pairwise(run_times))
    if world.runs and world.row.run_digest:
        assert world.row.run_started_at >= world.runs[-1].last_at
    checks = sum(run.count for run in world.runs) + world.row.run_count
    assert checks == len(world.states_after_checks)


@given(step_lists(CLOCK_JUMPS))
def test_every_state_change_begins_with_the_state_before_it(steps: list[tuple[str, int]]) -> None:
    world = run_steps(steps)
    recorded_state: str | None = None
    for event in world.events:
        change = state_change_from_event(
            ReplayEvent(EventKind(event.kind), event.at, event.details)
        )
        if change is None:
            continue
        assert recorded_state is None or (change[0] or "") == recorded_state
        recorded_state = change[1] or ""
    assert recorded_state == world.row.recorded_state
    times = [event.at for event in world.events if "state" in event.details]
    assert times == sorted(times)


@given(step_lists(FORWARD_WAITS))
def test_replaying_the_events_gives_the_recorded_state(steps: list[tuple[str, int]]) -> None:
    world = run_steps(steps)
    history = replay_key_history(
        world.replay_events,
        key_id=1,
        label="Main",
        start=NOON,
        end=world.now + M,
        state=HealthState(world.row.recorded_state),
        tools=(world.row.enabled_tools, world.row.total_tools),
    )
    assert history.spans[0].start == NOON
    assert history.spans[-1].end == world.now + M
    assert all(a.end == b.start for a, b in pairwise(history.spans))
    assert history.spans[-1].state == world.row.recorded_state
    if history.spans[-1].state in {HealthState.UP_TO_DATE, HealthState.LATE, HealthState.OVERDUE}:
        assert history.tools[-1].enabled == world.tools_seen


@given(step_lists(CLOCK_JUMPS))
def test_a_sync_and_a_skipped_sync_are_recorded_once(steps: list[tuple[str, int]]) -> None:
    world = run_steps(steps)
    for kind in (EventKind.SYNC_SEEN, EventKind.SYNC_SKIPPED):
        times = [event.at for event in world.events if event.kind == kind]
        assert len(times) == len(set(times))


@given(step_lists(FORWARD_WAITS))
def test_every_later_sync_is_recorded_with_its_own_time(
    steps: list[tuple[str, int]],
) -> None:
    world = run_steps(steps)
    sync_times = [event.at for event in world.events if event.kind == EventKind.SYNC_SEEN]
    assert sync_times == world.later_syncs


@given(step_lists(CLOCK_JUMPS), st.integers(0, 2000))
def test_the_state_depends_on_time_alone_without_a_new_check(
    steps: list[tuple[str, int]], minutes: int
) -> None:
    world = run_steps(steps)
    at = world.now + minutes * M
    first, second = world.assess_health(at), world.assess_health(at)
    assert first == second
    # With nothing new, a state can only become unknown, and stays it.
    state_now = world.assess_health(world.now).state
    assert first.state in {state_now, HealthState.UNKNOWN}
    if first.state is HealthState.UNKNOWN:
        assert world.assess_health(at + H).state is HealthState.UNKNOWN


@given(step_lists(CLOCK_JUMPS))
def test_a_failure_span_is_open_exactly_while_checks_fail(
    steps: list[tuple[str, int]],
) -> None:
    world = run_steps(steps)
    spans = [span for span in world.events if span.kind == EventKind.CHECK_FAILED]
    open_spans = [span for span in spans if span.until is None]
    failing = (
        world.row.outcome in {CheckOutcome.FAILED, CheckOutcome.REFUSED} and world.row.run_digest
    )
    assert len(open_spans) == (1 if failing else 0)
    assert all(span.until >= span.at for span in spans if span.until is not None)
