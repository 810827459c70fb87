"""Leases on keys for their checks: at most one check of a key runs at a time, over all machines."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from freddy_admin.conf.api_environments import api_environments
from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import free_rows, lease_release, leases_acquire
from freddy_admin.core.tasks import Moment
from freddy_admin.sync.api_client import call_settings_digest
from freddy_admin.sync.checks.policy import STRETCHED_HORIZON, CheckPolicy, check_policy
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.key_leases import (
    KEY_LEASE_COLUMNS,
    KeyLease,
    key_columns_read,
    key_lease_values,
)
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.refusals import UNKNOWN_KEY_REFUSAL, UNNAMED_REFUSAL
from freddy_admin.sync.status.refused_alike import RefusedGroup
from freddy_admin.vault.models import KeyLifecycle

_KEYS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLease(KeyLease):
    """A lease for one check: on the key's row, or on that of its candidate."""


def due_statuses(now: Moment) -> QuerySet[SyncStatus]:
    """The keys that are due and that no check holds."""
    return free_rows(_due_rows(now), now=now, duration=check_policy().lease)


def requested_statuses(now: Moment) -> QuerySet[SyncStatus]:
    """Those keys of `due_statuses` whose check a person asked for."""
    return due_statuses(now).filter(requested_at__isnull=False)


def check_leases_acquire(
    *, limit: int, now: datetime, policy: CheckPolicy, shares: Shares | None = None
) -> list[CheckLease]:
    """Lease up to `limit` due keys: of each organisation in turn, of each the longest due first.

    Also those that a person asked for: whichever slot is free first takes them.
    """
    rows = _due_rows(now).order_by("next_check_at", "pk")
    return _acquire_leases(rows, limit=limit, now=now, policy=policy, shares=shares)


def requested_check_leases_acquire(
    *, limit: int, now: datetime, policy: CheckPolicy, shares: Shares | None = None
) -> list[CheckLease]:
    """Lease up to `limit` keys that people wait for: of each organisation in turn."""
    rows = _due_rows(now).filter(requested_at__isnull=False).order_by("requested_at", "pk")
    return _acquire_leases(rows, limit=limit, now=now, policy=policy, shares=shares)


def check_leases_acquire_for_keys(
    *, key_ids: Collection[int], limit: int, now: datetime, policy: CheckPolicy
) -> list[CheckLease]:
    """Lease up to `limit` of these keys, due or not; only a check that runs holds one back."""
    ids, leases = list(key_ids), list[CheckLease]()
    # Slices keep each statement under every database's number of parameters.
    for start in range(0, len(ids), _KEYS_PER_STATEMENT):
        rows = _checkable_statuses().filter(pk__in=ids[start : start + _KEYS_PER_STATEMENT])
        leases += _acquire_leases(rows, limit=limit - len(leases), now=now, policy=policy)
        if len(leases) >= limit:
            break
    return leases


def check_leases_release(leases: Sequence[CheckLease]) -> None:
    """Give keys back unchecked, so that whoever comes next takes them."""
    for lease in leases:
        lease_release(SyncStatus.objects.filter(pk=lease.row_id), token=lease.token)


def checks_reschedule_after_clock_change(*, now: datetime, policy: CheckPolicy) -> int:
    """Make keys due whose schedule is of a clock that was set back since; returns how many.

    What is shown of them would otherwise stay as it is until the clock catches up. No index serves
    this question: ask it once a minute.
    """
    # Planned further ahead than we ever plan, or checked in the future.
    # A stretched period may lead through the rest of this day into the next one.
    is_stretched = Q(check_period_seconds__gt=policy.period.total_seconds())
    is_ahead = Q(next_check_at__gt=now + policy.horizon) & ~is_stretched
    is_ahead |= Q(next_check_at__gt=now + STRETCHED_HORIZON) | Q(
        next_check_at__gt=now, checked_at__gt=now + CLOCK_TOLERANCE
    )
    return _make_all_due(_checkable_statuses().filter(is_ahead), now)


def refused_checks_reschedule_after_settings_change(*, now: datetime) -> int:
    """Make the keys due that were refused with another address or header; returns how many.

    Each by the settings of its own environment; where that is not set up, nothing is to be tried.
    """
    has_other_settings = Q(pk__in=[])
    for name in api_environments():
        of_environment = Q(key__environment=name)
        has_other_settings |= of_environment & ~Q(refusal_settings=call_settings_digest(name))
    return _make_all_due(_waiting_refused_statuses(now).filter(has_other_settings), now)


def refused_checks_reschedule(*, groups: Collection[RefusedGroup], now: datetime) -> int:
    """Make the keys of these groups due, for one of them works by now; returns how many."""
    return _make_all_due(_waiting_refused_statuses(now).filter(_same_refusal_q(groups)), now)


def _waiting_refused_statuses(now: datetime) -> QuerySet[SyncStatus]:
    # Where Aitronos asked us to wait, we wait.
    is_not_held = Q(hold_until=None) | Q(hold_until__lte=now)
    refused = _checkable_statuses().filter(refusal__isnull=False, next_check_at__gt=now)
    return refused.filter(is_not_held)


def _same_refusal_q(groups: Collection[RefusedGroup]) -> Q:
    condition = Q()
    for group in groups:
        refusals = [group.refusal]
        if group.refusal == UNNAMED_REFUSAL:
            refusals.append(UNKNOWN_KEY_REFUSAL)  # although others of its organisation work now
        in_group = Q(refusal__in=refusals, key__environment=group.environment)
        if group.organization_id:
            in_group &= Q(reported_organization_id=group.organization_id)
        condition |= in_group
    return condition


def _make_all_due(rows: QuerySet[SyncStatus], now: datetime) -> int:
    ids = list(rows.values_list("pk", flat=True))
    return sum(
        _make_due(ids[start : start + _KEYS_PER_STATEMENT], now)
        for start in range(0, len(ids), _KEYS_PER_STATEMENT)
    )


def _make_due(key_ids: list[int], now: datetime) -> int:
    with transaction.atomic():
        # Rows that another process is storing are passed over, or the two could wait for each
        # other: such a row gets its schedule from there.
        rows = SyncStatus.objects.select_for_update(skip_locked=True, no_key=True)
        locked_rows = rows.filter(pk__in=key_ids, next_check_at__gt=now)
        locked_ids = list(locked_rows.values_list("pk", flat=True))
        return SyncStatus.objects.filter(pk__in=locked_ids).update(next_check_at=now)


def _due_rows(now: Moment) -> QuerySet[SyncStatus]:
    # This condition alone, for its index: the worker asks twice a second.
    return _checkable_statuses().filter(next_check_at__lte=now)


def _checkable_statuses() -> QuerySet[SyncStatus]:
    return SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)


def _acquire_leases(
    rows: QuerySet[SyncStatus],
    *,
    limit: int,
    now: datetime,
    policy: CheckPolicy,
    shares: Shares | None = None,
) -> list[CheckLease]:
    leases = leases_acquire(rows, limit=limit, now=now, duration=policy.lease, shares=shares)
    if not leases:
        return []
    keys = key_columns_read([lease.row_id for lease in leases], KEY_LEASE_COLUMNS)
    return [
        CheckLease(**key_lease_values(lease, keys[lease.row_id]))
        for lease in leases
        if lease.row_id in keys
    ]
