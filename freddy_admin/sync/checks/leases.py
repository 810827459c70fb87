"""At most one check of a key at a time, over all processes and machines: a lease in its row.

The row in the database is the lock, with SQLite and with PostgreSQL alike, so that a cache that
is away or flushed never lets two checks of one key run.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from freddy_admin.sync.checks.policy import MAX_LEASE, CheckPolicy
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.key_leases import KEY_LEASE_COLUMNS, KeyLease, key_lease_values
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle

_KEYS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLease(KeyLease):
    """A lease on one key for one check."""


def check_leases_acquire(*, limit: int, now: datetime, policy: CheckPolicy) -> list[CheckLease]:
    """Lease up to `limit` due keys: those a person waits for first, then the longest due."""
    # A check that ended in the future, or a plan further ahead than any we make: our clock was
    # set back. Check now: what is shown would otherwise stay as it is until the clock catches up.
    is_due = (
        Q(next_check_at__lte=now)
        | Q(next_check_at__gt=now + policy.horizon)
        | Q(checked_at__gt=now + CLOCK_TOLERANCE)
    )
    rows = _unleased_statuses(now, policy).filter(is_due)
    return _acquire_leases(
        rows.order_by(F("requested_at").asc(nulls_last=True), "next_check_at", "pk"),
        limit=limit,
        now=now,
        policy=policy,
    )


def check_leases_acquire_for_keys(
    *, key_ids: Collection[int], limit: int, now: datetime, policy: CheckPolicy
) -> list[CheckLease]:
    """Lease up to `limit` of these keys, due or not; only a check that runs holds one back."""
    ids, leases = list(key_ids), list[CheckLease]()
    # Slices keep each statement under every database's number of parameters.
    for start in range(0, len(ids), _KEYS_PER_STATEMENT):
        rows = _unleased_statuses(now, policy).filter(
            pk__in=ids[start : start + _KEYS_PER_STATEMENT]
        )
        leases += _acquire_leases(rows, limit=limit - len(leases), now=now, policy=policy)
        if len(leases) >= limit:
            break
    return leases


def check_leases_release(leases: Sequence[CheckLease]) -> None:
    """Give keys back unchecked, so that whoever comes next takes them."""
    for lease in leases:
        leased_rows = SyncStatus.objects.filter(pk=lease.key_id, lease_token=lease.token)
        leased_rows.update(lease_token="", lease_until=None)


def _unleased_statuses(now: datetime, policy: CheckPolicy) -> QuerySet[SyncStatus]:
    # A lease that ends later than any lease could was given before our clock was set back. A
    # command may run with shorter limits than the worker, so its own lease is no measure.
    is_free = (
        Q(lease_until=None)
        | Q(lease_until__lte=now)
        | Q(lease_until__gt=now + max(2 * policy.lease, MAX_LEASE))
    )
    return SyncStatus.objects.filter(is_free, key__status=KeyLifecycle.ACTIVE, key__paused_at=None)


def _acquire_leases(
    rows: QuerySet[SyncStatus], *, limit: int, now: datetime, policy: CheckPolicy
) -> list[CheckLease]:
    if limit < 1:
        return []
    token, ends_at = secrets.token_hex(8), now + policy.lease
    with transaction.atomic():
        locked = rows.select_for_update(skip_locked=True, of=("self",))
        ids = list(locked.values_list("pk", flat=True)[:limit])
        if not ids:
            return []
        SyncStatus.objects.filter(pk__in=ids).update(lease_token=token, lease_until=ends_at)
        keys = ApiKey.objects.only(*KEY_LEASE_COLUMNS).in_bulk(ids)
    return [
        CheckLease(**key_lease_values(keys[pk], token=token, ends_at=ends_at))
        for pk in ids
        if pk in keys
    ]
