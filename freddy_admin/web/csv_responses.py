"""CSV files, streamed line by line, for as many rows as there are."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.http import HttpRequest, StreamingHttpResponse

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.audit.services import audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.web.csv_injection import escape_csv_cell


class _EchoBuffer:
    """A file for `csv.writer` that returns each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def csv_response(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """A file such as `name-2026-11-24-1405.csv`; every cell is escaped for spreadsheets."""
    lines = _render_csv_lines(columns, rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    stamp = f"{clock.now():%Y-%m-%d-%H%M}"
    response["Content-Disposition"] = f'attachment; filename="{name}-{stamp}.csv"'
    return response


def export_audit_event_record(
    request: HttpRequest, subject: str, *, filters: Mapping[str, str] | None = None
) -> None:
    """Record the export before it is sent: what cannot be recorded is not exported.

    HEAD exports nothing, and records nothing.
    """
    if request.method == "HEAD":
        return
    audit_event_record(
        tag=AuditTag.EXPORTED,
        actor=actor_from_request(request),
        subject=subject,
        filters=dict(filters or {}),
    )


def _render_csv_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_EchoBuffer())
    yield "\ufeff"  # tells spreadsheets that this is UTF-8
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([escape_csv_cell(value) for value in row])
