"""Parses the file of `import_keys` and validates every row; saves nothing.

No report line, error or repr holds a secret.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import line_clean
from freddy_admin.organisations.services import NAME_MAX_LENGTH
from freddy_admin.vault.key_details import (
    environment_clean,
    label_clean,
    organization_id_clean,
    tags_clean,
)
from freddy_admin.vault.secret_format import is_secret_in_texts, secret_clean

COLUMNS: Final = ("organisation", "label", "api_key", "organization_id", "tags")
ENVIRONMENT_COLUMN: Final = "environment"  # may stand behind the others
MAX_ROWS: Final = 50_000
MAX_BYTES: Final = 64 * 1024 * 1024
_EXCERPT_LENGTH: Final = 60
# No cell needs more: a key has 512 characters, and twenty tags are shorter than that together.
_CELL_MAX_LENGTH: Final = 4_096
_LONG_WORD: Final = re.compile(r"[!-~]{20,}")
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One valid row; `number` is the spreadsheet's, the header being row 1."""

    number: int
    organisation: str
    label: str
    secret: str = field(repr=False)
    organization_id: str
    tags: tuple[str, ...]
    environment: str = DEFAULT_ENVIRONMENT


@dataclass(frozen=True, slots=True)
class CsvRowReport:
    """The report on one row; `problem` is empty for a valid one."""

    number: int
    organisation: str = ""
    label: str = ""
    problem: str = ""

    @property
    def location(self) -> str:
        """`row 7 (Acme · Main)`."""
        name = " · ".join(part for part in (self.organisation, self.label) if part)
        return f"row {self.number} ({name})" if name else f"row {self.number}"

    def __str__(self) -> str:
        result = f"malformed: {self.problem}" if self.problem else "ok"
        return f"{self.location}: {result}"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A parsed file: a report line per row, and the valid rows."""

    lines: tuple[CsvRowReport, ...]
    valid_rows: tuple[CsvRow, ...] = ()

    @property
    def rows(self) -> tuple[CsvRow, ...]:
        """The rows if all of them are valid, else none."""
        return () if self.malformed_count else self.valid_rows

    @property
    def file_problem(self) -> str:
        """Why no row of the file could be read; "" if rows were read."""
        first_line = next(iter(self.lines), None)
        return first_line.problem if first_line and first_line.number == 1 else ""

    @property
    def malformed_count(self) -> int:
        """Number of lines with a problem; nothing may be saved unless it is 0."""
        return sum(1 for line in self.lines if line.problem)


class _MalformedRow(Exception):
    """Why a row is malformed; `names_reportable` lets the report repeat organisation and label."""

    def __init__(self, problem: str, *, names_reportable: bool = True) -> None:
        super().__init__(problem)
        self.problem, self.names_reportable = problem, names_reportable


@sensitive_variables()
def csv_file_parse(data: bytes, *, max_rows: int | None = None) -> CsvFile:
    """Read the bytes of a file: `,` or `;`, UTF-8 with or without BOM, header in row 1.

    Never raises for what is in the file; if any row is malformed, `rows` is empty. Of a file with
    more rows than `max_rows` the first one too many is malformed and the last one read.
    """
    problem = _size_or_encoding_problem(data)
    if problem:
        return CsvFile(lines=(CsvRowReport(1, problem=problem),))
    # Bytes that are not UTF-8 become lone surrogates, so that their row can be reported.
    text = data.decode("utf-8-sig", errors="surrogateescape")
    records = _records_read(text)
    try:
        columns = _header_parse(next(records, (1, [], ""))[1])
    except _MalformedRow as error:
        return CsvFile(lines=(CsvRowReport(1, problem=error.problem),))
    return _csv_file_from_records(records, columns, limit=max_rows or MAX_ROWS)


@sensitive_variables()
def _csv_file_from_records(
    records: Iterator[tuple[int, list[str], str]], columns: tuple[str, ...], *, limit: int
) -> CsvFile:
    lines: list[CsvRowReport] = []
    rows: list[CsvRow] = []
    row_numbers: dict[str, int] = {}
    for number, cells, quote_problem in records:
        if len(lines) == limit:
            problem = _("the file has more than %(n)s rows: split it into several files")
            problem %= {"n": number_format(limit, force_grouping=True)}
            lines.append(CsvRowReport(number, problem=problem))
            break
        try:
            row = _row_parse(number, cells, columns, quote_problem)
            _row_validate_not_repeated(row, row_numbers)
        except _MalformedRow as error:
            names = _reportable_names(cells) if error.names_reportable else ("", "")
            lines.append(CsvRowReport(number, *names, problem=error.problem))
        else:
            rows.append(row)
            # Names are masked here, too: a key may stand in the wrong column.
            lines.append(CsvRowReport(number, *_reportable_names(cells)))
    return CsvFile(lines=tuple(lines), valid_rows=tuple(rows))


@sensitive_variables()
def _records_read(text: str) -> Iterator[tuple[int, list[str], str]]:
    # Row number, cells, and what is wrong with the row's quotation marks.
    first_line = text.split("\n", 1)[0]
    delimiter = ";" if ";" in first_line and "," not in first_line else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, [], _("a quotation mark is not closed, or a cell is far too long")
            continue
        if any(cell.strip() for cell in cells) or number == 1:
            yield number, cells, ""


def _size_or_encoding_problem(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        return _("the file is larger than 64 MB: split it into several files")
    if data.startswith(_UTF16_BOMS):
        return _("the file is not UTF-8: save it as “CSV UTF-8”")
    return ""


def _header_parse(cells: list[str]) -> tuple[str, ...]:
    """The columns of the file: the fixed ones, and the environment where it is given."""
    columns = tuple(cell.strip().lower() for cell in cells)
    if columns not in {COLUMNS, (*COLUMNS, ENVIRONMENT_COLUMN)}:
        raise _MalformedRow(
            _("the first row must be the header %(header)s") % {"header": ",".join(COLUMNS)}
        )
    return columns


@sensitive_variables()
def _row_parse(
    number: int, cells: list[str], columns: tuple[str, ...], quote_problem: str
) -> CsvRow:
    if quote_problem:
        raise _MalformedRow(quote_problem, names_reportable=False)
    if len(cells) != len(columns):
        # Shifted cells may put the key where a name belongs: none of them is reported.
        raise _MalformedRow(
            _("%(found)d cells instead of %(n)d: fill in or quote the cells of this row")
            % {"found": len(cells), "n": len(columns)},
            names_reportable=False,
        )
    if any(len(cell) > _CELL_MAX_LENGTH for cell in cells):
        raise _MalformedRow(
            _("a cell of this row is longer than %(n)s characters: is a quotation mark missing?")
            % {"n": number_format(_CELL_MAX_LENGTH, force_grouping=True)},
            names_reportable=False,
        )
    unprintable_cells = (cell for cell in cells if not cell.isprintable())
    if any("\udc80" <= character <= "\udcff" for cell in unprintable_cells for character in cell):
        raise _MalformedRow(
            _("this row is not UTF-8: save the file as “CSV UTF-8”"), names_reportable=False
        )
    problem, names_reportable = "", True
    try:
        row = _row_clean(number, cells)
    except InvalidInput as error:
        # If the key is invalid, it may stand in another column.
        problem, names_reportable = f"{error.field}: {error.message}", error.field != "api_key"
    if problem:
        raise _MalformedRow(problem, names_reportable=names_reportable)
    if is_secret_in_texts(
        row.secret, (row.organisation, row.label, row.organization_id, *row.tags)
    ):
        raise _MalformedRow(
            _("the key stands in another column, too: take it out"), names_reportable=False
        )
    return row


@sensitive_variables()
def _row_clean(number: int, cells: list[str]) -> CsvRow:
    organisation, label, secret, organization_id, tags, *rest = cells
    return CsvRow(
        number=number,
        organisation=line_clean(organisation, field="organisation", limit=NAME_MAX_LENGTH),
        label=label_clean(label),
        secret=secret_clean(secret),
        organization_id=organization_id_clean(organization_id),
        tags=tags_clean(tags.split("|")),
        environment=environment_clean(rest[0] if rest else ""),
    )


@sensitive_variables()
def _row_validate_not_repeated(row: CsvRow, row_numbers: dict[str, int]) -> None:
    first_number = row_numbers.setdefault(row.secret, row.number)
    if first_number != row.number:
        raise _MalformedRow(
            _("the same key as in row %(row)d: each key stands in the file once")
            % {"row": first_number},
            names_reportable=False,  # a column of equal words: the keys stand in another one
        )


@sensitive_variables()
def _reportable_names(cells: list[str]) -> tuple[str, str]:
    organisation, label, secret, *_rest = cells
    return _reportable_cell(organisation, secret), _reportable_cell(label, secret)


@sensitive_variables()
def _reportable_cell(text: str, secret: str) -> str:
    """A cell as the report repeats it; "…" for what is, or might be, a key."""
    # Invisible characters may stand in the middle of a pasted key.
    visible_text = text
    if not text.isprintable():
        visible_text = "".join(
            character for character in text if character.isprintable() or character.isspace()
        )
    holds_secret = bool(secret.strip()) and is_secret_in_texts(
        secret.strip(), (text.strip(), visible_text.strip())
    )
    return "…" if holds_secret or _looks_like_key(visible_text) else _cell_excerpt(text)


def _looks_like_key(text: str) -> bool:
    # Long, without white space, letters and digits together: no organisation is called like that.
    return any(
        any(character.isalpha() for character in word)
        and any(character.isdigit() for character in word)
        for word in _LONG_WORD.findall(text)
    )


def _cell_excerpt(text: str) -> str:
    line = "".join(character if character.isprintable() else "\ufffd" for character in text.strip())
    return line if len(line) <= _EXCERPT_LENGTH else line[:_EXCERPT_LENGTH] + "…"
