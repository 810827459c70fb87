"""When a key is looked at again: pure, from its row and the end of its latest check."""

import random
from datetime import datetime, timedelta

from freddy_admin.sync import health
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import OwnFailure, Problem
from freddy_admin.sync.policy import (
    BACK_OFF_CEILING,
    CONFIRM_REFUSAL_AFTER,
    LOOK_AFTER_DUE,
    REFUSED_PERIOD,
    SPENDING_LIMIT_HOLD,
    UNREADABLE_PERIOD,
    WATCH_PERIOD,
    Policy,
)


def next_check(
    row: KeySync, facts: health.Facts, *, now: datetime, policy: Policy, jitter: float | None = None
) -> datetime:
    """The moment of the next scheduled check, after one that finished at `now`.

    `jitter` (0 to 1, random if not given) spreads keys that were loaded together; it only ever
    postpones, by at most a twentieth.
    """
    if row.outcome == Outcome.GOOD:
        wait = policy.period
    elif row.outcome == Outcome.REFUSED:
        first = row.refusals < health.REFUSALS_THAT_COUNT
        return now + CONFIRM_REFUSAL_AFTER if first else _later(now, REFUSED_PERIOD, jitter)
    elif row.error_kind == OwnFailure.KEY_UNREADABLE:
        return _later(now, UNREADABLE_PERIOD, jitter)
    else:
        return _after_failure(row, now=now, policy=policy, jitter=jitter)
    planned = _later(now, wait, jitter)
    soonest = now + min(policy.fresh, policy.period)
    return max(min([planned, *_looks(facts, after=now), *_watching(row, facts, now)]), soonest)


def hold_until(problem: Problem | None, *, now: datetime) -> datetime | None:
    """Until when Aitronos asked us to wait; None where it did not."""
    if problem is None:
        return None
    hint = timedelta(seconds=problem.retry_after) if problem.retry_after else None
    if problem.spending_limit:
        return now + max(hint or SPENDING_LIMIT_HOLD, SPENDING_LIMIT_HOLD)
    return now + hint if hint else None


def _after_failure(
    row: KeySync, *, now: datetime, policy: Policy, jitter: float | None
) -> datetime:
    ceiling = max(policy.period, BACK_OFF_CEILING)
    # The exponent is held low: 2**40 periods are no timedelta any more.
    wait = min(policy.period * 2 ** min(max(row.failures - 1, 0), 10), ceiling)
    if row.refusals >= health.REFUSALS_THAT_COUNT:
        wait = max(wait, REFUSED_PERIOD)  # a time-out makes a refused key no more urgent
    own = _later(now, wait, jitter)
    return max(own, row.hold_until) if row.hold_until else own


def _looks(facts: health.Facts, *, after: datetime) -> list[datetime]:
    """A minute after `due` and at `due + G`: the looks that the health rule promises."""
    schedule = facts.schedule
    if schedule is None:
        return []
    due = schedule.due if schedule.last_sync_at else health.first_due(facts, schedule)
    if due is None:
        return []
    grace = health.grace_of(schedule, facts.grace)
    return [look for look in (due + LOOK_AFTER_DUE, due + grace) if look > after]


def _watching(row: KeySync, facts: health.Facts, now: datetime) -> list[datetime]:
    """Once a minute while a sync that a person asked for is awaited, until its grace is over."""
    if row.order_at is None or facts.schedule is None:
        return []
    patient_until = row.order_at + health.grace_of(facts.schedule, facts.grace)
    return [now + WATCH_PERIOD] if now < patient_until else []


def _later(now: datetime, wait: timedelta, jitter: float | None) -> datetime:
    share = random.random() if jitter is None else jitter  # noqa: S311  spreads load, no secret
    return now + wait * (1 + share / 20)
