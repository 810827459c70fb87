"""A page of a list: what search and category leave of it, and the words around that."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from freddy_admin.sync.models import ListingKind
from freddy_admin.web.list_look import Look
from freddy_admin.web.list_query import ListQuery
from freddy_admin.web.presenters.choices import Choice

PAGE_SIZE = 50


class Listed(Protocol):
    """A line of a list: all that is shown of it as one text, and the category it is in."""

    @property
    def text(self) -> str:
        """What a search looks through."""

    @property
    def category(self) -> str:
        """Empty where it has none."""


Row = TypeVar("Row", bound=Listed)


@dataclass(frozen=True, slots=True)
class ListView(Generic[Row]):
    """Ready for its template; `key` is as the address names it, so that a search stays with it."""

    rows: list[Row]
    path: str
    clear: str
    key: str
    q: str
    categories: list[Choice]
    found: str
    narrowed: bool
    more: str
    earlier: str
    later: str
    pages: str
    empty: bool  # nothing is listed, whatever is searched


def list_view(look: Look, rows: Sequence[Row]) -> ListView[Row]:
    """The page the address asks for."""
    query, kind = look.query, look.state.kind
    found = _found(rows, query)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(query.page, pages)
    path = reverse(kind.value, args=[look.access.organisation.slug])
    return ListView(
        rows=found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        path=path,
        clear=ListQuery(key=query.key).address(path),
        key=str(query.key or ""),
        q=query.q,
        categories=_categories(rows, query),
        found=_count(kind, len(rows), of=len(found) if query.narrowed else None),
        narrowed=query.narrowed,
        more=_more(look.state.total, len(rows)),
        earlier=query.address(path, page=page - 1) if page > 1 else "",
        later=query.address(path, page=page + 1) if page < pages else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": page, "pages": pages},
        empty=not rows,
    )


def _found(rows: Sequence[Row], query: ListQuery) -> list[Row]:
    words = query.q.casefold().split()
    inside = [one for one in rows if query.category in {"", one.category}]
    if not words:
        return inside
    return [one for one in inside if all(word in one.text.casefold() for word in words)]


def _categories(rows: Sequence[Row], query: ListQuery) -> list[Choice]:
    names = {one.category for one in rows if one.category} | ({query.category} - {""})
    in_order = sorted(names, key=lambda name: (name.casefold(), name))
    return [Choice(name, name, name == query.category) for name in in_order]


def _count(kind: ListingKind, number: int, *, of: int | None) -> str:
    n = {"n": f"{number:,}"}
    if kind is ListingKind.CONNECTORS:
        words = ngettext("%(n)s connector", "%(n)s connectors", number) % n
    else:
        words = ngettext("%(n)s auth config", "%(n)s auth configs", number) % n
    if of is None:
        return words
    return _("%(some)s of %(all)s") % {"some": f"{of:,}", "all": words}


def _more(total: int, kept: int) -> str:
    if total <= kept:
        return ""
    return _("Aitronos counts %(total)s; the first %(kept)s of them are kept here.") % {
        "total": f"{total:,}",
        "kept": f"{kept:,}",
    }
