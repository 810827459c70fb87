"""All that is kept of one organisation's keys and their past, as plain values; never a secret."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import CheckRun, HistoryEvent, KeySync, Listing, Order
from freddy_admin.vault.models import ApiKey

Told = Iterator[dict[str, Any]]

_BATCH = 500
_STATUS = [
    "state",
    "state_since",
    "last_sync_at",
    "next_sync_at",
    "sync_interval_hours",
    "total_tools",
    "enabled_tools",
    "incremental_sync_enabled",
    "observed_at",
    "checked_at",
    "outcome",
    "error_kind",
    "error_http_status",
    "error_message",
]
_EVENT = ("key__label", "key_id", "kind", "at", "until", "actor_name", "details")
_RUN = [
    "key__label",
    "key_id",
    "first_at",
    "last_at",
    "count",
    "outcome",
    "total_tools",
    "enabled_tools",
    "last_sync_at",
    "next_sync_at",
    "sync_interval_hours",
    "error_kind",
    "error_http_status",
]
_ORDER = [
    "key__label",
    "key_id",
    "kind",
    "state",
    "full",
    "tool_key",
    "tool_name",
    "enable",
    "requested_at",
    "requested_by",
    "finished_at",
    "result",
    "error_kind",
    "error_http_status",
    "error_message",
]
_LISTING = ("key__label", "key_id", "kind", "observed_at", "items")


def keys_told(*, organisation: Organisation) -> Told:
    """Every key there is or was, with its state as last seen."""
    rows = KeySync.objects.filter(organisation=organisation).values("key_id", *_STATUS)
    states = {row.pop("key_id"): row for row in rows}
    keys = ApiKey.objects.filter(organisation=organisation).select_related("owner")
    for key in keys.defer("ciphertext").prefetch_related("tags").order_by("label", "pk"):
        yield {
            "id": key.pk,
            "label": key.label,
            "status": key.status,
            "owner": str(key.owner) if key.owner else None,
            "tags": [tag.name for tag in key.tags.all()],
            "organization_id": key.organization_id,
            "grace_minutes": key.grace_minutes,
            "created_at": key.created_at,
            "secret_set_at": key.secret_set_at,
            "paused_at": key.paused_at,
            "revoked_at": key.revoked_at,
            "sync": states.get(key.pk),
        }


def history_told(*, organisation: Organisation) -> Told:
    """What happened, the oldest first."""
    events = HistoryEvent.objects.filter(organisation=organisation).order_by("at", "pk")
    return _told(events, _EVENT)


def checks_told(*, organisation: Organisation) -> Told:
    """Checks in a row that brought the same, the oldest first."""
    return _told(CheckRun.objects.filter(organisation=organisation).order_by("last_at"), _RUN)


def orders_told(*, organisation: Organisation) -> Told:
    """What people asked to be done at Aitronos."""
    rows = Order.objects.filter(organisation=organisation).order_by("requested_at", "pk")
    return _told(rows, _ORDER)


def lists_told(*, organisation: Organisation) -> Told:
    """The latest lists of connectors and auth configs."""
    return _told(Listing.objects.filter(organisation=organisation).order_by("pk"), _LISTING)


def _told(rows: QuerySet[Any], fields: tuple[str, ...] | list[str]) -> Told:
    for row in rows.values(*fields).iterator(chunk_size=_BATCH):
        yield {name.replace("key__label", "key"): value for name, value in row.items()}
