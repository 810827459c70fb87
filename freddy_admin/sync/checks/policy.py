"""When keys are checked: every span of the sync room, and the request for what is stale."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from freddy_admin.core import clock
from freddy_admin.core.tasks import MomentParam, QueueName, wake
from freddy_admin.sync.models import SyncStatus

if TYPE_CHECKING:
    from freddy_admin.sync.status.rows import KeyRow

log = logging.getLogger(__name__)
MomentT = TypeVar("MomentT", datetime, MomentParam)
REFUSAL_CONFIRMATION_DELAY = timedelta(seconds=60)
REFUSED_KEY_PERIOD = timedelta(hours=1)
UNREADABLE_KEY_PERIOD = timedelta(hours=1)
BACK_OFF_CEILING = timedelta(minutes=15)
SPENDING_LIMIT_HOLD = timedelta(minutes=15)
RATE_LIMIT_HOLD = timedelta(seconds=60)  # of a 429 that names no time: the limit is by the minute
SPREAD_AFTER_HOLD = timedelta(seconds=60)
CHECK_AFTER_DUE = timedelta(minutes=1)
REPEAT_REQUEST_AFTER = timedelta(seconds=10)
_STORE_SECONDS = 2.0  # from the end of a call until its result is stored
_UNSENT_OPERATION_SECONDS = 1800.0
OPERATION_WATCH_PERIOD = timedelta(seconds=60)  # while a sync that a person asked for is awaited
# A time further ahead than anything we ever plan: our clock was set back, check now.
MAX_PLANNING_HORIZON = timedelta(hours=3)
STRETCHED_HORIZON = timedelta(days=3)  # of a key whose organisation has few calls left
# A page shows 50 keys; more would be somebody asking for the whole fleet at once.
_MAX_KEYS_PER_REFRESH = 200


@dataclass(frozen=True, slots=True)
class CheckPolicy:
    """The spans that the operator sets."""

    fresh: timedelta
    period: timedelta  # P
    lease: timedelta
    hold_until: datetime | None = None  # Aitronos asked the whole organisation to wait until then

    @property
    def horizon(self) -> timedelta:
        """No check is planned further ahead than this."""
        return max(MAX_PLANNING_HORIZON, 2 * self.period)


def unsent_operations_cutoff(now: MomentT) -> MomentT:
    """Operations requested before this moment and not sent yet are given up unsent.

    Whoever asked has gone on to something else by then, and would be surprised by it.
    """
    return now - clock.real_seconds_to_panel_duration(_UNSENT_OPERATION_SECONDS)


def check_policy() -> CheckPolicy:
    """The spans in force."""
    return CheckPolicy(
        fresh=timedelta(seconds=settings.STATUS_FRESH_SECONDS),
        period=timedelta(seconds=settings.STATUS_CHECK_SECONDS),
        # A key may wait one whole call's time for a thread and take another; its result is to
        # be stored before another worker may call. A dead worker's keys come back after as long.
        lease=clock.real_seconds_to_panel_duration(
            2 * settings.AITRONOS_TOTAL_TIMEOUT + _STORE_SECONDS
        ),
    )


def status_request_refresh(*, rows: "Sequence[KeyRow]", now: datetime) -> int:
    """Request a check of each row that is no longer fresh; returns how many were requested.

    However many people look, a key is requested once: afterwards it is due, and stays so until
    its check has ended. Keys that fail or are refused keep to their own pace, and so do those
    whose organisation at Aitronos has few calls left, or was asked to wait. Where calls to
    Aitronos are off, nothing is requested.
    """
    if not settings.AITRONOS_CALLS:
        return 0
    policy = check_policy()
    stale_before = now - policy.fresh
    stale_ids = [row.key_id for row in rows if _needs_refresh(row, policy, stale_before)]
    if not stale_ids:
        return 0
    # The conditions once more in SQL: another request, or the worker, may have been faster.
    rows_to_check = SyncStatus.objects.filter(
        Q(hold_until=None) | Q(hold_until__lte=now),
        pk__in=stale_ids[:_MAX_KEYS_PER_REFRESH],
        next_check_at__gt=now,
        checked_at__lte=stale_before,
    )
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            wake(QueueName.CHECKS)
            return rows_to_check.update(next_check_at=now)
    except DatabaseError as error:
        # A database that is full or can only be read must not take the page with it.
        log.warning("Checks could not be asked for: %s", type(error).__name__)
        return 0


def _needs_refresh(row: "KeyRow", policy: CheckPolicy, stale_before: datetime) -> bool:
    is_held = row.hold_until is not None and row.hold_until > row.now
    if is_held or row.check_period > policy.period:
        return False
    is_steady = row.failures == 0 and row.refusals == 0 and row.paused_at is None
    is_stale = row.checked_at is not None and row.checked_at <= stale_before
    return is_steady and is_stale and row.next_check_at > row.now and not row.is_check_pending
