"""Whatever is observed and wherever the clock jumps: what the history must never do."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.aitronos.types import SyncStatus
from freddy_admin.sync import health
from freddy_admin.sync.history.spans import Happening, change_of, key_history
from freddy_admin.sync.history.telling import Fate, Telling, key_tell
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, KeySync, Outcome
from freddy_admin.sync.outcomes import Checked, Problem
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import history_break, record
from freddy_admin.sync.row_changes import facts_of, start_afresh
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON

M, H = timedelta(minutes=1), timedelta(hours=1)
STALE = 15 * M
GONE = Problem(kind="read_timeout")
REFUSED = Problem(kind="key_refused", http_status=401, code="INVALID_API_KEY")


@dataclass
class World:
    """One key without a database, an API that changes its mind, and a clock that jumps."""

    now: datetime = NOON
    last: datetime | None = NOON - H
    following: datetime | None = NOON + H
    tools: int = 7
    events: list[HistoryEvent] = field(default_factory=list)
    runs: list[CheckRun] = field(default_factory=list)
    good_at: list[datetime] = field(default_factory=list)
    seen: list[datetime] = field(default_factory=list)
    synced: list[datetime] = field(default_factory=list)
    after_each: list[tuple[datetime, State]] = field(default_factory=list)
    tools_seen: int | None = None

    def __post_init__(self) -> None:
        self.key = ApiKey(pk=1, organisation_id=1, label="Main", version=1)
        self.row = KeySync(key=self.key, organisation_id=1, state_since=NOON)
        telling = Telling()
        key_tell(telling, self.row, Fate("added", State.NOT_CHECKED), actor="Ana", now=NOON)
        self.keep(telling)

    def keep(self, telling: Telling) -> None:
        """As `telling_store` does, in memory."""
        for closing in telling.closings:
            for one in self.events:
                if one.kind == EventKind.CHECK_FAILED and one.until is None:
                    one.until = max(closing.until, one.at)
        self.events += telling.events
        self.runs += telling.runs

    def step(self, name: str, value: int) -> None:
        """One thing that happens."""
        getattr(self, f"do_{name}")(value)

    def do_wait(self, minutes: int) -> None:
        self.now += minutes * M

    def do_sync(self, _: int) -> None:
        self.last, self.following = self.now - M, self.now + H

    def do_skip(self, _: int) -> None:
        self.following = self.now + H

    def do_take_back(self, hours: int) -> None:
        self.last = None if hours % 2 else self.now - abs(hours) * H

    def do_tools(self, number: int) -> None:
        self.tools = abs(number)

    def do_good(self, _: int) -> None:
        self.good_at.append(self.now)
        latest = max(self.seen, default=None)
        if self.last is not None and (latest is None or self.last > latest):
            self.seen.append(self.last)
            if len(self.good_at) > 1:
                self.synced.append(self.last)
        self.tools_seen = self.tools
        figures = SyncStatus(42, self.tools, self.last, self.following, 1, False)
        self.end(Outcome.GOOD, figures=figures)

    def do_fail(self, _: int) -> None:
        self.end(Outcome.FAILED, problem=GONE)

    def do_refuse(self, _: int) -> None:
        self.end(Outcome.REFUSED, problem=REFUSED)

    def do_replace(self, _: int) -> None:
        telling = Telling()
        history_break(self.row, telling=telling, now=self.now)
        self.key.version += 1
        start_afresh(self.row, version=self.key.version)
        self.row.state, self.row.state_since = State.NOT_CHECKED, self.now
        fate = Fate("replaced", State.NOT_CHECKED)
        key_tell(telling, self.row, fate, actor="Ana", now=self.now)
        self.keep(telling)

    def end(self, outcome: Outcome, **more: Any) -> None:
        ended = Checked(1, self.key.version, "t", self.now, outcome, elapsed_ms=5.0, **more)
        telling = Telling()
        record(self.row, self.key, ended, spans=policy(), telling=telling)
        self.keep(telling)
        self.after_each.append((self.now, State(self.row.told_state)))

    @property
    def happenings(self) -> list[Happening]:
        told = sorted(self.events, key=lambda one: one.at)
        return [Happening(EventKind(one.kind), one.at, one.details) for one in told]

    def assessed(self, at: datetime) -> health.Verdict:
        return health.assess(facts_of(self.row, self.key, policy()), now=at)


DOINGS = st.sampled_from(
    ["sync", "skip", "take_back", "tools", "good", "good", "good", "fail", "refuse", "replace"]
)
FORWARD = st.tuples(st.just("wait"), st.sampled_from([0, 1, 4, 5, 14, 16, 61, 400]))
ANY_WAY = st.tuples(st.just("wait"), st.sampled_from([-300, -61, -1, 0, 1, 5, 16, 61, 400]))
DO = st.tuples(DOINGS, st.integers(-5, 5))


def lived(steps: list[tuple[str, int]]) -> World:
    world = World()
    for name, value in steps:
        world.step(name, value)
    return world


def steps(waits: Any) -> Any:
    return st.lists(DO | waits, min_size=1, max_size=40)


@given(steps(FORWARD))
def test_green_is_never_told_of_a_time_without_data(doings: list[tuple[str, int]]) -> None:
    world = lived(doings)
    state = world.assessed(world.now).state
    if state is State.UP_TO_DATE:
        assert world.now - world.good_at[-1] <= STALE
    history = key_history(
        world.happenings,
        key_id=1,
        label="Main",
        start=NOON,
        end=world.now,
        state=State(world.row.told_state),
        tools=(None, None),
    )
    for span in history.spans:
        if span.state is State.UP_TO_DATE and span.end < world.now:
            for moment in (span.start, span.end):
                assert any(abs(moment - at) <= STALE for at in world.good_at)


@given(steps(ANY_WAY))
def test_no_two_runs_overlap_wherever_the_clock_jumps(doings: list[tuple[str, int]]) -> None:
    world = lived(doings)
    ends = [(run.first_at, run.last_at) for run in world.runs]
    assert all(first <= last for first, last in ends)
    assert all(before[1] <= after[0] for before, after in pairwise(ends))
    if world.runs and world.row.run_mark:
        assert world.row.run_from >= world.runs[-1].last_at
    checks = sum(run.count for run in world.runs) + world.row.run_count
    assert checks == len(world.after_each)


@given(steps(ANY_WAY))
def test_every_state_follows_from_the_one_before_it(doings: list[tuple[str, int]]) -> None:
    world = lived(doings)
    told: str | None = None
    for one in world.events:
        change = change_of(Happening(EventKind(one.kind), one.at, one.details))
        if change is None:
            continue
        assert told is None or (change[0] or "") == told
        told = change[1] or ""
    assert told == world.row.told_state
    times = [one.at for one in world.events if "state" in one.details]
    assert times == sorted(times)


@given(steps(FORWARD))
def test_replaying_the_events_gives_what_was_told(doings: list[tuple[str, int]]) -> None:
    world = lived(doings)
    history = key_history(
        world.happenings,
        key_id=1,
        label="Main",
        start=NOON,
        end=world.now + M,
        state=State(world.row.told_state),
        tools=(world.row.enabled_tools, world.row.total_tools),
    )
    assert history.spans[0].start == NOON
    assert history.spans[-1].end == world.now + M
    assert all(a.end == b.start for a, b in pairwise(history.spans))
    assert history.spans[-1].state == world.row.told_state
    if history.spans[-1].state in {State.UP_TO_DATE, State.LATE, State.OVERDUE}:
        assert history.tools[-1].enabled == world.tools_seen


@given(steps(ANY_WAY))
def test_a_sync_and_a_skip_are_told_once(doings: list[tuple[str, int]]) -> None:
    world = lived(doings)
    for kind in (EventKind.SYNC_SEEN, EventKind.SYNC_SKIPPED):
        times = [one.at for one in world.events if one.kind == kind]
        assert len(times) == len(set(times))


@given(steps(FORWARD))
def test_every_sync_that_moved_on_is_told_with_its_own_time(
    doings: list[tuple[str, int]],
) -> None:
    world = lived(doings)
    told = [one.at for one in world.events if one.kind == EventKind.SYNC_SEEN]
    assert told == world.synced


@given(steps(ANY_WAY), st.integers(0, 2000))
def test_once_observed_the_state_depends_on_time_alone(
    doings: list[tuple[str, int]], minutes: int
) -> None:
    world = lived(doings)
    at = world.now + minutes * M
    first, again = world.assessed(at), world.assessed(at)
    assert first == again
    # With nothing new, a state can only become unknown, and stays it.
    now = world.assessed(world.now).state
    assert first.state in {now, State.UNKNOWN}
    if first.state is State.UNKNOWN:
        assert world.assessed(at + H).state is State.UNKNOWN


@given(steps(ANY_WAY))
def test_a_span_of_failures_is_open_exactly_while_checks_fail(
    doings: list[tuple[str, int]],
) -> None:
    world = lived(doings)
    spans = [one for one in world.events if one.kind == EventKind.CHECK_FAILED]
    still = [one for one in spans if one.until is None]
    failing = world.row.outcome in {Outcome.FAILED, Outcome.REFUSED} and world.row.run_mark
    assert len(still) == (1 if failing else 0)
    assert all(one.until >= one.at for one in spans if one.until is not None)
