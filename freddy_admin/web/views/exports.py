"""The overview as a file, row by row, for as many keys as there are."""

from datetime import datetime

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from freddy_admin.core import clock
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.selectors import overview_rows
from freddy_admin.web.access import by_anyone_signed_in, person_of
from freddy_admin.web.csv_lines import csv_answer, export_note
from freddy_admin.web.filters import filters_from

COLUMNS = (
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


@by_anyone_signed_in()
def overview_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All rows this person sees that the address's filters leave; times in UTC."""
    now, filters = clock.now(), filters_from(request.GET)
    rows = overview_rows(user=person_of(request), filters=filters, now=now)
    export_note(request, _("overview, CSV"))
    return csv_answer("overview", COLUMNS, map(_cells, rows))


def _cells(row: KeyRow) -> list[object]:
    figures, error = row.figures, row.error
    return [
        row.organisation_name,
        row.organisation_slug,
        row.key_label,
        row.key_id,
        row.state.value,
        _utc(row.state_since),
        _utc(figures.last_sync_at) if figures else None,
        _utc(figures.next_sync_at) if figures else None,
        figures.enabled_tools if figures else None,
        figures.total_tools if figures else None,
        figures.sync_interval_hours if figures else None,
        _utc(row.checked_at),
        _utc(row.observed_at),
        row.owner_name,
        error.kind if error else None,
        f"{row.expires_on:%Y-%m-%d}" if row.expires_on else None,
    ]


def _utc(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None
