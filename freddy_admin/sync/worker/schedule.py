"""When a key is checked again: pure, from its row after the latest check."""

import random
from datetime import datetime, timedelta

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync import health
from freddy_admin.sync.checks.policy import (
    BACK_OFF_CEILING,
    CHECK_AFTER_DUE,
    OPERATION_WATCH_PERIOD,
    RATE_LIMIT_HOLD,
    REFUSAL_CONFIRMATION_DELAY,
    REFUSED_KEY_PERIOD,
    SPENDING_LIMIT_HOLD,
    SPREAD_AFTER_HOLD,
    UNREADABLE_KEY_PERIOD,
    CheckPolicy,
)
from freddy_admin.sync.checks.results import CallFailure, LocalFailureKind
from freddy_admin.sync.models import CheckOutcome, SyncStatus


def next_check_at(
    row: SyncStatus,
    facts: health.HealthFacts,
    *,
    now: datetime,
    policy: CheckPolicy,
    jitter: float | None = None,
) -> datetime:
    """The moment of the next scheduled check, after one that finished at `now`.

    Never before the end of a hold of the whole organisation at Aitronos, nor all at that moment.
    `jitter` (0 to 1, random if not given) spreads keys that were loaded together; it only ever
    postpones, by at most a twentieth.
    """
    scheduled_at = _scheduled_at(row, facts, now=now, policy=policy, jitter=jitter)
    if policy.hold_until is None or policy.hold_until <= now:
        return scheduled_at
    return max(scheduled_at, policy.hold_until + SPREAD_AFTER_HOLD * _share(jitter))


def _scheduled_at(
    row: SyncStatus,
    facts: health.HealthFacts,
    *,
    now: datetime,
    policy: CheckPolicy,
    jitter: float | None,
) -> datetime:
    if row.outcome == CheckOutcome.GOOD:
        check_times = (
            _with_jitter(now, policy.period, jitter),
            *_promised_check_times(facts, after=now),
            *_operation_watch_times(row, facts, now),
        )
        return max(min(check_times), now + min(policy.fresh, policy.period))
    if row.outcome == CheckOutcome.REFUSED:
        if row.refusals < health.REFUSALS_TO_REJECT:
            return now + REFUSAL_CONFIRMATION_DELAY
        return _with_jitter(now, REFUSED_KEY_PERIOD, jitter)
    if row.error_kind == LocalFailureKind.KEY_UNREADABLE:
        return _with_jitter(now, UNREADABLE_KEY_PERIOD, jitter)
    if row.error_kind == FailureKind.ENVIRONMENT_MISSING:
        # Nothing was called, so nobody is spared by waiting: once it is set up, it is used soon.
        return _with_jitter(now, policy.period, jitter)
    return _next_check_after_failure(row, now=now, policy=policy, jitter=jitter)


def hold_until_from_failure(failure: CallFailure | None, *, now: datetime) -> datetime | None:
    """Until when Aitronos asked us to wait, by a hint or by a 429; None where it did not."""
    if failure is None:
        return None
    retry_after = timedelta(seconds=failure.retry_after) if failure.retry_after else None
    if failure.kind == FailureKind.RATE_LIMITED and retry_after is None:
        return now + RATE_LIMIT_HOLD
    if failure.spending_limit:
        return now + max(retry_after or SPENDING_LIMIT_HOLD, SPENDING_LIMIT_HOLD)
    return now + retry_after if retry_after else None


def _next_check_after_failure(
    row: SyncStatus, *, now: datetime, policy: CheckPolicy, jitter: float | None
) -> datetime:
    ceiling = max(policy.period, BACK_OFF_CEILING)
    # The exponent is held low: 2**40 periods are no timedelta any more.
    wait = min(policy.period * 2 ** min(max(row.failures - 1, 0), 10), ceiling)
    if row.refusals >= health.REFUSALS_TO_REJECT:
        wait = max(wait, REFUSED_KEY_PERIOD)  # a time-out makes a refused key no more urgent
    scheduled_at = _with_jitter(now, wait, jitter)
    return max(scheduled_at, row.hold_until) if row.hold_until else scheduled_at


def _promised_check_times(facts: health.HealthFacts, *, after: datetime) -> list[datetime]:
    """A minute after the due time and at due time + G: the checks that the health rule promises."""
    schedule = facts.schedule
    if schedule is None:
        return []
    due_at = schedule.due_at if schedule.last_sync_at else health.first_sync_due_at(facts, schedule)
    if due_at is None:
        return []
    grace = health.grace_period(schedule, facts.grace)
    return [check_at for check_at in (due_at + CHECK_AFTER_DUE, due_at + grace) if check_at > after]


def _operation_watch_times(
    row: SyncStatus, facts: health.HealthFacts, now: datetime
) -> list[datetime]:
    """A minute from now while a sync that a person asked for is awaited and within its grace."""
    if row.operation_requested_at is None or facts.schedule is None:
        return []
    watch_until = row.operation_requested_at + health.grace_period(facts.schedule, facts.grace)
    return [now + OPERATION_WATCH_PERIOD] if now < watch_until else []


def _with_jitter(now: datetime, wait: timedelta, jitter: float | None) -> datetime:
    return now + wait * (1 + _share(jitter) / 20)


def _share(jitter: float | None) -> float:
    return random.random() if jitter is None else jitter  # noqa: S311  spreads load, no secret
