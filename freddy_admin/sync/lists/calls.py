"""The worker's side of the lists: which are wanted, and what becomes of the answers."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from freddy_admin.core import clock
from freddy_admin.sync.claims import sealed_values
from freddy_admin.sync.lists.fetch import (
    CALLS_LONG,
    ListingClaim,
    ListingEnded,
    listing_perform,
)
from freddy_admin.sync.lists.rows import frozen
from freddy_admin.sync.models import Listing, ListingKind
from freddy_admin.sync.outcomes import Problem
from freddy_admin.sync.policy import LEASE_AT_MOST, PLANNED_AT_MOST
from freddy_admin.sync.schedule import hold_until
from freddy_admin.vault.models import ApiKey, KeyStatus

__all__ = [
    "ListingClaim",
    "ListingEnded",
    "listing_claims_release",
    "listing_claims_take",
    "listing_perform",
    "listings_store",
]

_NO_PROBLEM = Problem(kind="")
_LEASE = ("lease_token", "lease_until")
_END = (
    *_LEASE,
    "key_version",
    "checked_at",
    "error_kind",
    "error_code",
    "error_http_status",
    "error_message",
    "error_field",
    "trace_id",
    "request_id",
    "wanted_at",
    "requested_at",
    "hold_until",
)
_LIST = ("items", "total", "observed_at")


def listing_claims_take(*, limit: int, now: datetime) -> list[ListingClaim]:
    """Lease up to `limit` wanted lists: those a person waits for first, then the longest wanted."""
    if limit < 1:
        return []
    with transaction.atomic():
        rows = _free(now).select_for_update(skip_locked=True, of=("self",)).defer("items")
        in_order = rows.order_by(F("requested_at").asc(nulls_last=True), "wanted_at", "pk")
        found = list(in_order[:limit])
        if not found:
            return []
        for row in found:
            row.lease_token, row.lease_until = secrets.token_hex(8), now + _lease()
        Listing.objects.bulk_update(found, _LEASE)
        keys = ApiKey.objects.in_bulk({row.key_id for row in found})
    return [_claim(row, keys[row.key_id]) for row in found if row.key_id in keys]


def listing_claims_release(claims: Sequence[ListingClaim]) -> None:
    """Give lists back unfetched, so that whoever comes next takes them."""
    for claim in claims:
        _release(claim)


def listings_store(ended: Sequence[ListingEnded]) -> list[int]:
    """Store these ends and free their leases; returns the ids of the keys they were stored for.

    A failed call leaves the latest good list as it is. An end whose lease is no longer its own,
    or whose key was replaced, paused or revoked meanwhile, is thrown away; so is one for which
    nothing was sent, and the list stays wanted.
    """
    stored = []
    for one in sorted(ended, key=lambda one: (one.key_id, one.claim.kind)):
        with transaction.atomic():
            rows = Listing.objects.select_for_update(of=("self",)).select_related("key")
            # Neither the items nor the sealed bytes are looked at.
            rows = rows.defer("items", "key__ciphertext")
            row = rows.filter(key_id=one.key_id, kind=one.claim.kind).first()
            if row is not None and _still_ours(row, one):
                _record(row, one)
                stored.append(one.key_id)
            else:
                _release(one.claim)
    return stored


def _free(now: datetime) -> QuerySet[Listing]:
    # As for checks: a lease or a wait further ahead than any could be is of a clock set back.
    free = (
        Q(lease_until=None)
        | Q(lease_until__lte=now)
        | Q(lease_until__gt=now + max(2 * _lease(), LEASE_AT_MOST))
    )
    horizon = now + PLANNED_AT_MOST
    held = Q(hold_until__gt=now, hold_until__lte=horizon) | Q(
        key__sync__hold_until__gt=now, key__sync__hold_until__lte=horizon
    )
    rows = Listing.objects.filter(wanted_at__isnull=False).filter(free).exclude(held)
    return rows.filter(key__status=KeyStatus.ACTIVE, key__paused_at=None)


def _lease() -> timedelta:
    # Longer than the longest list, so that a call of ours never outlives its lease.
    return clock.passing((CALLS_LONG + 1) * settings.AITRONOS_TOTAL_TIMEOUT)


def _claim(row: Listing, key: ApiKey) -> ListingClaim:
    return ListingClaim(
        kind=ListingKind(row.kind),
        wanted_at=row.wanted_at,
        **sealed_values(key, token=row.lease_token, ends_at=row.lease_until or clock.now()),
    )


def _release(claim: ListingClaim) -> None:
    mine = Listing.objects.filter(key_id=claim.key_id, kind=claim.kind, lease_token=claim.token)
    mine.update(lease_token="", lease_until=None)


def _still_ours(row: Listing, ended: ListingEnded) -> bool:
    same = row.lease_token == ended.token and row.key.version == ended.claim.key_version
    same = same and not ended.withheld
    return same and row.key.status == KeyStatus.ACTIVE and row.key.paused_at is None


def _record(row: Listing, ended: ListingEnded) -> None:
    problem, at = ended.problem or _NO_PROBLEM, ended.finished_at
    row.key_version, row.checked_at = ended.claim.key_version, at
    row.error_kind, row.error_code = problem.kind, problem.code
    row.error_http_status, row.error_message = problem.http_status, problem.message
    row.error_field = problem.field
    row.trace_id, row.request_id = problem.trace_id, problem.request_id
    row.hold_until = hold_until(ended.problem, now=at)
    # Wanted anew while the call ran: what it brought may be from before the change.
    if row.wanted_at == ended.claim.wanted_at:
        row.wanted_at = None
    row.requested_at = None
    row.lease_token, row.lease_until = "", None
    if ended.problem is not None:
        row.save(update_fields=_END)
        return
    if ended.info is not None:
        row.trace_id, row.request_id = ended.info.trace_id, ended.info.request_id
    row.items, row.total, row.observed_at = frozen(ended.items), ended.total, at
    row.save(update_fields=(*_END, *_LIST))
