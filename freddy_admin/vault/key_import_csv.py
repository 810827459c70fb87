"""Parses the file of `import_keys` and validates every row; saves nothing.

No report line, error or repr holds a secret.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.people import email_clean
from freddy_admin.conf.api_environments import DEFAULT_ENVIRONMENT
from freddy_admin.core.errors import InvalidInput
from freddy_admin.core.text_validation import is_refused_character, line_clean
from freddy_admin.organisations.services import NAME_MAX_LENGTH
from freddy_admin.vault.key_details import (
    environment_clean,
    expires_on_parse,
    grace_minutes_parse,
    label_clean,
    organization_id_clean,
    tags_clean,
)
from freddy_admin.vault.key_import_encoding import encoding_guess, import_file_decode
from freddy_admin.vault.key_import_header import COLUMNS, EXTRA_COLUMNS, UnreadableFile
from freddy_admin.vault.key_import_table import Record, table_read
from freddy_admin.vault.secret_format import (
    is_secret_in_texts,
    secret_clean,
    secret_strip_surroundings,
)

__all__ = ["COLUMNS", "EXTRA_COLUMNS", "CsvFile", "CsvRow", "CsvRowReport", "csv_file_parse"]

MAX_ROWS: Final = 50_000
MAX_BYTES: Final = 64 * 1024 * 1024
_EXCERPT_LENGTH: Final = 60
# No cell needs more: a key has 512 characters, and twenty tags are shorter than that together.
_CELL_MAX_LENGTH: Final = 4_096
_HEAD_MAX_LENGTH: Final = 20
_LONG_WORD: Final = re.compile(r"[!-~]{20,}")
# Line breaks and tabs that a person typed into a cell.
_LINE_BREAKS: Final = re.compile(r"[\t\r\n]+")
# What a program wrote for a character that it could not read: the name is not what it was.
_LOST_CHARACTER: Final = "\ufffd"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One valid row; `number` is its line in the file. `owner` is an address, "" for nobody."""

    number: int
    organisation: str
    label: str
    secret: str = field(repr=False)
    organization_id: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""
    expires_on: date | None = None
    grace_minutes: int | None = None
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
    """A parsed file: a report line per row, and the valid rows.

    `file_problem` is why no row of it could be read, "" otherwise. `holds_no_secret` says that
    its text may be shown again: it has no row in which a key could stand.
    """

    lines: tuple[CsvRowReport, ...]
    valid_rows: tuple[CsvRow, ...] = ()
    file_problem: str = ""
    holds_no_secret: bool = False

    @property
    def rows(self) -> tuple[CsvRow, ...]:
        """The rows if all of them are valid, else none."""
        return () if self.malformed_count else self.valid_rows

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
    """Read the bytes of a file, or of pasted cells; the command and the page read alike.

    UTF-8 with or without BOM, or UTF-16 with BOM; `,`, `;` or tab; a first line `sep=;`, blank
    lines and empty cells at the end are passed over. Never raises for what is in the file; if any
    row is malformed, `rows` is empty. Of a file with more rows than `max_rows` the first one too
    many is malformed and the last one read.
    """
    text = ""
    try:
        text = _decode(data)
        encoding_problem = "" if _is_utf8(text) else _encoding_problem(data)
        table = table_read(text, encoding_problem=encoding_problem)
    except UnreadableFile as error:
        return CsvFile(
            lines=(CsvRowReport(error.number, problem=error.problem),),
            file_problem=error.problem,
            holds_no_secret=_is_header_alone(text),
        )
    parser = _RowParser(table.columns, encoding_problem)
    return parser.parse(table.records, limit=max_rows or MAX_ROWS)


@sensitive_variables()
def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UnreadableFile(_("the file is larger than 64 MB: split it into several files"))
    return import_file_decode(data)


def csv_file_add_problems(file: CsvFile, problems: Mapping[int, str]) -> CsvFile:
    """The file with these problems, by row number, reported of rows that are valid so far."""
    if not problems:
        return file
    return replace(
        file,
        lines=tuple(
            replace(line, problem=line.problem or problems.get(line.number, ""))
            for line in file.lines
        ),
        valid_rows=tuple(row for row in file.valid_rows if row.number not in problems),
    )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _encoding_problem(data: bytes) -> str:
    encoding = encoding_guess(data)
    if not encoding:
        return _("this row is not UTF-8: save the file as “CSV UTF-8”")
    return _("this row is not UTF-8 but most likely %(encoding)s: save the file as “CSV UTF-8”") % {
        "encoding": encoding
    }


def _is_header_alone(text: str) -> bool:
    """Whether the text is one line of words without digits, as a header is and no key."""
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) == 1 and all(
        len(word) <= _HEAD_MAX_LENGTH and word.replace("_", "").isalpha()
        for word in re.split(r"[\s,;\"]+", lines[0].strip("\ufeff"))
        if word
    )


class _RowParser:
    """Parses the rows of one file: its columns, and the keys that stood in it so far."""

    def __init__(self, columns: tuple[str, ...], encoding_problem: str) -> None:
        self._columns, self._encoding_problem = columns, encoding_problem
        self._row_numbers: dict[str, int] = {}

    @sensitive_variables()
    def parse(self, records: Iterable[Record], *, limit: int) -> CsvFile:
        """The file's report and rows; of more than `limit` rows the next one is malformed."""
        lines: list[CsvRowReport] = []
        rows: list[CsvRow] = []
        for record in records:
            if len(lines) == limit:
                problem = _("the file has more than %(n)s rows: split it into several files")
                problem %= {"n": number_format(limit, force_grouping=True)}
                lines.append(CsvRowReport(record.number, problem=problem))
                break
            try:
                row = self._row_parse(record)
                _row_validate_not_repeated(row, self._row_numbers)
            except _MalformedRow as error:
                names = _reportable_names(record.cells) if error.names_reportable else ("", "")
                lines.append(CsvRowReport(record.number, *names, problem=error.problem))
            else:
                rows.append(row)
                # Names are masked here, too: a key may stand in the wrong column.
                names = _reportable_names((row.organisation, row.label, row.secret))
                lines.append(CsvRowReport(record.number, *names))
        return CsvFile(lines=tuple(lines), valid_rows=tuple(rows), holds_no_secret=not lines)

    @sensitive_variables()
    def _row_parse(self, record: Record) -> CsvRow:
        cells = record.cells
        self._cells_validate(record)
        problem, names_reportable = "", True
        try:
            row = _row_clean(record.number, dict(zip(self._columns, cells, strict=True)))
        except InvalidInput as error:
            # If the key is invalid, it may stand in another column.
            problem, names_reportable = f"{error.field}: {error.message}", error.field != "api_key"
        if problem:
            raise _MalformedRow(problem, names_reportable=names_reportable)
        texts = (row.organisation, row.label, row.organization_id, row.environment, *row.tags)
        if is_secret_in_texts(row.secret, texts):
            raise _MalformedRow(
                _("the key stands in another column, too: take it out"), names_reportable=False
            )
        if not _looks_like_key(row.secret) and any(map(_looks_like_key, texts)):
            raise _MalformedRow(
                _(
                    "what stands in another column looks like a key, and api_key does not: are the "
                    "columns in the right order, and names with a comma in them in quotes?"
                ),
                names_reportable=False,
            )
        return row

    @sensitive_variables()
    def _cells_validate(self, record: Record) -> None:
        # Shifted cells may put the key where a name belongs: no name is reported of any of these.
        cells, count = record.cells, len(self._columns)
        problem = record.quote_problem
        if not problem and any(len(cell) > _CELL_MAX_LENGTH for cell in cells):
            problem = _(
                "a cell of this row is far too long, longer than %(n)s characters: is a quotation "
                "mark missing?"
            ) % {"n": number_format(_CELL_MAX_LENGTH, force_grouping=True)}
        elif not problem and len(cells) != count:
            problem = _(
                "%(found)d cells instead of %(count)d: fill in or quote the cells of this row"
            ) % {"found": len(cells), "count": count}
        elif self._encoding_problem and not all(map(_is_utf8, cells)):
            problem = self._encoding_problem
        if problem:
            raise _MalformedRow(problem, names_reportable=False)


@sensitive_variables()
def _row_clean(number: int, cells: dict[str, str]) -> CsvRow:
    owner = cells.get("owner", "").strip()
    name_cells = (("organisation", cells["organisation"]), ("label", cells["label"]))
    for column, cell in name_cells:
        if _LOST_CHARACTER in cell:
            raise InvalidInput(
                _("a character was lost when the file was saved: save it anew as “CSV UTF-8”"),
                field=column,
            )
    try:
        owner = email_clean(owner) if owner else ""
    except InvalidInput as error:
        raise InvalidInput(error.message, field="owner") from None
    return CsvRow(
        number=number,
        organisation=line_clean(
            _LINE_BREAKS.sub(" ", cells["organisation"]),
            field="organisation",
            limit=NAME_MAX_LENGTH,
        ),
        label=label_clean(_LINE_BREAKS.sub(" ", cells["label"])),
        secret=secret_clean(cells["api_key"]),
        organization_id=organization_id_clean(cells["organization_id"]),
        tags=tags_clean(cells["tags"].split("|")),
        owner=owner,
        expires_on=expires_on_parse(cells.get("expires_on", "")),
        grace_minutes=grace_minutes_parse(cells.get("grace_minutes", "")),
        environment=environment_clean(cells.get("environment", "")),
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
def _reportable_names(cells: Sequence[str]) -> tuple[str, str]:
    organisation, label, secret, *_rest = cells
    secret = secret_strip_surroundings(secret)
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
    holds_secret = bool(secret) and is_secret_in_texts(secret, (text.strip(), visible_text.strip()))
    return "…" if holds_secret or _looks_like_key(visible_text) else _cell_excerpt(text)


def _looks_like_key(text: str) -> bool:
    # Long, without white space, letters and digits together: no organisation is called like that.
    return any(
        any(character.isalpha() for character in word)
        and any(character.isdigit() for character in word)
        for word in _LONG_WORD.findall(text)
    )


def _cell_excerpt(text: str) -> str:
    line = text.strip()
    if not line.isprintable():
        line = "".join(
            _LOST_CHARACTER if is_refused_character(character) else character for character in line
        )
    return line if len(line) <= _EXCERPT_LENGTH else line[:_EXCERPT_LENGTH] + "…"
