"""The health rule: what to conclude of one key from what was seen and from the clock.

Pure: no database, no settings, no clock of its own. The table it follows is printed in words on
the organisation page; the line numbers here are that table's. Times are aware, spans timedeltas.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.sync.states import State

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
GRACE_FLOOR, GRACE_CEILING = 15 * MINUTE, 6 * HOUR
USABLE_HOURS = range(1, 8760 + 1)
CLOCK_TOLERANCE = 5 * MINUTE
REFUSALS_THAT_COUNT = 2


@dataclass(frozen=True, slots=True)
class Schedule:
    """What the API said of a sync: last (L), next (N), interval in hours (0: none)."""

    last_sync_at: datetime | None
    next_sync_at: datetime | None
    interval_hours: int | None

    @property
    def interval(self) -> timedelta | None:
        """The interval, where it is usable: from one hour to a year."""
        hours = self.interval_hours
        return hours * HOUR if hours in USABLE_HOURS and hours is not None else None

    @property
    def planned(self) -> datetime | None:
        """N where it lies after L: a sync that is still to come, or was when we looked."""
        after, last = self.next_sync_at, self.last_sync_at
        return after if after and (last is None or after > last) else None

    @property
    def due(self) -> datetime | None:
        """When the next sync is due; None without L and without a plan."""
        if self.planned or self.last_sync_at is None or self.interval is None:
            return self.planned
        return self.last_sync_at + self.interval


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rule looks at, of one key."""

    schedule: Schedule | None = None
    observed_at: datetime | None = None  # obs: the last good check of this key version
    first_observed_at: datetime | None = None  # seen
    first_next_sync_at: datetime | None = None  # N0
    skipped_at: datetime | None = None  # the due time of a sync skipped since L last moved
    checked_at: datetime | None = None  # the latest finished check of this key version
    refusals: int = 0  # how many of the latest conclusive checks, in a row, were refusals
    not_permitted: bool = False  # the latest of them was a 403
    unreadable_since: datetime | None = None
    misfit_since: datetime | None = None  # the platform's master key does not fit
    paused_at: datetime | None = None
    grace: timedelta | None = None  # the key's own
    check_period: timedelta = 5 * MINUTE  # P


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, since when it is true, and the line of the rule that gave it."""

    state: State
    since: datetime
    rule: int


def grace_of(schedule: Schedule, own: timedelta | None = None) -> timedelta:
    """G: a quarter of the interval, between 15 minutes and 6 hours, or the key's own."""
    if own is not None:
        return own
    return min(max((schedule.interval or timedelta()) / 4, GRACE_FLOOR), GRACE_CEILING)


def unknown_at(facts: Facts) -> datetime | None:
    """The moment after which the last observation says nothing any more (line 5).

    None where lines 1 to 4 speak: they do not rest on an observation that ages. A master key
    that does not fit makes every key unknown, whatever was last concluded of it.
    """
    aged = None
    if facts.observed_at is not None and _before_figures(facts) is None:
        aged = facts.observed_at + stale_after(facts.check_period)
    return min(filter(None, (facts.misfit_since, aged)), default=None)


def stale_after(check_period: timedelta) -> timedelta:
    """How long an observation holds: three check periods, at least 15 minutes."""
    return max(3 * check_period, 15 * MINUTE)


def assess(facts: Facts, *, now: datetime) -> Verdict:
    """The first line of the table that fits, at `now`."""
    if facts.paused_at is not None:
        return Verdict(State.PAUSED, facts.paused_at, 1)
    aged = unknown_at(facts)
    if aged is not None and now > aged:
        return Verdict(State.UNKNOWN, aged, 5)
    return conclude(facts, now=now)


def conclude(facts: Facts, *, now: datetime) -> Verdict:
    """As `assess`, but without the two lines that need no new observation (1 and 5)."""
    return _before_figures(facts) or _from_figures(facts, now)


def _before_figures(facts: Facts) -> Verdict | None:
    """Lines 2, 3 and 4; `observed_at` is None exactly where line 4 fits."""
    checked = facts.checked_at
    if facts.unreadable_since is not None:
        return Verdict(State.KEY_UNREADABLE, facts.unreadable_since, 2)
    if facts.refusals >= REFUSALS_THAT_COUNT and checked is not None:
        state = State.KEY_NOT_PERMITTED if facts.not_permitted else State.KEY_REJECTED
        return Verdict(state, checked, 3)
    return None


def _from_figures(facts: Facts, now: datetime) -> Verdict:
    observed, schedule = facts.observed_at, facts.schedule
    if observed is None or schedule is None:
        if facts.checked_at is None:
            return Verdict(State.NOT_CHECKED, now, 4)
        return Verdict(State.UNKNOWN, facts.checked_at, 4)
    grace = grace_of(schedule, facts.grace)
    if schedule.last_sync_at is None:
        return _before_first_sync(facts, schedule, observed, grace)
    if schedule.last_sync_at > observed + CLOCK_TOLERANCE:
        return Verdict(State.UNKNOWN, observed, 7)
    due = schedule.due
    if due is None:
        return Verdict(State.NO_SCHEDULE, observed, 7)
    overdue = overdue_at(schedule, grace=grace, skipped_at=facts.skipped_at)
    late = late_at(schedule, grace=grace)
    if overdue is not None and observed >= overdue:
        return Verdict(State.OVERDUE, overdue, 8)
    if late is not None and observed >= late:
        return Verdict(State.LATE, late, 9)
    # Within the tolerance L may lie a little ahead of us; nothing is true since the future.
    return Verdict(State.UP_TO_DATE, min(schedule.last_sync_at, observed), 10)


def _before_first_sync(
    facts: Facts, schedule: Schedule, observed: datetime, grace: timedelta
) -> Verdict:
    """Line 6: nothing was synced yet."""
    due = first_due(facts, schedule)
    seen = facts.first_observed_at or observed
    if due is None:
        return Verdict(State.NO_SCHEDULE, seen, 6)
    if observed < due + grace:
        return Verdict(State.WAITING, seen, 6)
    return Verdict(State.NEVER_SYNCED, due + grace, 6)


def first_due(facts: Facts, schedule: Schedule) -> datetime | None:
    """When the very first sync was due: the later of N0 and `seen + I`."""
    seen, interval = facts.first_observed_at, schedule.interval
    by_interval = seen + interval if seen and interval else None
    return max(filter(None, (facts.first_next_sync_at, by_interval)), default=None)


def late_at(schedule: Schedule, *, grace: timedelta) -> datetime | None:
    """From when an observation says Late (line 9)."""
    moments = [schedule.due, _long_ago(schedule, grace)]
    return min(filter(None, moments), default=None)


def overdue_at(
    schedule: Schedule, *, grace: timedelta, skipped_at: datetime | None
) -> datetime | None:
    """From when an observation says Overdue (line 8): the earliest of its three conditions."""
    due, last, interval = schedule.due, schedule.last_sync_at, schedule.interval
    moments = [due + grace if due else None]
    long_ago = _long_ago(schedule, grace)
    if long_ago and skipped_at:
        moments.append(max(long_ago, skipped_at))
    if last and interval:
        moments.append(last + max(6 * interval, 24 * HOUR))
    return min(filter(None, moments), default=None)


def _long_ago(schedule: Schedule, grace: timedelta) -> datetime | None:
    """`L + max(2I, I + G)`, with a usable interval: whatever N says, this is long."""
    last, interval = schedule.last_sync_at, schedule.interval
    return last + max(2 * interval, interval + grace) if last and interval else None


def skip_seen(
    before: Schedule, after: Schedule, *, observed_at: datetime, skipped_at: datetime | None
) -> datetime | None:
    """The due time of the first sync that was skipped since L last moved, None if none was."""
    if before.last_sync_at != after.last_sync_at:
        return None
    return skipped_at or newly_skipped(before, after, observed_at=observed_at)


def newly_skipped(before: Schedule, after: Schedule, *, observed_at: datetime) -> datetime | None:
    """The due time of a sync that was skipped between two looks, None if none was.

    Skipped means: N moved past its old value after that value had passed, while L stayed.
    """
    if before.last_sync_at != after.last_sync_at:
        return None
    was = before.planned
    moved = was is not None and after.next_sync_at is not None and after.next_sync_at > was
    return was if moved and was is not None and was <= observed_at else None
