"""The health rule: what to conclude of one key from what was seen and from the clock.

Pure: no database, no settings, no clock of its own. The table it follows is printed in words on
the organisation page; the line numbers here are that table's. Times are aware, spans timedeltas.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from freddy_admin.sync.health_states import HealthState

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
GRACE_FLOOR, GRACE_CEILING = 15 * MINUTE, 6 * HOUR
USABLE_INTERVAL_HOURS = range(1, 8760 + 1)
CLOCK_TOLERANCE = 5 * MINUTE
REFUSALS_TO_REJECT = 2


@dataclass(frozen=True, slots=True)
class SyncSchedule:
    """What the API said of a sync: last (L), next (N), interval in hours (0: none)."""

    last_sync_at: datetime | None
    next_sync_at: datetime | None
    interval_hours: int | None

    @property
    def interval(self) -> timedelta | None:
        """The interval, where it is usable: from one hour to a year."""
        hours = self.interval_hours
        return hours * HOUR if hours in USABLE_INTERVAL_HOURS and hours is not None else None

    @property
    def planned_sync_at(self) -> datetime | None:
        """N where it lies after L: a sync that is still to come, or was when it was observed."""
        next_sync_at, last_sync_at = self.next_sync_at, self.last_sync_at
        return (
            next_sync_at
            if next_sync_at and (last_sync_at is None or next_sync_at > last_sync_at)
            else None
        )

    @property
    def due_at(self) -> datetime | None:
        """When the next sync is due; None without L and without a plan."""
        if self.planned_sync_at or self.last_sync_at is None or self.interval is None:
            return self.planned_sync_at
        return self.last_sync_at + self.interval


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """Everything the rule reads of one key."""

    schedule: SyncSchedule | None = None
    observed_at: datetime | None = None  # obs: the last good check of this key version
    first_observed_at: datetime | None = None  # seen
    first_next_sync_at: datetime | None = None  # N0
    skipped_at: datetime | None = None  # the due time of a sync skipped since L last moved
    checked_at: datetime | None = None  # the latest finished check of this key version
    refusals: int = 0  # how many of the latest conclusive checks, in a row, were refusals
    refusal_is_not_permitted: bool = False  # the latest of them was a 403
    unreadable_since: datetime | None = None
    master_key_misfit_since: datetime | None = None  # the platform's master key does not fit
    grace: timedelta | None = None  # the key's own
    check_period: timedelta = 5 * MINUTE  # P


@dataclass(frozen=True, slots=True)
class HealthVerdict:
    """A state, since when it is true, and the line of the rule that gave it."""

    state: HealthState
    since: datetime
    rule: int


def grace_period(schedule: SyncSchedule, own_grace: timedelta | None = None) -> timedelta:
    """G: a quarter of the interval, between 15 minutes and 6 hours, or the key's own."""
    if own_grace is not None:
        return own_grace
    return min(max((schedule.interval or timedelta()) / 4, GRACE_FLOOR), GRACE_CEILING)


def unknown_at(facts: HealthFacts) -> datetime | None:
    """The moment after which the last observation says nothing any more (line 5).

    None where lines 1 to 4 speak: they do not rest on an observation that ages. A master key
    that does not fit makes every key unknown, whatever was last concluded of it.
    """
    stale_at = None
    if facts.observed_at is not None and _verdict_without_figures(facts) is None:
        stale_at = facts.observed_at + observation_lifetime(facts.check_period)
    return min(filter(None, (facts.master_key_misfit_since, stale_at)), default=None)


def observation_lifetime(check_period: timedelta) -> timedelta:
    """How long an observation holds: three check periods, at least 15 minutes."""
    return max(3 * check_period, 15 * MINUTE)


def effective_verdict(
    verdict: HealthVerdict, *, paused_at: datetime | None, stale_at: datetime | None, now: datetime
) -> HealthVerdict:
    """`verdict` with lines 1 and 5, which need no new observation, as they are at `now`.

    `stale_at` is what `unknown_at` said. The same in SQL: `effective_state_expression`.
    """
    if paused_at is not None:
        return HealthVerdict(HealthState.PAUSED, paused_at, 1)
    if stale_at is not None and stale_at < now:
        return HealthVerdict(HealthState.UNKNOWN, stale_at, 5)
    return verdict


def assess_observation(facts: HealthFacts, *, now: datetime) -> HealthVerdict:
    """The first line that fits, but for the two that need no new observation (1 and 5)."""
    return _verdict_without_figures(facts) or _verdict_from_figures(facts, now)


def _verdict_without_figures(facts: HealthFacts) -> HealthVerdict | None:
    """Lines 2, 3 and 4; `observed_at` is None exactly where line 4 fits."""
    checked_at = facts.checked_at
    if facts.unreadable_since is not None:
        return HealthVerdict(HealthState.KEY_UNREADABLE, facts.unreadable_since, 2)
    if facts.refusals >= REFUSALS_TO_REJECT and checked_at is not None:
        state = (
            HealthState.KEY_NOT_PERMITTED
            if facts.refusal_is_not_permitted
            else HealthState.KEY_REJECTED
        )
        return HealthVerdict(state, checked_at, 3)
    return None


def _verdict_from_figures(facts: HealthFacts, now: datetime) -> HealthVerdict:
    observed_at, schedule = facts.observed_at, facts.schedule
    if observed_at is None or schedule is None:
        if facts.checked_at is None:
            return HealthVerdict(HealthState.NOT_CHECKED, now, 4)
        return HealthVerdict(HealthState.UNKNOWN, facts.checked_at, 4)
    grace = grace_period(schedule, facts.grace)
    if schedule.last_sync_at is None:
        return _verdict_before_first_sync(facts, schedule, observed_at, grace)
    if schedule.last_sync_at > observed_at + CLOCK_TOLERANCE:
        return HealthVerdict(HealthState.UNKNOWN, observed_at, 7)
    due_at = schedule.due_at
    if due_at is None:
        return HealthVerdict(HealthState.NO_SCHEDULE, observed_at, 7)
    overdue_since = overdue_at(schedule, grace=grace, skipped_at=facts.skipped_at)
    late_since = late_at(schedule, grace=grace)
    if overdue_since is not None and observed_at >= overdue_since:
        return HealthVerdict(HealthState.OVERDUE, overdue_since, 8)
    if late_since is not None and observed_at >= late_since:
        return HealthVerdict(HealthState.LATE, late_since, 9)
    # Within the tolerance L may lie a little ahead of us; nothing is true since the future.
    return HealthVerdict(HealthState.UP_TO_DATE, min(schedule.last_sync_at, observed_at), 10)


def _verdict_before_first_sync(
    facts: HealthFacts, schedule: SyncSchedule, observed_at: datetime, grace: timedelta
) -> HealthVerdict:
    """Line 6: nothing was synced yet."""
    due_at = first_sync_due_at(facts, schedule)
    first_observed_at = facts.first_observed_at or observed_at
    if due_at is None:
        return HealthVerdict(HealthState.NO_SCHEDULE, first_observed_at, 6)
    if observed_at < due_at + grace:
        return HealthVerdict(HealthState.WAITING, first_observed_at, 6)
    return HealthVerdict(HealthState.NEVER_SYNCED, due_at + grace, 6)


def first_sync_due_at(facts: HealthFacts, schedule: SyncSchedule) -> datetime | None:
    """When the very first sync was due: the later of N0 and `seen + I`."""
    first_observed_at, interval = facts.first_observed_at, schedule.interval
    interval_due_at = first_observed_at + interval if first_observed_at and interval else None
    return max(filter(None, (facts.first_next_sync_at, interval_due_at)), default=None)


def late_at(schedule: SyncSchedule, *, grace: timedelta) -> datetime | None:
    """From when an observation says Late (line 9)."""
    moments = [schedule.due_at, _interval_deadline(schedule, grace)]
    return min(filter(None, moments), default=None)


def overdue_at(
    schedule: SyncSchedule, *, grace: timedelta, skipped_at: datetime | None
) -> datetime | None:
    """From when an observation says Overdue (line 8): the earliest of its three conditions."""
    due_at, last_sync_at, interval = schedule.due_at, schedule.last_sync_at, schedule.interval
    moments = [due_at + grace if due_at else None]
    interval_deadline = _interval_deadline(schedule, grace)
    if interval_deadline and skipped_at:
        moments.append(max(interval_deadline, skipped_at))
    if last_sync_at and interval:
        moments.append(last_sync_at + max(6 * interval, 24 * HOUR))
    return min(filter(None, moments), default=None)


def _interval_deadline(schedule: SyncSchedule, grace: timedelta) -> datetime | None:
    """`L + max(2I, I + G)`, with a usable interval: whatever N says, this is long."""
    last_sync_at, interval = schedule.last_sync_at, schedule.interval
    return last_sync_at + max(2 * interval, interval + grace) if last_sync_at and interval else None


def first_skipped_sync_due_at(
    previous: SyncSchedule,
    current: SyncSchedule,
    *,
    observed_at: datetime,
    skipped_at: datetime | None,
) -> datetime | None:
    """The due time of the first sync that was skipped since L last moved, None if none was."""
    if previous.last_sync_at != current.last_sync_at:
        return None
    return skipped_at or skipped_sync_due_at(previous, current, observed_at=observed_at)


def skipped_sync_due_at(
    previous: SyncSchedule, current: SyncSchedule, *, observed_at: datetime
) -> datetime | None:
    """The due time of a sync that was skipped between two observations, None if none was.

    Skipped means: N moved past its old value after that value had passed, while L stayed.
    """
    if previous.last_sync_at != current.last_sync_at:
        return None
    planned_at = previous.planned_sync_at
    has_moved = (
        planned_at is not None
        and current.next_sync_at is not None
        and current.next_sync_at > planned_at
    )
    return (
        planned_at if has_moved and planned_at is not None and planned_at <= observed_at else None
    )
