"""Filters, sort, page and search in addresses: read, bounded and written again.

A page declares its parameters once, as `QueryParams` of the type that holds their values. What is
not valid or not offered is read as the default, and a default is left out of an address.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from freddy_admin.audit.selectors import AuditCursor
from freddy_admin.sync.status.queries import ListPlace

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TEXT_LIMIT = 100
LARGEST_ID = 2**63 - 1
_CURSOR_PATTERN = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)
_PLACE_PATTERN = re.compile(r"(\d{1,17})-(\d{1,3})-(\d{1,18})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Values = TypeVar("Values", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter, which `read` takes from an address and `write` puts into one.

    `is_filter`: values other than the default show less. `is_place`: it says where in a list, so
    that a change of another parameter leads back to the start.
    """

    read: Callable[[QueryDict], Any]
    write: Callable[[Any], list[tuple[str, str]]]
    default: Any
    is_filter: bool = True
    is_place: bool = False


class QueryParams(Generic[Values]):
    """The parameters of a page, by the fields of the type that holds their values.

    They stand in an address in the order in which they are declared.
    """

    def __init__(self, type_: Callable[..., Values], /, **params: Param) -> None:
        self._type, self._params = type_, params

    def parse(self, query: QueryDict, **fixed: Any) -> Values:
        """The values in the address; `fixed` fields are not read from it."""
        values = {field: param.read(query) for field, param in self._params.items()}
        return self._type(**values | fixed)

    def is_narrowed(self, values: Values) -> bool:
        """Whether something is searched or filtered."""
        return any(
            param.is_filter and getattr(values, field) != param.default
            for field, param in self._params.items()
        )

    def pairs(self, values: Values, **changes: Any) -> list[tuple[str, str]]:
        """Names and values for the address of these values with changes."""
        if changes:
            starts = {name: param.default for name, param in self._params.items() if param.is_place}
            values = replace(values, **starts | changes)
        written = (param.write(getattr(values, name)) for name, param in self._params.items())
        return [pair for pairs in written for pair in pairs]

    def build_url(self, values: Values, path: str = "", **changes: Any) -> str:
        """The URL of these values with changes; any change leads back to the first page."""
        query = urlencode(self.pairs(values, **changes))
        return f"{path}?{query}" if query else path

    def pager(
        self, values: Values, path: str, *, page: int, page_count: int, **places: Any
    ) -> dict[str, str]:
        """What `components/_pager.html` shows below this page of a list.

        `before` and `after`, where given, are the places of the pages beside it.
        """
        links = {}
        for name, number in (("before", page - 1), ("after", page + 1)):
            place = {"place": places[name]} if name in places else {}
            is_there = 1 <= number <= page_count
            links[name] = self.build_url(values, path, page=number, **place) if is_there else ""
        return {
            "previous_href": links["before"],
            "next_href": links["after"],
            "pages": _("Page %(page)s of %(pages)s") % {"page": page, "pages": page_count},
        }


def text_param(name: str) -> Param:
    """A text to search for, cut to `TEXT_LIMIT` characters."""
    return parsed_param(name, _clean_text, default="")


def pattern_param(name: str, fullmatch: Callable[[str], re.Match[str] | None]) -> Param:
    """A text that this method of a pattern matches as a whole."""
    return parsed_param(name, lambda text: text if fullmatch(text) else None, default="")


def choice_param(name: str, values: Iterable[str], default: str = "", **options: Any) -> Param:
    """One of these values."""
    return parsed_param(name, {str(value): value for value in values}.get, default, **options)


def choices_param(name: str, values: Collection[str], groups: Mapping[str, Set[str]]) -> Param:
    """Several of these values, in their order; the name of a group stands for all in it."""

    def read(query: QueryDict) -> tuple[str, ...]:
        chosen: set[str] = set()
        for text in query.getlist(name)[: len(values) + len(groups)]:
            chosen |= groups.get(text, {text})
        return tuple(value for value in values if value in chosen)

    def write(chosen: Collection[str]) -> list[tuple[str, str]]:
        names = [group for group, members in groups.items() if members == set(chosen)]
        return [(name, str(text)) for text in names or chosen]

    return Param(read, write, default=())


def flag_param(name: str) -> Param:
    """Yes, which is `1` in an address, or no."""
    return parsed_param(name, lambda text: text == "1", default=False, format_=lambda _value: "1")


def number_param(
    name: str,
    largest: int = LARGEST_ID,
    *,
    words: Mapping[str, int] = MappingProxyType({}),
    **options: Any,
) -> Param:
    """A whole number from 1 to `largest`; `words` stand for other numbers."""
    word_by_number = {number: word for word, number in words.items()}

    def parse(text: str) -> int | None:
        if text in words:
            return words[text]
        if not text.isascii() or not text.isdigit() or len(text) > 19:
            return None
        return number if 0 < (number := int(text)) <= largest else None

    def format_number(number: int) -> str:
        return word_by_number.get(number, str(number))

    return parsed_param(name, parse, format_=format_number, **options)


def page_param(largest: int) -> Param:
    """The page of a list, the first by default."""
    return number_param("page", largest, default=1, is_filter=False, is_place=True)


def day_param(name: str) -> Param:
    """A day of the years 2000 to 2100, as `2026-03-08`."""
    return parsed_param(name, _parse_day)


def cursor_param(before: str, after: str) -> Param:
    """A place in the audit log, before or after an event, each under a name of its own."""

    def read(query: QueryDict) -> AuditCursor | None:
        older = _parse_cursor(query.get(before, ""))
        return older or _parse_cursor(query.get(after, ""), newer=True)

    def write(cursor: AuditCursor | None) -> list[tuple[str, str]]:
        if cursor is None:
            return []
        text = f"{_microseconds(cursor.at)}-{cursor.id}"
        return [(after if cursor.newer else before, text)]

    return Param(read, write, default=None, is_filter=False, is_place=True)


def place_param(before: str, after: str) -> Param:
    """A place in the overview's list, before or after a key, each under a name of its own."""

    def read(query: QueryDict) -> ListPlace | None:
        place = _parse_place(query.get(after, ""))
        return place or _parse_place(query.get(before, ""), is_before=True)

    def write(place: ListPlace | None) -> list[tuple[str, str]]:
        if place is None:
            return []
        text = f"{_microseconds(place.at)}-{place.part}-{place.key_id}"
        return [(before if place.is_before else after, text)]

    return Param(read, write, default=None, is_filter=False, is_place=True)


def parsed_param(
    name: str,
    parse: Callable[[str], Any],
    default: Any = None,
    *,
    format_: Callable[[Any], str] = str,
    **options: Any,
) -> Param:
    """A value that stands in an address once; `parse` gives None for what is not valid."""

    def read(query: QueryDict) -> Any:
        value = parse(query.get(name, ""))
        return default if value is None else value

    def write(value: Any) -> list[tuple[str, str]]:
        return [] if value == default else [(name, format_(value))]

    return Param(read, write, default, **options)


def _clean_text(text: str) -> str:
    # What no database can search for (NUL, lone surrogates) is left out, not an error.
    return "".join(character for character in text if character.isprintable()).strip()[:TEXT_LIMIT]


def _parse_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
    return day if day and 2000 <= day.year <= 2100 else None


def _parse_cursor(text: str, *, newer: bool = False) -> AuditCursor | None:
    match = _CURSOR_PATTERN.fullmatch(text)
    at = _moment(match[1]) if match else None
    return AuditCursor(at=at, id=int(match[2]), newer=newer) if match and at else None


def _parse_place(text: str, *, is_before: bool = False) -> ListPlace | None:
    match = _PLACE_PATTERN.fullmatch(text)
    at = _moment(match[1]) if match else None
    if match is None or at is None:
        return None
    return ListPlace(at, part=int(match[2]), key_id=int(match[3]), is_before=is_before)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _moment(microseconds: str) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError:
        return None
