"""Escapes cells that a spreadsheet would take for formulas (OWASP ASVS 1.2.10)."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from unicodedata import category, normalize

from django.db import DatabaseError
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from freddy_admin.audit.services import actor_from_request, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock

_FORMULA_PREFIXES = "=+-@\t\r\n|%"
# Where a comma divides decimals, spreadsheets divide cells at semicolons, whatever the file says.
_FORMULA_AFTER_SEMICOLON = re.compile(r"(;[\"\s]*)(?=[=+\-@|%\uff1d\uff0b\uff0d\uff20])")
# Begins like no formula, and has no semicolon behind which one could stand.
_HARMLESS_CELL = re.compile(r"[0-9A-Za-z][^;]*\Z")


def escape_csv_cell(value: object) -> str:
    """The value as text; one that begins like a formula gets an apostrophe before it.

    Full-width forms count as what they are folded to; so do control and invisible characters,
    since a spreadsheet may strip them before it looks. So does what follows a semicolon.
    """
    if isinstance(value, str) and _HARMLESS_CELL.match(value):
        return value  # nearly all of them
    text = _FORMULA_AFTER_SEMICOLON.sub(r"\1'", "" if value is None else str(value))
    if not text:
        return text
    first = text[0]
    folded = normalize("NFKC", first)[:1] or first
    dangerous = folded in _FORMULA_PREFIXES or category(first) in {"Cc", "Cf", "Zl", "Zp"}
    stripped = text.lstrip()
    hidden = (
        bool(stripped)
        and stripped is not text
        and normalize("NFKC", stripped[0])[:1] in _FORMULA_PREFIXES
    )
    return f"'{text}" if dangerous or hidden else text


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
    try:
        for row in rows:
            yield writer.writerow([escape_csv_cell(value) for value in row])
    except DatabaseError:
        # The connection breaks, too; but not everything that fetches a file says so.
        yield writer.writerow(
            [_("This file is not complete: the database failed. Fetch it again.")]
        )
        raise
