"""Rows as values of the JSON API. Times are UTC, to the second."""

from datetime import datetime
from typing import Any

from freddy_admin.organisations.access import Access, actor_display_name
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.models.operations import OperationKind
from freddy_admin.sync.status.rows import CheckError, KeyRow
from freddy_admin.wording.failures import failure_wording


def serialize_status(row: KeyRow) -> dict[str, Any]:
    """The status of one key."""
    figures = row.figures
    return {
        "organisation": row.organisation_name,
        "organisation_slug": row.organisation_slug,
        "key_id": row.key_id,
        "key_label": row.key_label,
        "state": row.state.value,
        "state_since": format_utc(row.state_since),
        "total_tools": figures.total_tools if figures else None,
        "enabled_tools": figures.enabled_tools if figures else None,
        "last_sync_at": format_utc(figures.last_sync_at) if figures else None,
        "next_sync_at": format_utc(figures.next_sync_at) if figures else None,
        "sync_interval_hours": figures.sync_interval_hours if figures else None,
        "incremental_sync_enabled": figures.incremental_sync_enabled if figures else None,
        "checked_at": format_utc(row.checked_at),
        "observed_at": format_utc(row.observed_at),
        "error": _serialize_check_error(row.error) if row.error else None,
        "tags": list(row.tags),
        "organization_id": row.known_organization_id or None,
        "owner": row.owner_name or None,
        "environment": row.environment,
    }


def serialize_event(entry: TimelineEntry, access: Access) -> dict[str, Any]:
    """One event, as far as a user with this access may see it."""
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "at": format_utc(entry.at),
        "noticed_at": format_utc(entry.noticed_at),
        "until": format_utc(entry.until),
        "key_id": entry.key_id,
        "key_label": entry.key_label,
        "actor": actor_display_name(entry.actor_name, access.permissions),
        "details": entry.details if isinstance(entry.details, dict) else {},
    }


def serialize_operation(operation: RemoteOperation, access: Access) -> dict[str, Any]:
    """A remote operation, as far as a user with this access may see it."""
    is_sync = operation.kind == OperationKind.SYNC
    return {
        "id": operation.pk,
        "kind": str(operation.kind),
        "state": str(operation.state),
        "organisation": operation.organisation.name,
        "organisation_slug": operation.organisation.slug,
        "key_id": operation.key_id,
        "key_label": operation.key.label,
        "full": operation.full if is_sync else None,
        "tool_key": None if is_sync else operation.tool_key,
        "enable": None if is_sync else operation.enable,
        "requested_at": format_utc(operation.requested_at),
        "requested_by": actor_display_name(operation.requested_by, access.permissions),
        "sent_at": format_utc(operation.sent_at),
        "finished_at": format_utc(operation.finished_at),
        "confirmed_sync_at": format_utc(operation.confirmed_sync_at),
        "error": _serialize_check_error(_check_error_from_operation(operation))
        if operation.error_kind
        else None,
    }


def format_utc(at: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second; None for None."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _serialize_check_error(error: CheckError) -> dict[str, Any]:
    return {
        "code": error.code or error.kind,
        "http_status": error.http_status,
        "message": error.message or str(failure_wording(error).words),
        "trace_id": error.trace_id or None,
        "request_id": error.request_id or None,
        "kind": error.kind,
    }


def _check_error_from_operation(operation: RemoteOperation) -> CheckError:
    return CheckError(
        kind=operation.error_kind,
        code=operation.error_code,
        http_status=operation.error_http_status,
        message=operation.error_message,
        field="",
        detail="",
        trace_id=operation.trace_id,
        request_id=operation.request_id,
    )
