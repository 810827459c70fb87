"""Rows in the words of the JSON API. Times are UTC, to the second."""

from datetime import datetime
from typing import Any

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.names import actor_shown
from freddy_admin.sync.history.timeline import TimelineEntry
from freddy_admin.sync.models import Order
from freddy_admin.sync.models.orders import OrderKind
from freddy_admin.sync.rows import CheckError, KeyRow
from freddy_admin.web.presenters.failures import failure


def status_told(row: KeyRow) -> dict[str, Any]:
    """One key."""
    figures = row.figures
    return {
        "organisation": row.organisation_name,
        "organisation_slug": row.organisation_slug,
        "key_id": row.key_id,
        "key_label": row.key_label,
        "state": row.state.value,
        "state_since": utc(row.state_since),
        "total_tools": figures.total_tools if figures else None,
        "enabled_tools": figures.enabled_tools if figures else None,
        "last_sync_at": utc(figures.last_sync_at) if figures else None,
        "next_sync_at": utc(figures.next_sync_at) if figures else None,
        "sync_interval_hours": figures.sync_interval_hours if figures else None,
        "incremental_sync_enabled": figures.incremental_sync_enabled if figures else None,
        "checked_at": utc(row.checked_at),
        "observed_at": utc(row.observed_at),
        "error": _error(row.error) if row.error else None,
    }


def event_told(entry: TimelineEntry, access: Access) -> dict[str, Any]:
    """One event, as far as a reader with this access may see it."""
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "at": utc(entry.at),
        "noticed_at": utc(entry.noticed_at),
        "until": utc(entry.until),
        "key_id": entry.key_id,
        "key_label": entry.key_label,
        "actor": actor_shown(entry.actor_name, access.permissions),
        "details": entry.details if isinstance(entry.details, dict) else {},
    }


def order_told(order: Order, access: Access) -> dict[str, Any]:
    """One order, as far as a reader with this access may see it."""
    sync = order.kind == OrderKind.SYNC
    return {
        "id": order.pk,
        "kind": str(order.kind),
        "state": str(order.state),
        "organisation": order.organisation.name,
        "organisation_slug": order.organisation.slug,
        "key_id": order.key_id,
        "key_label": order.key.label,
        "full": order.full if sync else None,
        "tool_key": None if sync else order.tool_key,
        "enable": None if sync else order.enable,
        "requested_at": utc(order.requested_at),
        "requested_by": actor_shown(order.requested_by, access.permissions),
        "sent_at": utc(order.sent_at),
        "finished_at": utc(order.finished_at),
        "confirmed_sync_at": utc(order.confirmed_sync_at),
        "error": _error(_order_error(order)) if order.error_kind else None,
    }


def utc(at: datetime | None) -> str | None:
    """A time as programs read it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


def _error(error: CheckError) -> dict[str, Any]:
    return {
        "code": error.code or error.kind,
        "http_status": error.http_status,
        "message": error.message or failure(error).words,
        "trace_id": error.trace_id or None,
    }


def _order_error(order: Order) -> CheckError:
    return CheckError(
        kind=order.error_kind,
        code=order.error_code,
        http_status=order.error_http_status,
        message=order.error_message,
        field="",
        detail="",
        trace_id=order.trace_id,
        request_id=order.request_id,
    )
