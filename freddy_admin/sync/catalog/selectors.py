"""The catalogs of a key: their state from the database, their items from the cache.

A cache entry is named after the key's id and version and holds the time of its items, so that an
outdated one is recognised and never served.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.types import (
    CatalogContents,
    CatalogItem,
    CatalogState,
    deserialize_items,
)
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot, CheckOutcome
from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.models import ApiKey, KeyLifecycle

_CACHE_SECONDS = 300.0
_STATE_COLUMNS = (
    "key_version",
    "total",
    "observed_at",
    "checked_at",
    "refresh_requested_at",
    "requested_at",
    "hold_until",
    "lease_until",
    "error_kind",
    "error_code",
    "error_http_status",
    "error_message",
    "error_field",
    "trace_id",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class CatalogKey:
    """One key in use; `is_working`: its latest check was good and it is not paused."""

    key: ApiKey
    is_working: bool


def catalog_key_list(*, organisation: Organisation) -> list[CatalogKey]:
    """The keys in use, by label; one query."""
    keys = ApiKey.objects.filter(organisation=organisation, status=KeyLifecycle.ACTIVE)
    keys = keys.defer("ciphertext").annotate(outcome=F("sync_status__outcome"))
    return [
        CatalogKey(key, is_working=key.outcome == CheckOutcome.GOOD and key.paused_at is None)
        for key in keys.order_by("label", "pk")
    ]


def catalog_state_get(
    *, organisation: Organisation, key: ApiKey, kind: CatalogKind
) -> CatalogState:
    """The state of the catalog, without its items; one query."""
    rows = CatalogSnapshot.objects.filter(organisation=organisation, key=key, kind=kind)
    values = rows.values(*_STATE_COLUMNS, key_hold=F("key__sync_status__hold_until")).first()
    if values is None:
        return CatalogState(kind)
    observed_at, secret_set_at = values["observed_at"], key.secret_set_at
    holds = [at for at in (values["hold_until"], values["key_hold"]) if at is not None]
    return CatalogState(
        kind=kind,
        key_version=values["key_version"],
        total=values["total"],
        observed_at=observed_at,
        checked_at=values["checked_at"],
        error=_check_error_from_values(values) if values["key_version"] == key.version else None,
        is_from_previous_key=bool(observed_at and secret_set_at and observed_at < secret_set_at),
        refresh_requested_at=values["refresh_requested_at"],
        requested_at=values["requested_at"],
        # Aitronos limits by organisation: a hold after a check is one for fetches, too.
        hold_until=max(holds, default=None),
        lease_until=values["lease_until"],
    )


def catalog_contents_get(
    *,
    organisation: Organisation,
    key: ApiKey,
    kind: CatalogKind,
    state: CatalogState | None = None,
) -> CatalogContents:
    """The latest good items, from the cache where they are there; `state` saves its query."""
    state = state or catalog_state_get(organisation=organisation, key=key, kind=kind)
    if state.observed_at is None:
        return CatalogContents(state, ())
    items = _get_cached_items(organisation, key, kind, state.observed_at)
    return CatalogContents(state, items)


def _get_cached_items(
    organisation: Organisation, key: ApiKey, kind: CatalogKind, observed_at: datetime
) -> tuple[CatalogItem, ...]:
    cache_key, moment = catalog_cache_key(key, kind), observed_at.isoformat()
    entry = cache_get(cache_key)
    if isinstance(entry, dict) and entry.get("of") == moment:
        return deserialize_items(kind, entry.get("items"))
    rows = CatalogSnapshot.objects.filter(organisation=organisation, key=key, kind=kind)
    row = rows.values_list("items", "observed_at").first()
    items, read_at = row or ([], None)
    if read_at is not None:
        cache_set(cache_key, {"of": read_at.isoformat(), "items": items}, seconds=_CACHE_SECONDS)
    return deserialize_items(kind, items)


def catalog_cache_key(key: ApiKey, kind: CatalogKind) -> str:
    """The name of the cache entry of one catalog of one key version."""
    return f"sync:listing:{kind.value}:{key.pk}:{key.version}"


def _check_error_from_values(values: dict[str, Any]) -> CheckError | None:
    if not values["error_kind"]:
        return None
    return CheckError(
        kind=values["error_kind"],
        code=values["error_code"],
        http_status=values["error_http_status"],
        message=values["error_message"],
        field=values["error_field"],
        detail="",
        trace_id=values["trace_id"],
        request_id=values["request_id"],
    )
