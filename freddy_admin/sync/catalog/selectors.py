"""The catalogs of a key: their state from the database, their items from the cache.

A cache entry is named after the key's id and version and holds the time of its items, so that an
outdated one is recognised and never served.
"""

from django.db.models import F

from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.types import (
    CatalogItem,
    CatalogState,
    deserialize_items,
)
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot, CheckOutcome
from freddy_admin.sync.status.rows import CheckError
from freddy_admin.vault.models import ApiKey, KeyLifecycle

_CACHE_SECONDS = 300.0


def catalog_key_list(*, organisation: Organisation) -> list[tuple[ApiKey, bool]]:
    """The keys in use, by label, each with whether it works; one query.

    One works whose latest check was good and which is not paused.
    """
    keys = ApiKey.objects.filter(organisation=organisation, status=KeyLifecycle.ACTIVE)
    keys = keys.defer("ciphertext").annotate(outcome=F("sync_status__outcome"))
    return [
        (key, key.outcome == CheckOutcome.GOOD and key.paused_at is None)
        for key in keys.order_by("label", "pk")
    ]


def catalog_state_get(
    *, organisation: Organisation, key: ApiKey, kind: CatalogKind
) -> CatalogState:
    """The state of the catalog, without its items; one query."""
    rows = CatalogSnapshot.objects.filter(organisation=organisation, key=key, kind=kind)
    rows_with_hold = rows.defer("items").annotate(key_hold=F("key__sync_status__hold_until"))
    snapshot = rows_with_hold.first()
    if snapshot is None:
        return CatalogState(kind)
    observed_at, secret_set_at = snapshot.observed_at, key.secret_set_at
    holds = [at for at in (snapshot.hold_until, snapshot.key_hold) if at is not None]
    is_of_key_version = snapshot.key_version == key.version
    return CatalogState(
        kind=kind,
        key_version=snapshot.key_version,
        total=snapshot.total,
        observed_at=observed_at,
        checked_at=snapshot.checked_at,
        error=_check_error(snapshot) if snapshot.error_kind and is_of_key_version else None,
        is_from_previous_key=bool(observed_at and secret_set_at and observed_at < secret_set_at),
        refresh_requested_at=snapshot.refresh_requested_at,
        requested_at=snapshot.requested_at,
        # Aitronos limits by organisation: a hold after a check is one for fetches, too.
        hold_until=max(holds, default=None),
        lease_until=snapshot.lease_until,
    )


def catalog_items_get(
    *,
    organisation: Organisation,
    key: ApiKey,
    kind: CatalogKind,
    state: CatalogState | None = None,
) -> tuple[CatalogItem, ...]:
    """The latest good items in the order of Aitronos, from the cache where they are there.

    `state` saves its query.
    """
    state = state or catalog_state_get(organisation=organisation, key=key, kind=kind)
    if state.observed_at is None:
        return ()
    cache_key, moment = catalog_cache_key(key, kind), state.observed_at.isoformat()
    entry = cache_get(cache_key)
    if isinstance(entry, dict) and entry.get("of") == moment:
        return deserialize_items(kind, entry.get("items"))
    rows = CatalogSnapshot.objects.filter(organisation=organisation, key=key, kind=kind)
    items, read_at = rows.values_list("items", "observed_at").first() or ([], None)
    if read_at is not None:
        cache_set(cache_key, {"of": read_at.isoformat(), "items": items}, seconds=_CACHE_SECONDS)
    return deserialize_items(kind, items)


def catalog_cache_key(key: ApiKey, kind: CatalogKind) -> str:
    """The name of the cache entry of one catalog of one key version."""
    return f"sync:listing:{kind.value}:{key.pk}:{key.version}"


def _check_error(snapshot: CatalogSnapshot) -> CheckError:
    return CheckError(
        kind=snapshot.error_kind,
        code=snapshot.error_code,
        http_status=snapshot.error_http_status,
        message=snapshot.error_message,
        field=snapshot.error_field,
        detail="",
        trace_id=snapshot.trace_id,
        request_id=snapshot.request_id,
        system_message=snapshot.error_system_message,
        error_type=snapshot.error_type,
        timestamp=snapshot.error_timestamp,
    )
