"""Which keys of an organisation one page shows, and which of them in full."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import STATES_WORST_FIRST, HealthState
from freddy_admin.sync.status.types import KeyRow, OverviewFilters
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.components import KEY_CARDS_LIMIT, SelectOption
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.timeline import TimelineSection
from freddy_admin.web.pages.key.candidate import CandidateCard, candidate_card
from freddy_admin.web.pages.key.presenter import KeyCard, has_identical_figures, key_card
from freddy_admin.web.pages.key.shared_sync import KeyContradictionNotice, key_contradiction_notice
from freddy_admin.web.pages.overview.filters import (
    NEEDS_YOU_VALUE,
    is_narrowed,
    overview_url,
    state_query_values,
)
from freddy_admin.web.pages.overview.rows import KeyTableRow, key_table_rows
from freddy_admin.wording.key_groups import IDENTICAL_FIGURES
from freddy_admin.wording.keys import key_count
from freddy_admin.wording.sentences import format_number, render_text
from freddy_admin.wording.times import UserTime

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


@dataclass(frozen=True, slots=True)
class KeyTable:
    """The key table of an organisation with many keys."""

    rows: list[KeyTableRow]
    path: str
    q: str
    states: list[SelectOption]
    key_count_text: str
    narrowed: bool
    previous_href: str
    next_href: str
    pages: str


@dataclass(frozen=True, slots=True)
class OrganisationPageContext:
    """Everything the page shows; `key_table` where there are too many keys for cards."""

    needs_you: int
    cards: list[KeyCard]
    key_table: KeyTable | None
    drafts: list[CandidateCard]
    identical_figures_note: str
    contradiction_notice: KeyContradictionNotice | None
    can_manage: bool
    can_rename: bool
    is_single_key: bool
    digests: dict[str, str]
    timeline: TimelineSection | None = None


def organisation_page_context(
    access: Access,
    key_list: OrganisationKeyList,
    keys: Sequence[ApiKey],
    user_time: UserTime,
    *,
    check_requested_at: datetime | None,
) -> OrganisationPageContext:
    """The page for one person and one moment; `keys` are those with cards, and the drafts."""
    by_id = {key.pk: key for key in keys}
    can_manage = access.allows(Permission.MANAGE_KEYS)
    rows = [row for row in key_list.rows_shown_as_cards if row.key_id in by_id]
    cards = [
        key_card(row, by_id[row.key_id], user_time, check_requested_at=check_requested_at)
        for row in rows
    ]
    drafts = [
        candidate_card(key, candidate, user_time, permissions=access.permissions)
        for key in keys
        if key.status == KeyLifecycle.DRAFT and (candidate := candidate_find(key=key))
    ]
    key_table = _key_table(access, key_list, user_time) if key_list.is_long else None
    parts: list[CandidateCard | KeyCard | KeyTableRow]
    parts = [*drafts, *cards, *(key_table.rows if key_table else [])]
    needs_you = sum(row.needs_attention for row in key_list.rows)
    identical_figures_note = str(IDENTICAL_FIGURES) if has_identical_figures(key_list.rows) else ""
    contradiction_notice = key_contradiction_notice(key_list.rows, user_time)
    states = [option.label for option in key_table.states] if key_table else []
    frame = values_digest(
        access.organisation.name,
        access.permissions,
        [part.anchor for part in parts],
        (
            needs_you,
            identical_figures_note,
            contradiction_notice,
            states,
            key_list.matching_count,
            key_list.page_count,
        ),
    )
    return OrganisationPageContext(
        needs_you=needs_you,
        cards=cards,
        key_table=key_table,
        drafts=drafts,
        identical_figures_note=identical_figures_note,
        contradiction_notice=contradiction_notice,
        can_manage=can_manage,
        can_rename=access.allows(Permission.RENAME_ORGANISATION),
        is_single_key=len(key_list.rows) + len(drafts) == 1,
        digests={"frame": frame} | {part.anchor: part.digest for part in parts},
    )


def keep_changed_parts(
    view: OrganisationPageContext, seen_digests: dict[str, str]
) -> OrganisationPageContext:
    """The page with only those parts whose digest the browser does not show yet."""

    def is_changed(part: KeyCard | KeyTableRow | CandidateCard | TimelineSection) -> bool:
        return seen_digests.get(part.anchor) != part.digest

    rows = [part for part in view.key_table.rows if is_changed(part)] if view.key_table else []
    return replace(
        view,
        cards=[part for part in view.cards if is_changed(part)],
        drafts=[part for part in view.drafts if is_changed(part)],
        key_table=replace(view.key_table, rows=rows) if view.key_table else None,
        timeline=view.timeline if view.timeline and is_changed(view.timeline) else None,
    )


def _key_table(access: Access, key_list: OrganisationKeyList, user_time: UserTime) -> KeyTable:
    filters, page = key_list.filters, key_list.filters.page
    path = reverse("organisation", args=[access.organisation.slug])
    return KeyTable(
        rows=key_table_rows(key_list.page_rows, user_time),
        path=path,
        q=filters.q,
        states=_state_options(key_list.rows, filters),
        key_count_text=render_text(
            key_count(
                key_list.matching_count if is_narrowed(filters) else len(key_list.rows),
                len(key_list.rows) if is_narrowed(filters) else None,
            )
        ),
        narrowed=is_narrowed(filters),
        previous_href=overview_url(filters, path, page=page - 1) if page > 1 else "",
        next_href=overview_url(filters, path, page=page + 1) if page < key_list.page_count else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": page, "pages": key_list.page_count},
    )


def _state_options(rows: list[KeyRow], filters: OverviewFilters) -> list[SelectOption]:
    counts, selected_values = Counter(row.state for row in rows), state_query_values(filters.states)
    needs_you_count = sum(row.needs_attention for row in rows)
    options = [
        SelectOption(
            NEEDS_YOU_VALUE,
            _label_with_count(_("Needs you"), needs_you_count),
            NEEDS_YOU_VALUE in selected_values,
        )
    ]
    return options + [
        SelectOption(
            state.value,
            _label_with_count(str(state.label), counts[state]),
            state.value in selected_values,
        )
        for state in STATES_WORST_FIRST
        if counts[state] or state.value in selected_values
    ]


def _label_with_count(word: str, number: int) -> str:
    return _("%(label)s (%(n)s)") % {"label": word, "n": format_number(number)}
