"""Which keys of an organisation one page shows, and which of them in full."""

from dataclasses import dataclass

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.types import KeyRow, OverviewFilters
from freddy_admin.web.overview_query import is_narrowed

# More keys than this are a list; each has a page of its own.
KEY_CARDS_LIMIT = 4
PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class OrganisationKeyList:
    """`rows` are all keys, `page_rows` those on this page of what the filters leave."""

    rows: list[KeyRow]
    filters: OverviewFilters
    page_rows: list[KeyRow]
    matching_count: int
    page_count: int

    @property
    def is_long(self) -> bool:
        """Too many to show each in full."""
        return len(self.rows) > KEY_CARDS_LIMIT

    @property
    def rows_shown_as_cards(self) -> list[KeyRow]:
        """The rows shown as cards; of a long list only the worst key that needs attention."""
        if not self.is_long:
            return self.rows
        is_first_page = self.filters.page == 1 and not is_narrowed(self.filters)
        return [row for row in self.page_rows[:1] if is_first_page and row.needs_attention]


def organisation_key_list(rows: list[KeyRow], filters: OverviewFilters) -> OrganisationKeyList:
    """The page the address asks for; `rows` keep their order. Few keys are never filtered."""
    if len(rows) <= KEY_CARDS_LIMIT:
        filters = OverviewFilters()
    words = filters.q.casefold().split()
    wanted_states = set(filters.states) or set(HealthState)
    urgent = filters.needs_attention
    matching_rows = [
        row
        for row in rows
        if (row.state in wanted_states or (urgent and row.is_expiry_urgent))
        and _row_matches_words(row, words)
    ]
    page_count = max(1, -(-len(matching_rows) // PAGE_SIZE))
    page = min(filters.page, page_count)
    start = (page - 1) * PAGE_SIZE
    return OrganisationKeyList(
        rows=rows,
        filters=OverviewFilters(q=filters.q, states=filters.states, page=page),
        page_rows=matching_rows[start : start + PAGE_SIZE],
        matching_count=len(matching_rows),
        page_count=page_count,
    )


def _row_matches_words(row: KeyRow, words: list[str]) -> bool:
    text = f"{row.key_label}\n{row.owner_name}\n{row.organization_id}".casefold()
    return all(word in text for word in words)
