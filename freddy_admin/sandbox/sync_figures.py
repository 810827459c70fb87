"""The figures a key reports: a pure function of its scenario, its seed and the clock.

No thread moves anything. The times jump from slot to slot, so that two checks within one slot see
the same times, and so that each scenario keeps its place in the panel's health rule at any moment
of any day. The comment beside each scenario gives its margins.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from freddy_admin.sandbox.key_scenarios import ParsedKey, Scenario
from freddy_admin.sandbox.tool_catalog import TOOL_KEYS

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEALTHY_INTERVALS = (1, 1, 2, 4, 6, 12, 24)
_FEWEST_TOOLS = 18
_JUMP_INTERVAL = timedelta(minutes=10)
_DEFAULT_INTERVAL = 24


@dataclass(frozen=True, slots=True)
class SyncTimes:
    """When a key synced and will sync; ``interval_hours`` is 0 for none."""

    last_sync_at: datetime | None
    next_sync_at: datetime | None
    interval_hours: int


@dataclass(frozen=True, slots=True)
class ToolCounts:
    """Tools there are and tools switched on."""

    total: int
    enabled: int


def stable_number(seed: str, purpose: str) -> int:
    """A number that is always the same for this seed and purpose, and looks random."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{seed}".encode()).digest()[:6], "big")


def sync_times_at(
    key: ParsedKey, now: datetime, sync_end_times: Iterable[datetime] = ()
) -> SyncTimes:
    """The times this key reports at ``now``, started syncs that ended by then included."""
    scheduled = _TIMES.get(key.scenario, _healthy_times)(now, key.seed)
    if key.scenario is Scenario.SYNC_IGNORED:
        return scheduled
    last_started_sync = max(
        (end_time for end_time in sync_end_times if end_time <= now), default=None
    )
    if last_started_sync is None or (
        scheduled.last_sync_at is not None and scheduled.last_sync_at >= last_started_sync
    ):
        return scheduled
    if scheduled.next_sync_at is None or scheduled.next_sync_at > now:
        return replace(scheduled, last_sync_at=last_started_sync)
    hours = scheduled.interval_hours or _DEFAULT_INTERVAL
    return SyncTimes(last_started_sync, last_started_sync + hours * HOUR, hours)


def tool_counts_at(key: ParsedKey, now: datetime) -> ToolCounts:
    """The tools this key reports at ``now``, before anybody switched one on or off."""
    seed = key.seed
    if key.scenario is Scenario.JUMPING:
        seed = f"{seed}:{_latest_slot(now, _JUMP_INTERVAL):%d%H%M}"
    total = _FEWEST_TOOLS + stable_number(seed, "total") % (len(TOOL_KEYS) - _FEWEST_TOOLS + 1)
    enabled = 1 + stable_number(seed, "enabled") % total
    if key.scenario is Scenario.INCONSISTENT:
        enabled = total + 3
    return ToolCounts(total, enabled)


def is_incremental(key: ParsedKey) -> bool:
    """Whether this key's syncs only bring what changed."""
    return bool(stable_number(key.seed, "incremental") % 2)


def _latest_slot(now: datetime, interval: timedelta, seed: str = "") -> datetime:
    """The latest moment of a series up to ``now``; each seed has its own minute."""
    shift = timedelta(minutes=stable_number(seed, "minute") % 720) if seed else timedelta()
    since_first_slot = now - _EPOCH - shift
    return now - since_first_slot % interval


def _healthy_times(now: datetime, seed: str) -> SyncTimes:
    hours = _HEALTHY_INTERVALS[stable_number(seed, "interval") % len(_HEALTHY_INTERVALS)]
    last = _latest_slot(now, hours * HOUR, seed)
    return SyncTimes(last, last + hours * HOUR, hours)


def _late_times(now: datetime, seed: str) -> SyncTimes:
    # Due 15 min to 5 h 15 min ago; the grace of a daily sync is 6 h.
    due_at = _latest_slot(now, 5 * HOUR, seed) - timedelta(minutes=15)
    return SyncTimes(due_at - DAY, due_at, 24)


def _overdue_times(now: datetime, seed: str) -> SyncTimes:
    # Due 2 h to 26 h ago; the grace of these intervals is at most 1 h.
    hours = (1, 2, 4)[stable_number(seed, "interval") % 3]
    due_at = _latest_slot(now, DAY, seed) - 2 * HOUR
    return SyncTimes(due_at - hours * HOUR, due_at, hours)


def _never_synced_times(now: datetime, seed: str) -> SyncTimes:
    # With an interval the panel would have to watch for its length first, so there is none:
    # the first due time is the next one, at least 8 h ago.
    return SyncTimes(None, _latest_slot(now, DAY, seed) - 8 * HOUR, 0)


def _waiting_times(now: datetime, seed: str) -> SyncTimes:
    # The panel waits an interval from its own first check: a month outlasts any demo.
    month = 720 * HOUR
    return SyncTimes(None, _latest_slot(now, month, seed) + month, 720)


def _no_schedule_times(now: datetime, seed: str) -> SyncTimes:
    return SyncTimes(_latest_slot(now, DAY, seed), None, 0)


def _skipping_times(now: datetime, seed: str) -> SyncTimes:
    # The last sync is 3 h to 23 h old: over two intervals (Late at first sight) and under a day,
    # so that only a skip the panel saw itself makes it Overdue.
    return SyncTimes(
        _latest_slot(now, 20 * HOUR, seed) - 3 * HOUR, _latest_slot(now, HOUR, seed) + HOUR, 1
    )


def _impossible_times(now: datetime, seed: str) -> SyncTimes:
    # 1 h to 25 h ahead; the rule forgives 5 minutes.
    last = _latest_slot(now, DAY, seed) + 25 * HOUR
    return SyncTimes(last, last + HOUR, 1)


def _sync_ignored_times(now: datetime, seed: str) -> SyncTimes:
    # By the month, so that no scheduled sync comes in between and is taken for the started one.
    month = 720 * HOUR
    last = _latest_slot(now, month, seed)
    return SyncTimes(last, last + month, 720)


_TIMES: dict[Scenario, Callable[[datetime, str], SyncTimes]] = {
    Scenario.LATE: _late_times,
    Scenario.OVERDUE: _overdue_times,
    Scenario.NEVER_SYNCED: _never_synced_times,
    Scenario.WAITING: _waiting_times,
    Scenario.NO_SCHEDULE: _no_schedule_times,
    Scenario.SKIPPING: _skipping_times,
    Scenario.IMPOSSIBLE_TIMES: _impossible_times,
    Scenario.SYNC_IGNORED: _sync_ignored_times,
}
