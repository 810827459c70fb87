"""The figures a key reports: a pure function of its scenario, its seed and the clock.

No thread moves anything. The times jump from slot to slot, so that two looks within one slot see
the same times, and so that each scenario keeps its place in the panel's health rule at any moment
of any day. The margins beside each scenario say why it does.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from freddy_admin.sandbox.catalogue import NAMES
from freddy_admin.sandbox.scenarios import ParsedKey, Scenario

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_HEALTHY_INTERVALS = (1, 1, 2, 4, 6, 12, 24)
_FEWEST_TOOLS = 18
_JUMP_EVERY = timedelta(minutes=10)
_DEFAULT_INTERVAL = 24


@dataclass(frozen=True, slots=True)
class Times:
    """When a key synced and will sync; ``hours`` is the interval, 0 for none."""

    last: datetime | None
    next: datetime | None
    hours: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Tools there are and tools switched on."""

    total: int
    enabled: int


def number(seed: str, purpose: str) -> int:
    """A number that is always the same for this seed and purpose, and looks random."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{seed}".encode()).digest()[:6], "big")


def times_at(key: ParsedKey, now: datetime, triggered: Iterable[datetime] = ()) -> Times:
    """The times this key reports at ``now``, started syncs that ended by then included."""
    scheduled = _TIMES.get(key.scenario, _healthy)(now, key.seed)
    if key.scenario is Scenario.SYNC_IGNORED:
        return scheduled
    started = max((at for at in triggered if at <= now), default=None)
    if started is None or (scheduled.last is not None and scheduled.last >= started):
        return scheduled
    if scheduled.next is None or scheduled.next > now:
        return replace(scheduled, last=started)
    hours = scheduled.hours or _DEFAULT_INTERVAL
    return Times(started, started + hours * HOUR, hours)


def counts_at(key: ParsedKey, now: datetime) -> Counts:
    """The tools this key reports at ``now``, before anybody switched one on or off."""
    seed = key.seed
    if key.scenario is Scenario.JUMPING:
        seed = f"{seed}:{_slot(now, _JUMP_EVERY):%d%H%M}"
    total = _FEWEST_TOOLS + number(seed, "total") % (len(NAMES) - _FEWEST_TOOLS + 1)
    enabled = 1 + number(seed, "enabled") % total
    if key.scenario is Scenario.INCONSISTENT:
        enabled = total + 3
    return Counts(total, enabled)


def incremental(key: ParsedKey) -> bool:
    """Whether this key's syncs only bring what changed."""
    return bool(number(key.seed, "incremental") % 2)


def _slot(now: datetime, every: timedelta, seed: str = "") -> datetime:
    """The latest moment of a series up to ``now``; each seed has its own minute."""
    shift = timedelta(minutes=number(seed, "minute") % 720) if seed else timedelta()
    since = now - _EPOCH - shift
    return now - since % every


def _healthy(now: datetime, seed: str) -> Times:
    hours = _HEALTHY_INTERVALS[number(seed, "interval") % len(_HEALTHY_INTERVALS)]
    last = _slot(now, hours * HOUR, seed)
    return Times(last, last + hours * HOUR, hours)


def _late(now: datetime, seed: str) -> Times:
    # Due 15 min to 5 h 15 min ago; the grace of a daily sync is 6 h.
    due = _slot(now, 5 * HOUR, seed) - timedelta(minutes=15)
    return Times(due - DAY, due, 24)


def _overdue(now: datetime, seed: str) -> Times:
    # Due 2 h to 26 h ago; the grace of these intervals is at most 1 h.
    hours = (1, 2, 4)[number(seed, "interval") % 3]
    due = _slot(now, DAY, seed) - 2 * HOUR
    return Times(due - hours * HOUR, due, hours)


def _never_synced(now: datetime, seed: str) -> Times:
    # With an interval the panel would have to watch for its length first, so there is none:
    # the first due time is the next one, at least 8 h ago.
    return Times(None, _slot(now, DAY, seed) - 8 * HOUR, 0)


def _waiting(now: datetime, seed: str) -> Times:
    # The panel waits an interval from its own first look: a month outlasts any demo.
    month = 720 * HOUR
    return Times(None, _slot(now, month, seed) + month, 720)


def _no_schedule(now: datetime, seed: str) -> Times:
    return Times(_slot(now, DAY, seed), None, 0)


def _skipping(now: datetime, seed: str) -> Times:
    # The last sync is 3 h to 23 h old: over two intervals (Late at first sight) and under a day,
    # so that only a skip the panel saw itself makes it Overdue.
    return Times(_slot(now, 20 * HOUR, seed) - 3 * HOUR, _slot(now, HOUR, seed) + HOUR, 1)


def _impossible(now: datetime, seed: str) -> Times:
    # 1 h to 25 h ahead; the rule forgives 5 minutes.
    last = _slot(now, DAY, seed) + 25 * HOUR
    return Times(last, last + HOUR, 1)


def _ignored(now: datetime, seed: str) -> Times:
    # By the month, so that no scheduled sync comes in between and is taken for the started one.
    month = 720 * HOUR
    last = _slot(now, month, seed)
    return Times(last, last + month, 720)


_TIMES: dict[Scenario, Callable[[datetime, str], Times]] = {
    Scenario.LATE: _late,
    Scenario.OVERDUE: _overdue,
    Scenario.NEVER_SYNCED: _never_synced,
    Scenario.WAITING: _waiting,
    Scenario.NO_SCHEDULE: _no_schedule,
    Scenario.SKIPPING: _skipping,
    Scenario.IMPOSSIBLE_TIMES: _impossible,
    Scenario.SYNC_IGNORED: _ignored,
}
