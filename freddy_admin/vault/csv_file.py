"""Reads the file of `import_keys`: says of every row whether it is sound, and saves nothing.

No report line, error or repr holds a secret.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text import line_clean
from freddy_admin.organisations.services import NAME_LIMIT
from freddy_admin.vault.details import label_clean, organization_id_clean, tags_clean
from freddy_admin.vault.secrets import secret_clean, secret_is_told

COLUMNS: Final = ("organisation", "label", "api_key", "organization_id", "tags")
ROWS_AT_MOST: Final = 50_000
BYTES_AT_MOST: Final = 64 * 1024 * 1024
_SHOWN: Final = 60
# No cell needs more: a key has 512 characters, and twenty tags are shorter than that together.
_CELL_AT_MOST: Final = 4_096
_WITHOUT_WHITE_SPACE: Final = re.compile(r"[!-~]{20,}")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One sound row; `number` is the spreadsheet's, the header being row 1."""

    number: int
    organisation: str
    label: str
    secret: str = field(repr=False)
    organization_id: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What is to be said of one row; `problem` is empty for a sound one."""

    number: int
    organisation: str = ""
    label: str = ""
    problem: str = ""

    @property
    def verdict(self) -> str:
        """`ok`, or why the row is malformed and what to do."""
        return f"malformed: {self.problem}" if self.problem else "ok"

    @property
    def where(self) -> str:
        """`row 7 (Acme · Main)`."""
        named = " · ".join(part for part in (self.organisation, self.label) if part)
        return f"row {self.number} ({named})" if named else f"row {self.number}"

    def __str__(self) -> str:
        return f"{self.where}: {self.verdict}"


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A read file: a line per row, and those rows that are sound."""

    lines: tuple[ReportLine, ...]
    sound: tuple[CsvRow, ...] = ()

    @property
    def rows(self) -> tuple[CsvRow, ...]:
        """The rows, if all of them are sound."""
        return () if self.malformed else self.sound

    @property
    def unfit(self) -> str:
        """What is wrong with the file as a whole, so that no row could be read."""
        first = next(iter(self.lines), None)
        return first.problem if first and first.number == 1 else ""

    @property
    def malformed(self) -> int:
        """How many lines tell of a problem; nothing may be saved unless it is 0."""
        return sum(1 for line in self.lines if line.problem)


class _Malformed(Exception):
    """Why one row is not sound; `named` allows the report to repeat organisation and label."""

    def __init__(self, problem: str, *, named: bool = True) -> None:
        super().__init__(problem)
        self.problem, self.named = problem, named


@sensitive_variables()
def csv_file_read(data: bytes, *, rows_at_most: int | None = None) -> CsvFile:
    """Read the bytes of a file: `,` or `;`, UTF-8 with or without BOM, header in row 1.

    Never raises for what is in the file; if any row is malformed, `rows` is empty. Of a file with
    more rows than `rows_at_most` the first one too many is malformed and the last one read.
    """
    problem = _unfit_as_a_whole(data)
    if problem:
        return CsvFile(lines=(ReportLine(1, problem=problem),))
    # What is not UTF-8 survives as lone surrogates, so that the row that holds it can be named.
    text = data.decode("utf-8-sig", errors="surrogateescape")
    records = _records(text)
    try:
        _expect_header(next(records, (1, [], ""))[1])
    except _Malformed as wrong:
        return CsvFile(lines=(ReportLine(1, problem=wrong.problem),))
    return _judged(records, limit=rows_at_most or ROWS_AT_MOST)


@sensitive_variables()
def _judged(records: Iterator[tuple[int, list[str], str]], *, limit: int) -> CsvFile:
    lines: list[ReportLine] = []
    rows: list[CsvRow] = []
    seen: dict[str, int] = {}
    for number, cells, broken in records:
        if len(lines) == limit:
            more = _("the file has more than %(n)s rows: split it into several files")
            more %= {"n": f"{limit:,}"}
            lines.append(ReportLine(number, problem=more))
            break
        try:
            row = _row(number, cells, broken)
            _expect_first(row, seen)
        except _Malformed as wrong:
            named = _names_of(cells) if wrong.named else ("", "")
            lines.append(ReportLine(number, *named, problem=wrong.problem))
        else:
            rows.append(row)
            # A word may pass for a key where the key itself stands in another column.
            lines.append(ReportLine(number, *_names_of(cells)))
    return CsvFile(lines=tuple(lines), sound=tuple(rows))


@sensitive_variables()
def _records(text: str) -> Iterator[tuple[int, list[str], str]]:
    # Row number, cells, and what is wrong with the row's quotation marks.
    first = text.split("\n", 1)[0]
    delimiter = ";" if ";" in first and "," not in first else ","
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


def _unfit_as_a_whole(data: bytes) -> str:
    if len(data) > BYTES_AT_MOST:
        return _("the file is larger than 64 MB: split it into several files")
    if data.startswith(_UTF16_MARKS):
        return _("the file is not UTF-8: save it as “CSV UTF-8”")
    return ""


def _expect_header(cells: list[str]) -> None:
    if len(cells) != len(COLUMNS) or tuple(cell.strip().lower() for cell in cells) != COLUMNS:
        raise _Malformed(
            _("the first row must be the header %(header)s") % {"header": ",".join(COLUMNS)}
        )


@sensitive_variables()
def _row(number: int, cells: list[str], broken: str) -> CsvRow:
    if broken:
        raise _Malformed(broken, named=False)
    if len(cells) != len(COLUMNS):
        # Cells that moved may put the key where a name belongs: none of them is repeated.
        raise _Malformed(
            _("%(found)d cells instead of 5: fill in or quote the cells of this row")
            % {"found": len(cells)},
            named=False,
        )
    if any(len(cell) > _CELL_AT_MOST for cell in cells):
        raise _Malformed(
            _("a cell of this row is longer than %(n)s characters: is a quotation mark missing?")
            % {"n": f"{_CELL_AT_MOST:,}"},
            named=False,
        )
    odd = (cell for cell in cells if not cell.isprintable())
    if any("\udc80" <= character <= "\udcff" for cell in odd for character in cell):
        raise _Malformed(_("this row is not UTF-8: save the file as “CSV UTF-8”"), named=False)
    problem, named = "", True
    try:
        row = _cleaned(number, cells)
    except InvalidInput as wrong:
        # Where the key is not what it should be, it may stand in another column.
        problem, named = f"{wrong.field}: {wrong.message}", wrong.field != "api_key"
    if problem:
        raise _Malformed(problem, named=named)
    if secret_is_told(row.secret, (row.organisation, row.label, row.organization_id, *row.tags)):
        raise _Malformed(_("the key stands in another column, too: take it out"), named=False)
    return row


@sensitive_variables()
def _cleaned(number: int, cells: list[str]) -> CsvRow:
    organisation, label, secret, organization_id, tags = cells
    return CsvRow(
        number=number,
        organisation=line_clean(organisation, field="organisation", limit=NAME_LIMIT),
        label=label_clean(label),
        secret=secret_clean(secret),
        organization_id=organization_id_clean(organization_id),
        tags=tags_clean(tags.split("|")),
    )


@sensitive_variables()
def _expect_first(row: CsvRow, seen: dict[str, int]) -> None:
    former = seen.setdefault(row.secret, row.number)
    if former != row.number:
        raise _Malformed(
            _("the same key as in row %(row)d: each key stands in the file once") % {"row": former},
            named=False,  # a column of equal words: the keys stand in another one
        )


@sensitive_variables()
def _names_of(cells: list[str]) -> tuple[str, str]:
    organisation, label, secret, *_rest = cells
    return _named(organisation, secret), _named(label, secret)


@sensitive_variables()
def _named(text: str, secret: str) -> str:
    """A cell as the report repeats it; what is, or might be, a key is left out."""
    # Without what is invisible: it may stand in the middle of a pasted key.
    plain = text
    if not text.isprintable():
        plain = "".join(one for one in text if one.isprintable() or one.isspace())
    told = bool(secret.strip()) and secret_is_told(secret.strip(), (text.strip(), plain.strip()))
    return "…" if told or _like_a_key(plain) else _shown(text)


def _like_a_key(text: str) -> bool:
    # Long, without white space, letters and digits together: no customer's name looks like that.
    return any(
        any(sign.isalpha() for sign in part) and any(sign.isdigit() for sign in part)
        for part in _WITHOUT_WHITE_SPACE.findall(text)
    )


def _shown(text: str) -> str:
    line = "".join(one if one.isprintable() else "\ufffd" for one in text.strip())
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
