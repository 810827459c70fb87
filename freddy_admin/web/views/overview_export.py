"""The overview as a file, row by row, for as many keys as there are."""

from datetime import datetime

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.sync.status.selectors import overview_key_rows
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.access import signed_in_user, signed_in_user_required
from freddy_admin.web.csv_responses import csv_response, export_audit_event_record
from freddy_admin.web.overview_query import parse_overview_filters

OVERVIEW_CSV_COLUMNS = (
    "organisation",
    "organisation_slug",
    "key",
    "key_id",
    "state",
    "state_since",
    "last_sync_at",
    "next_sync_at",
    "enabled_tools",
    "total_tools",
    "sync_interval_hours",
    "checked_at",
    "observed_at",
    "owner",
    "error",
    "key_expires_on",
)


@signed_in_user_required()
def overview_export_view(request: HttpRequest) -> StreamingHttpResponse:
    """A CSV of all rows this person sees that the filters leave; times in UTC."""
    now, filters = clock.now(), parse_overview_filters(request.GET)
    rows = overview_key_rows(user=signed_in_user(request), filters=filters, now=now)
    export_audit_event_record(request, _("overview, CSV"))
    return csv_response("overview", OVERVIEW_CSV_COLUMNS, map(_overview_csv_cells, rows))


def _overview_csv_cells(row: KeyRow) -> list[object]:
    figures, error = row.figures, row.error
    return [
        row.organisation_name,
        row.organisation_slug,
        row.key_label,
        row.key_id,
        row.state.value,
        _format_utc(row.state_since),
        _format_utc(figures.last_sync_at) if figures else None,
        _format_utc(figures.next_sync_at) if figures else None,
        figures.enabled_tools if figures else None,
        figures.total_tools if figures else None,
        figures.sync_interval_hours if figures else None,
        _format_utc(row.checked_at),
        _format_utc(row.observed_at),
        row.owner_name,
        error.kind if error else None,
        f"{row.expires_on:%Y-%m-%d}" if row.expires_on else None,
    ]


def _format_utc(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
