"""What is known of the lists of a key: its state from the database, its items from the cache.

A cache entry goes by the key's own id and version and says of which moment its items are, so that
one which was overtaken is noticed and never served.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.lists.rows import Item, ListingState, ListingView, thawed
from freddy_admin.sync.models import Listing, ListingKind, Outcome
from freddy_admin.sync.rows import CheckError
from freddy_admin.vault.models import ApiKey, KeyStatus

_KEPT_SECONDS = 300.0
_COLUMNS = (
    "key_version",
    "total",
    "observed_at",
    "checked_at",
    "wanted_at",
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
class ListingKey:
    """One key in use whose lists can be looked at; `works` says that its latest check did."""

    key: ApiKey
    works: bool


def listing_keys(*, organisation: Organisation) -> list[ListingKey]:
    """The keys in use, by label; one query."""
    keys = ApiKey.objects.filter(organisation=organisation, status=KeyStatus.ACTIVE)
    keys = keys.defer("ciphertext").annotate(outcome=F("sync__outcome"))
    return [
        ListingKey(key, works=key.outcome == Outcome.GOOD and key.paused_at is None)
        for key in keys.order_by("label", "pk")
    ]


def listing_state(*, organisation: Organisation, key: ApiKey, kind: ListingKind) -> ListingState:
    """What there is to say of the list, without reading it; one query."""
    rows = Listing.objects.filter(organisation=organisation, key=key, kind=kind)
    values = rows.values(*_COLUMNS, key_hold=F("key__sync__hold_until")).first()
    if values is None:
        return ListingState(kind)
    observed, sealed = values["observed_at"], key.secret_set_at
    holds = [at for at in (values["hold_until"], values["key_hold"]) if at is not None]
    return ListingState(
        kind=kind,
        key_version=values["key_version"],
        total=values["total"],
        observed_at=observed,
        checked_at=values["checked_at"],
        error=_error(values) if values["key_version"] == key.version else None,
        former=bool(observed and sealed and observed < sealed),
        wanted_at=values["wanted_at"],
        requested_at=values["requested_at"],
        # Aitronos counts by organisation: who was asked to wait with a status waits with a list.
        hold_until=max(holds, default=None),
        lease_until=values["lease_until"],
    )


def listing_read(
    *,
    organisation: Organisation,
    key: ApiKey,
    kind: ListingKind,
    state: ListingState | None = None,
) -> ListingView:
    """The latest good list, from the cache where it is there; `state` spares its query."""
    state = state or listing_state(organisation=organisation, key=key, kind=kind)
    if state.observed_at is None:
        return ListingView(state, ())
    items = _items(organisation, key, kind, state.observed_at)
    return ListingView(state, items)


def _items(
    organisation: Organisation, key: ApiKey, kind: ListingKind, observed_at: datetime
) -> tuple[Item, ...]:
    name, of = cache_name(key, kind), observed_at.isoformat()
    kept = cache_get(name)
    if isinstance(kept, dict) and kept.get("of") == of:
        return thawed(kind, kept.get("items"))
    rows = Listing.objects.filter(organisation=organisation, key=key, kind=kind)
    found = rows.values_list("items", "observed_at").first()
    items, read_at = found or ([], None)
    if read_at is not None:
        cache_set(name, {"of": read_at.isoformat(), "items": items}, seconds=_KEPT_SECONDS)
    return thawed(kind, items)


def cache_name(key: ApiKey, kind: ListingKind) -> str:
    """The cache entry of one list of one key version."""
    return f"sync:listing:{kind.value}:{key.pk}:{key.version}"


def _error(values: dict[str, Any]) -> CheckError | None:
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
