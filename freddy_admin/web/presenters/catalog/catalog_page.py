"""One page of a catalog: the rows that search and category leave, and their count in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.web.catalog_context import CatalogContext
from freddy_admin.web.catalog_query import CatalogQuery
from freddy_admin.web.presenters.select_option import SelectOption
from freddy_admin.wording.catalog import item_count, truncation_note
from freddy_admin.wording.sentences import format_number

PAGE_SIZE = 50


class CatalogRow(Protocol):
    """A row of a catalog, as search and the category filter read it."""

    @property
    def text(self) -> str:
        """All that is shown of the row, as one text to search in."""

    @property
    def category(self) -> str:
        """The category of the row; empty where it has none."""


Row = TypeVar("Row", bound=CatalogRow)


@dataclass(frozen=True, slots=True)
class CatalogPage(Generic[Row]):
    """Ready for its template; `key` is as the address names it, so that a search stays with it."""

    rows: list[Row]
    path: str
    clear_url: str
    key: str
    q: str
    categories: list[SelectOption]
    row_count_text: str
    narrowed: bool
    truncation_note: str
    previous_href: str
    next_href: str
    pages: str
    is_empty: bool  # nothing is listed, whatever is searched


def catalog_page(context: CatalogContext, rows: Sequence[Row]) -> CatalogPage[Row]:
    """The page the address asks for."""
    query, kind = context.query, context.state.kind
    matching_rows = _filter_rows(rows, query)
    pages = max(1, -(-len(matching_rows) // PAGE_SIZE))
    page = min(query.page, pages)
    path = reverse(kind.value, args=[context.access.organisation.slug])
    return CatalogPage(
        rows=matching_rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        path=path,
        clear_url=CatalogQuery(key=query.key).build_url(path),
        key=str(query.key or ""),
        q=query.q,
        categories=_category_options(rows, query),
        row_count_text=str(
            item_count(kind, len(rows), matching=len(matching_rows) if query.is_narrowed else None)
        ),
        narrowed=query.is_narrowed,
        truncation_note=str(truncation_note(context.state.total, len(rows))),
        previous_href=query.build_url(path, page=page - 1) if page > 1 else "",
        next_href=query.build_url(path, page=page + 1) if page < pages else "",
        pages=_("Page %(page)s of %(pages)s")
        % {"page": format_number(page), "pages": format_number(pages)},
        is_empty=not rows,
    )


def _filter_rows(rows: Sequence[Row], query: CatalogQuery) -> list[Row]:
    words = query.q.casefold().split()
    inside = [row for row in rows if query.category in {"", row.category}]
    if not words:
        return inside
    return [row for row in inside if all(word in row.text.casefold() for word in words)]


def _category_options(rows: Sequence[Row], query: CatalogQuery) -> list[SelectOption]:
    names = {one.category for one in rows if one.category} | ({query.category} - {""})
    in_order = sorted(names, key=lambda name: (name.casefold(), name))
    return [SelectOption(name, name, name == query.category) for name in in_order]
