"""The overview as a file, row by row, for as many keys as there are."""

import csv
import logging
from collections.abc import Iterator
from datetime import datetime

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.selectors import overview_rows
from freddy_admin.web.access import by_anyone_signed_in, person_of
from freddy_admin.web.filters import filters_from
from freddy_admin.web.formulas import cell_safe

log = logging.getLogger(__name__)

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


class _Line:
    """A file for `csv.writer` that hands each line on."""

    def write(self, line: str) -> str:
        return line


@by_anyone_signed_in()
def overview_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All rows this person sees that the address's filters leave; times in UTC."""
    now, filters = clock.now(), filters_from(request.GET)
    rows = overview_rows(user=person_of(request), filters=filters, now=now)
    _export_note(request)
    answer = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="overview-{now:%Y-%m-%d-%H%M}.csv"'
    return answer


def _export_note(request: HttpRequest) -> None:
    """Write down who took a copy. What only reads must go on in a database that is full."""
    try:
        with transaction.atomic(savepoint=connection.in_atomic_block):
            audit_record(tag=Tag.EXPORTED, actor=actor_of(request), subject=_("overview, CSV"))
    except DatabaseError as error:
        log.warning("An export could not be written down: %s", type(error).__name__)


def _lines(rows: Iterator[KeyRow]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # tells spreadsheets that this is UTF-8
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([cell_safe(value) for value in _cells(row)])


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
