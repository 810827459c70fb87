"""The worker's side of the catalogs: leases on requested fetches, and their results."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from freddy_admin.core import clock
from freddy_admin.sync.catalog.fetch_execution import (
    MAX_DURATION_IN_CALLS,
    CatalogFetchClaim,
    CatalogFetchResult,
)
from freddy_admin.sync.catalog.types import serialize_items
from freddy_admin.sync.checks.policy import MAX_LEASE, MAX_PLANNING_HORIZON
from freddy_admin.sync.checks.results import CallFailure
from freddy_admin.sync.key_leases import key_lease_values
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.sync.worker.schedule import hold_until_from_failure
from freddy_admin.vault.models import ApiKey, KeyLifecycle

_NO_FAILURE = CallFailure(kind="")


def catalog_fetches_claim(*, limit: int, now: datetime) -> list[CatalogFetchClaim]:
    """Lease up to `limit` requested catalogs: those a person waits for first, then the oldest."""
    if limit < 1:
        return []
    with transaction.atomic():
        claimable = (
            _claimable_snapshots(now)
            .select_for_update(skip_locked=True, of=("self",))
            .defer("items")
        )
        ordered = claimable.order_by(
            F("requested_at").asc(nulls_last=True), "refresh_requested_at", "pk"
        )
        snapshots = list(ordered[:limit])
        if not snapshots:
            return []
        for snapshot in snapshots:
            snapshot.lease_token = secrets.token_hex(8)
            snapshot.lease_until = now + _lease_duration()
        CatalogSnapshot.objects.bulk_update(snapshots, ("lease_token", "lease_until"))
        keys = ApiKey.objects.in_bulk({snapshot.key_id for snapshot in snapshots})
    return [
        _build_fetch_claim(snapshot, keys[snapshot.key_id])
        for snapshot in snapshots
        if snapshot.key_id in keys
    ]


def catalog_fetches_release(claims: Sequence[CatalogFetchClaim]) -> None:
    """Release claims unfetched, so that the next worker takes them."""
    for claim in claims:
        _fetch_lease_release(claim)


def catalog_results_save(results: Sequence[CatalogFetchResult]) -> list[int]:
    """Save these results and release their leases; returns the ids of the keys of saved results.

    A failed fetch leaves the latest good items as they are. A result whose lease is no longer its
    own, or whose key was replaced, paused or revoked meanwhile, is dropped; so is one for which
    nothing was sent, and the request stays.
    """
    stored = []
    for result in sorted(results, key=lambda result: (result.key_id, result.claim.kind)):
        with transaction.atomic():
            rows = CatalogSnapshot.objects.select_for_update(of=("self",)).select_related("key")
            # Neither the items nor the encrypted secret is needed.
            rows = rows.defer("items", "key__ciphertext")
            snapshot = rows.filter(key_id=result.key_id, kind=result.claim.kind).first()
            if snapshot is not None and _is_result_current(snapshot, result):
                _snapshot_save_result(snapshot, result)
                stored.append(result.key_id)
            else:
                _fetch_lease_release(result.claim)
    return stored


def _claimable_snapshots(now: datetime) -> QuerySet[CatalogSnapshot]:
    # A lease or a wait further ahead than any could be is of a clock that was set back.
    is_free = (
        Q(lease_until=None)
        | Q(lease_until__lte=now)
        | Q(lease_until__gt=now + max(2 * _lease_duration(), MAX_LEASE))
    )
    horizon = now + MAX_PLANNING_HORIZON
    is_held = Q(hold_until__gt=now, hold_until__lte=horizon) | Q(
        key__sync_status__hold_until__gt=now, key__sync_status__hold_until__lte=horizon
    )
    rows = (
        CatalogSnapshot.objects.filter(refresh_requested_at__isnull=False)
        .filter(is_free)
        .exclude(is_held)
    )
    return rows.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)


def _lease_duration() -> timedelta:
    # Longer than the longest fetch, so that a call of ours never outlives its lease.
    return clock.real_seconds_to_panel_duration(
        (MAX_DURATION_IN_CALLS + 1) * settings.AITRONOS_TOTAL_TIMEOUT
    )


def _build_fetch_claim(snapshot: CatalogSnapshot, key: ApiKey) -> CatalogFetchClaim:
    return CatalogFetchClaim(
        kind=CatalogKind(snapshot.kind),
        refresh_requested_at=snapshot.refresh_requested_at,
        **key_lease_values(
            key, token=snapshot.lease_token, ends_at=snapshot.lease_until or clock.now()
        ),
    )


def _fetch_lease_release(claim: CatalogFetchClaim) -> None:
    snapshots = CatalogSnapshot.objects.filter(
        key_id=claim.key_id, kind=claim.kind, lease_token=claim.token
    )
    snapshots.update(lease_token="", lease_until=None)


def _is_result_current(snapshot: CatalogSnapshot, result: CatalogFetchResult) -> bool:
    is_ours = (
        snapshot.lease_token == result.token and snapshot.key.version == result.claim.key_version
    )
    is_ours = is_ours and not result.is_withheld
    return is_ours and snapshot.key.status == KeyLifecycle.ACTIVE and snapshot.key.paused_at is None


def _snapshot_save_result(snapshot: CatalogSnapshot, result: CatalogFetchResult) -> None:
    failure, at = result.failure or _NO_FAILURE, result.finished_at
    snapshot.key_version, snapshot.checked_at = result.claim.key_version, at
    snapshot.error_kind, snapshot.error_code = failure.kind, failure.code
    snapshot.error_http_status, snapshot.error_message = failure.http_status, failure.message
    snapshot.error_field = failure.field
    snapshot.trace_id, snapshot.request_id = failure.trace_id, failure.request_id
    snapshot.hold_until = hold_until_from_failure(result.failure, now=at)
    # Requested anew while the fetch ran: its items may be from before the change.
    if snapshot.refresh_requested_at == result.claim.refresh_requested_at:
        snapshot.refresh_requested_at = None
    snapshot.requested_at = None
    snapshot.lease_token, snapshot.lease_until = "", None
    if result.failure is None:
        snapshot.items = serialize_items(result.items)
        snapshot.total, snapshot.observed_at = result.total, at
    if result.info is not None:
        snapshot.trace_id, snapshot.request_id = result.info.trace_id, result.info.request_id
    # Without the items after a failure: they were not read, so they are not written.
    snapshot.save(force_update=True)
