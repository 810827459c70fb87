"""Tables as files, line by line, for as many rows as there are."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence

from django.http import HttpRequest, StreamingHttpResponse

from freddy_admin.accounts.actors import actor_of
from freddy_admin.audit.services import audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core import clock
from freddy_admin.web.formulas import cell_safe


class _Line:
    """A file for `csv.writer` that hands each line on."""

    def write(self, line: str) -> str:
        return line


def csv_answer(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> StreamingHttpResponse:
    """`name-2026-11-24-1405.csv`; every cell is harmless in a spreadsheet."""
    lines = _lines(columns, rows)
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    stamp = f"{clock.now():%Y-%m-%d-%H%M}"
    answer["Content-Disposition"] = f'attachment; filename="{name}-{stamp}.csv"'
    return answer


def export_note(
    request: HttpRequest, subject: str, *, filters: Mapping[str, str] | None = None
) -> None:
    """Write down who takes a copy, before they get it: what cannot be written down is not given.

    HEAD takes none, and writes nothing.
    """
    if request.method == "HEAD":
        return
    audit_record(
        tag=Tag.EXPORTED,
        actor=actor_of(request),
        subject=subject,
        filters=dict(filters or {}),
    )


def _lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff"  # tells spreadsheets that this is UTF-8
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([cell_safe(value) for value in row])
