"""One organisation's keys, history, checks, operations and catalog as plain values; no secret."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from freddy_admin.core.row_batches import values_in_batches
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import (
    CatalogSnapshot,
    CheckRun,
    HistoryEvent,
    RemoteOperation,
    SyncStatus,
)
from freddy_admin.vault.models import ApiKey

ExportRows = Iterator[dict[str, Any]]

_STATUS_FIELDS = [
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
    "error_code",
    "error_system_message",
    "error_type",
    "error_timestamp",
    "trace_id",
    "request_id",
]
_EVENT_FIELDS = ("key__label", "key_id", "kind", "at", "until", "actor_name", "details")
_CHECK_RUN_FIELDS = [
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
    "error_code",
    "trace_id",
    "request_id",
]
_OPERATION_FIELDS = [
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
    "error_code",
    "trace_id",
    "request_id",
]
_CATALOG_FIELDS = ("key__label", "key_id", "kind", "observed_at", "items")


def keys_export(*, organisation: Organisation) -> ExportRows:
    """Every key of the organisation, revoked ones too, with its sync status."""
    rows = SyncStatus.objects.filter(organisation=organisation).values("key_id", *_STATUS_FIELDS)
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
            "environment": key.environment,
            "grace_minutes": key.grace_minutes,
            "created_at": key.created_at,
            "secret_set_at": key.secret_set_at,
            "paused_at": key.paused_at,
            "revoked_at": key.revoked_at,
            "sync": states.get(key.pk),
        }


def history_export(*, organisation: Organisation) -> ExportRows:
    """The history events, the oldest first."""
    events = HistoryEvent.objects.filter(organisation=organisation)
    return _export_rows(events, _EVENT_FIELDS, by="at")


def check_runs_export(*, organisation: Organisation) -> ExportRows:
    """The runs of identical checks, the oldest first."""
    runs = CheckRun.objects.filter(organisation=organisation)
    return _export_rows(runs, _CHECK_RUN_FIELDS, by="last_at")


def operations_export(*, organisation: Organisation) -> ExportRows:
    """The remote operations, the oldest first."""
    rows = RemoteOperation.objects.filter(organisation=organisation)
    return _export_rows(rows, _OPERATION_FIELDS, by="requested_at")


def catalog_export(*, organisation: Organisation) -> ExportRows:
    """The catalog snapshots: connectors and auth configs as last fetched."""
    snapshots = CatalogSnapshot.objects.filter(organisation=organisation)
    return _export_rows(snapshots, _CATALOG_FIELDS, by="pk")


def _export_rows(
    rows: QuerySet[Any], fields: tuple[str, ...] | list[str], *, by: str
) -> ExportRows:
    for row in values_in_batches(rows, fields, by=by):
        yield {name.replace("key__label", "key"): value for name, value in row.items()}
