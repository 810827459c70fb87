"""Splits the text of an import into its header and rows, as spreadsheets and people write them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.vault.key_import_header import (
    COLUMNS,
    head_normalize,
    header_validate,
    heads_known_count,
    heads_normalize,
    unreadable_file,
)

DELIMITERS: Final = (",", ";", "\t")
_SEPARATOR_LINE: Final = re.compile(r"[\s\ufeff\"]*sep\s*=\s*(\S|\t)?[\s\",;]*", re.IGNORECASE)
_OTHER_QUOTES: Final = frozenset("'`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb")
_HEAD_MAX_LENGTH: Final = 24
# A quoted cell may go on in so many further lines before its mark counts as never closed.
_MAX_CONTINUATION_LINES: Final = 10
_QUOTED_TEXT: Final = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_BLANK_SIGNS: Final = "\t \u00a0\u2002\u2003\u2009\u200b\u202f\u3000\ufeff"
_BLANKS: Final = frozenset(_BLANK_SIGNS)


class Record(NamedTuple):
    """One row: the line it begins in, its cells, and what is wrong with its quotation marks."""

    number: int
    cells: list[str]
    quote_problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns; `records` are read as they are asked for, and hold secrets."""

    columns: tuple[str, ...]
    records: Iterator[Record] = field(repr=False)


@sensitive_variables()
def table_read(text: str, *, encoding_problem: str = "") -> Table:
    """The rows below the header, without blank ones and those that repeat the header.

    Columns are separated by `,`, `;` or tab: by what a first line `sep=;` names, else by what makes
    the header the right one. Raises UnreadableFile for another header; `encoding_problem` is said
    of one that holds lone surrogates.
    """
    text = text.rstrip("\x00\x1a\r\n")  # old programs mark the end of a file by these two
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    index = _first_line_index(lines, 0)
    named_delimiter = ""
    if separator_line := _SEPARATOR_LINE.fullmatch(lines[index]):
        named_delimiter = separator_line[1] or "\t"
        index = _first_line_index(lines, index + 1)
    candidates = [delimiter for delimiter in DELIMITERS if delimiter == named_delimiter]
    candidates += [delimiter for delimiter in DELIMITERS if delimiter != named_delimiter]
    headers = {
        delimiter: next(_records_split(lines, delimiter, index), Record(index + 1, []))
        for delimiter in candidates
    }
    delimiter = max(
        candidates, key=lambda name: heads_known_count(heads_normalize(headers[name].cells))
    )
    header = headers[delimiter]
    columns = heads_normalize(header.cells)
    if encoding_problem and any("\udc80" <= sign <= "\udcff" for sign in lines[index]):
        raise unreadable_file(encoding_problem, number=index + 1)
    if len(header.cells) >= len(COLUMNS) and all(
        cell.strip()[:1] in _OTHER_QUOTES for cell in header.cells if cell.strip()
    ):
        raise unreadable_file(
            _(
                "all cells stand in quotation marks of another kind: save the table with straight "
                "double ones"
            ),
            number=index + 1,
        )
    header_validate(
        () if header.quote_problem else columns, text="\n".join(lines[index:]), number=index + 1
    )
    records = _records_split(lines, delimiter, index)
    next(records)
    return Table(columns, _records_without_blank_ones(records, columns))


def _records_without_blank_ones(
    records: Iterator[Record], columns: tuple[str, ...]
) -> Iterator[Record]:
    for record in records:
        cells = record.cells
        while len(cells) > len(columns) and not cells[-1].strip():
            cells.pop()
        # Two files that were joined have the header in the middle, too.
        is_repeated_header = (
            len(cells) >= len(COLUMNS)
            and len(cells[0]) <= _HEAD_MAX_LENGTH  # most rows need no more than this
            and head_normalize(cells[0]) == columns[0]
            and heads_normalize(cells) == columns
        )
        if record.quote_problem or (any(map(str.strip, cells)) and not is_repeated_header):
            yield record


def _first_line_index(lines: Sequence[str], start: int) -> int:
    """The index of the first line that is not blank; that of the last one if all are."""
    for index in range(start, len(lines)):
        if lines[index].strip(' \t\ufeff,;"'):
            return index
    return max(start, len(lines)) - 1


@sensitive_variables()
def _records_split(lines: Sequence[str], delimiter: str, start: int) -> Iterator[Record]:
    index, count = start, len(lines)
    while index < count:
        line = lines[index]
        if _is_blank(line, delimiter):
            index += 1
            continue
        if '"' not in line:
            index += 1
            yield Record(index, line.split(delimiter))
            continue
        cells, is_open, problem = _quoted_line_split(line, delimiter)
        length = 1
        while is_open and length <= _MAX_CONTINUATION_LINES and index + length < count:
            length += 1
            line = "\n".join(lines[index : index + length])
            cells, is_open, problem = _quoted_line_split(line, delimiter)
        if is_open:
            # Only this line is lost: the ones below are read and reported for themselves.
            length, problem = 1, _("a quotation mark of this row is not closed")
        yield Record(index + 1, cells, problem)
        index += length


def _is_blank(line: str, delimiter: str) -> bool:
    """Whether the line holds nothing but blanks, delimiters and empty quoted cells.

    Many such lines cost most where each becomes a record.
    """
    return '"""' not in line and not line.replace('""', "").strip(f"{_BLANK_SIGNS}{delimiter}")


@sensitive_variables()
def _quoted_line_split(line: str, delimiter: str) -> tuple[list[str], bool, str]:
    """The cells of a line, whether a quotation mark is still open, and what is wrong.

    A quoted cell may have blanks around its marks, and a `=` before them.
    """
    cells: list[str] = []
    position = 0
    while position <= len(line):
        start = _blanks_skip(line, position, delimiter)
        start += line.startswith('="', start)
        if not line.startswith('"', start):
            end = line.find(delimiter, position)
            end = len(line) if end < 0 else end
            cells.append(line[position:end])
            position = end + 1
            continue
        match = _QUOTED_TEXT.match(line, start)
        if match is None:
            return cells, True, ""
        end = _blanks_skip(line, match.end(), delimiter)
        if end < len(line) and line[end] != delimiter:
            return cells, False, _("text stands behind a closing quotation mark in this row")
        cells.append(_formula_unwrap(match[1].replace('""', '"')))
        position = end + 1
    return cells, False, ""


def _blanks_skip(line: str, position: int, delimiter: str) -> int:
    while position < len(line) and line[position] in _BLANKS and line[position] != delimiter:
        position += 1
    return position


def _formula_unwrap(cell: str) -> str:
    """The text of `="KEY"`, by which spreadsheets are told not to alter a cell."""
    if len(cell) > 3 and cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]
    return cell
