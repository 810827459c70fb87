"""Which keys of an organisation one page shows, and which of them in full."""

from dataclasses import dataclass

from freddy_admin.sync.rows import Filters, KeyRow
from freddy_admin.sync.states import State
from freddy_admin.web.filters import is_narrowed

# More keys than this are a list; each has a page of its own.
PANELS = 4
PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class KeyList:
    """`rows` are all keys, `shown` those on this page of what the filters leave."""

    rows: list[KeyRow]
    filters: Filters
    shown: list[KeyRow]
    matching: int
    pages: int

    @property
    def is_long(self) -> bool:
        """Too many to show each in full."""
        return len(self.rows) > PANELS

    @property
    def in_full(self) -> list[KeyRow]:
        """Those shown with all there is to say; of many only the one in most trouble."""
        if not self.is_long:
            return self.rows
        first = self.filters.page == 1 and not is_narrowed(self.filters)
        return [row for row in self.shown[:1] if first and row.wants_somebody]


def key_list(rows: list[KeyRow], filters: Filters) -> KeyList:
    """The page the address asks for; `rows` keep their order. Few keys are never filtered."""
    if len(rows) <= PANELS:
        filters = Filters()
    words = filters.q.casefold().split()
    wanted = set(filters.states) or set(State)
    urgent = filters.wants_somebody
    found = [
        row
        for row in rows
        if (row.state in wanted or (urgent and row.expires_urgently)) and _has(row, words)
    ]
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(filters.page, pages)
    start = (page - 1) * PAGE_SIZE
    return KeyList(
        rows=rows,
        filters=Filters(q=filters.q, states=filters.states, page=page),
        shown=found[start : start + PAGE_SIZE],
        matching=len(found),
        pages=pages,
    )


def _has(row: KeyRow, words: list[str]) -> bool:
    text = f"{row.key_label}\n{row.owner_name}\n{row.organization_id}".casefold()
    return all(word in text for word in words)
