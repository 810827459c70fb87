"""The worker's side of the catalogs: leases on requested fetches, and their results."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from freddy_admin.core.fair_shares import Shares
from freddy_admin.core.leases import (
    free_rows,
    held_row_lock,
    lease_release,
    leased_rows_list,
    leases_acquire,
)
from freddy_admin.core.tasks import Moment
from freddy_admin.sync.catalog.fetch_execution import (
    CatalogFetchClaim,
    CatalogFetchResult,
    catalog_lease_duration,
)
from freddy_admin.sync.catalog.types import serialize_items
from freddy_admin.sync.checks.budget import key_calls_record
from freddy_admin.sync.checks.policy import MAX_PLANNING_HORIZON
from freddy_admin.sync.checks.results import CallFailure
from freddy_admin.sync.key_leases import key_lease_values
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from freddy_admin.sync.worker.schedule import hold_until_from_failure
from freddy_admin.vault.models import ApiKey, KeyLifecycle

_NO_FAILURE = CallFailure(kind="")


def catalogs_requested(now: Moment) -> QuerySet[CatalogSnapshot]:
    """The catalogs that a page or a person asked for and that no fetch holds."""
    return free_rows(_claimable_snapshots(now), now=now, duration=catalog_lease_duration())


def catalog_fetches_claim(
    *, limit: int, now: datetime, shares: Shares | None = None
) -> list[CatalogFetchClaim]:
    """Lease up to `limit` requested catalogs: those a person waits for first, then the oldest.

    With `shares` those of each organisation in turn.
    """
    order = F("requested_at").asc(nulls_last=True), "refresh_requested_at", "pk"
    leases = leases_acquire(
        _claimable_snapshots(now).order_by(*order),
        limit=limit,
        now=now,
        duration=catalog_lease_duration(),
        shares=shares,
    )
    rows = CatalogSnapshot.objects.select_related("key__sync_status").defer("items")
    return [
        CatalogFetchClaim(
            kind=CatalogKind(snapshot.kind),
            refresh_requested_at=snapshot.refresh_requested_at,
            organization_id=snapshot.key.sync_status.reported_organization_id
            or snapshot.key.organization_id,
            **key_lease_values(lease, snapshot.key),
        )
        for lease, snapshot in leased_rows_list(rows, leases)
    ]


def catalog_fetches_release(claims: Sequence[CatalogFetchClaim]) -> None:
    """Release claims unfetched, so that the next worker takes them."""
    for claim in claims:
        lease_release(CatalogSnapshot.objects.filter(pk=claim.row_id), token=claim.token)


def catalog_results_save(results: Sequence[CatalogFetchResult]) -> list[int]:
    """Save these results and release their leases; returns the ids of the keys of saved results.

    A failed fetch leaves the latest good items as they are. A result whose lease is no longer its
    own, or whose key was replaced, paused or revoked meanwhile, is dropped; so is one for which
    nothing was sent, and the request stays.
    """
    stored = []
    for result in sorted(results, key=lambda result: (result.key_id, result.claim.kind)):
        with transaction.atomic():
            # Neither the items nor the encrypted secret is needed.
            rows = CatalogSnapshot.objects.select_related("key").defer("items", "key__ciphertext")
            rows = rows.filter(pk=result.claim.row_id)
            snapshot = held_row_lock(rows, token=result.claim.token)
            if snapshot is not None and _is_result_current(snapshot.key, result):
                _snapshot_save_result(snapshot, result)
                stored.append(result.key_id)
            else:
                lease_release(rows, token=result.claim.token)
    key_calls_record([(result.key_id, result.usage) for result in results])
    return stored


def _claimable_snapshots(now: Moment) -> QuerySet[CatalogSnapshot]:
    # A wait further ahead than any could be is of a clock that was set back.
    horizon = now + MAX_PLANNING_HORIZON
    is_waiting = Q(hold_until__gt=now, hold_until__lte=horizon) | Q(
        key__sync_status__hold_until__gt=now, key__sync_status__hold_until__lte=horizon
    )
    rows = CatalogSnapshot.objects.filter(refresh_requested_at__isnull=False).exclude(is_waiting)
    return rows.filter(key__status=KeyLifecycle.ACTIVE, key__paused_at=None)


def _is_result_current(key: ApiKey, result: CatalogFetchResult) -> bool:
    is_key_as_claimed = key.version == result.claim.key_version and key.paused_at is None
    return is_key_as_claimed and key.status == KeyLifecycle.ACTIVE and not result.is_withheld


def _snapshot_save_result(snapshot: CatalogSnapshot, result: CatalogFetchResult) -> None:
    failure, at = result.failure or _NO_FAILURE, result.finished_at
    snapshot.key_version, snapshot.checked_at = result.claim.key_version, at
    snapshot.error_kind, snapshot.error_code = failure.kind, failure.code
    snapshot.error_http_status, snapshot.error_message = failure.http_status, failure.message
    snapshot.error_field = failure.field
    snapshot.error_system_message = failure.system_message
    snapshot.error_type, snapshot.error_timestamp = failure.error_type, failure.timestamp
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
