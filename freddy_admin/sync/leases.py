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

from freddy_admin.sync.claims import SEALED_IN, SealedClaim, sealed_values
from freddy_admin.sync.health import CLOCK_TOLERANCE
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.policy import LEASE_AT_MOST, Policy
from freddy_admin.vault.models import ApiKey, KeyStatus

_SLICE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(SealedClaim):
    """One key whose check is ours to run."""


def claims_take(*, limit: int, now: datetime, policy: Policy) -> list[Claim]:
    """Lease up to `limit` due keys: those a person waits for first, then the longest due."""
    # A check that ended in the future, or a plan further ahead than any we make: our clock was
    # set back. Look now: what is shown would otherwise stay as it is until the clock catches up.
    due = (
        Q(next_check_at__lte=now)
        | Q(next_check_at__gt=now + policy.horizon)
        | Q(checked_at__gt=now + CLOCK_TOLERANCE)
    )
    rows = _free(now, policy).filter(due)
    return _take(
        rows.order_by(F("requested_at").asc(nulls_last=True), "next_check_at", "pk"),
        limit=limit,
        now=now,
        policy=policy,
    )


def claims_take_these(
    *, key_ids: Collection[int], limit: int, now: datetime, policy: Policy
) -> list[Claim]:
    """Lease up to `limit` of these keys, due or not; only a check that runs holds one back."""
    wanted, claims = list(key_ids), list[Claim]()
    # Slices keep each statement under every database's number of parameters.
    for start in range(0, len(wanted), _SLICE):
        some = _free(now, policy).filter(pk__in=wanted[start : start + _SLICE])
        claims += _take(some, limit=limit - len(claims), now=now, policy=policy)
        if len(claims) >= limit:
            break
    return claims


def claims_release(claims: Sequence[Claim]) -> None:
    """Give keys back unchecked, so that whoever comes next takes them."""
    for claim in claims:
        mine = KeySync.objects.filter(pk=claim.key_id, lease_token=claim.token)
        mine.update(lease_token="", lease_until=None)


def _free(now: datetime, policy: Policy) -> QuerySet[KeySync]:
    # A lease that ends later than any lease could was given before our clock was set back. A
    # command may run with shorter limits than the worker, so its own lease is no measure.
    free = (
        Q(lease_until=None)
        | Q(lease_until__lte=now)
        | Q(lease_until__gt=now + max(2 * policy.lease, LEASE_AT_MOST))
    )
    return KeySync.objects.filter(free, key__status=KeyStatus.ACTIVE, key__paused_at=None)


def _take(rows: QuerySet[KeySync], *, limit: int, now: datetime, policy: Policy) -> list[Claim]:
    if limit < 1:
        return []
    token, ends_at = secrets.token_hex(8), now + policy.lease
    with transaction.atomic():
        locked = rows.select_for_update(skip_locked=True, of=("self",))
        ids = list(locked.values_list("pk", flat=True)[:limit])
        if not ids:
            return []
        KeySync.objects.filter(pk__in=ids).update(lease_token=token, lease_until=ends_at)
        keys = ApiKey.objects.only(*SEALED_IN).in_bulk(ids)
    return [
        Claim(**sealed_values(keys[pk], token=token, ends_at=ends_at)) for pk in ids if pk in keys
    ]
