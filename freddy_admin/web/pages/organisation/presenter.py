"""One organisation's page: which of its keys one page shows, and which of them in full."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.core.search_words import indexed_words, search_words
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import STATES_WORST_FIRST, HealthState
from freddy_admin.sync.history.timeline import KeyHistory
from freddy_admin.sync.models import RemoteOperation
from freddy_admin.sync.status.disagreements import key_disagreements
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.rows import KeyRow, own_move_count
from freddy_admin.vault.models import ApiKey, KeyCandidate, KeyLifecycle
from freddy_admin.vault.selectors import candidate_find
from freddy_admin.web.components import (
    KEY_CARDS_LIMIT,
    SelectOption,
    banner_context,
    incident_line,
    key_row_anchor,
    key_row_digests,
    key_row_incident,
    render_key_rows,
)
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.filters import HistoryQuery
from freddy_admin.web.pages.history.presenter import TIMELINE_ANCHOR, history_section
from freddy_admin.web.pages.key.candidate import (
    candidate_context,
    candidate_digest,
    draft_anchor,
)
from freddy_admin.web.pages.key.card import (
    key_card,
    key_card_anchor,
    key_card_digest,
)
from freddy_admin.web.pages.overview.filters import NEEDS_YOU_VALUE, OVERVIEW_PARAMS, STATE_PARAM
from freddy_admin.wording.key_pages import (
    CONTRADICTION_TITLE,
    IDENTICAL_FIGURES,
    contradiction,
    contradiction_meaning,
)
from freddy_admin.wording.keys import key_count
from freddy_admin.wording.refused_alike import refused_notices
from freddy_admin.wording.sentences import format_number, render_text
from freddy_admin.wording.times import UserTime

PAGE_SIZE = 25
INCIDENT_LINES_LIMIT = 6  # the list has all of them


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
        is_first_page = self.filters.page == 1 and not OVERVIEW_PARAMS.is_narrowed(self.filters)
        return [row for row in self.page_rows[:1] if is_first_page and row.needs_attention]


def organisation_key_list(rows: list[KeyRow], filters: OverviewFilters) -> OrganisationKeyList:
    """The page the address asks for; `rows` keep their order. Few keys are never filtered."""
    if len(rows) <= KEY_CARDS_LIMIT:
        filters = OverviewFilters()
    words = search_words(filters.q) if filters.q else []
    wanted_states = set(filters.states) or set(HealthState)
    urgent = bool(filters.states) and filters.needs_attention
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
    if not words:
        return True
    row_words = indexed_words(f"{row.key_label} {row.owner_name} {row.organization_id}")
    return all(any(text.startswith(word) for text in row_words) for word in words)


@dataclass(frozen=True)  # without slots, which have no room for what is worked out once
class OrganisationPage:
    """An organisation for one person and one moment.

    `keys` are those with cards, and the drafts, by their ids; *Check now* was pressed at
    `requested_at`. An open page asks for the parts whose digests have changed.
    """

    access: Access
    key_list: OrganisationKeyList
    keys: Mapping[int, ApiKey]
    timeline: Mapping[str, Any] | None
    user_time: UserTime
    requested_at: datetime | None

    @cached_property
    def card_rows(self) -> list[KeyRow]:
        """The keys with a card."""
        return [row for row in self.key_list.rows_shown_as_cards if row.key_id in self.keys]

    @cached_property
    def table_rows(self) -> list[KeyRow]:
        """The keys in the table, where there are too many for cards."""
        return self.key_list.page_rows if self.key_list.is_long else []

    @cached_property
    def _row_digests(self) -> dict[str, str]:
        return key_row_digests(self.table_rows, with_checks=True)

    @cached_property
    def drafts(self) -> list[tuple[ApiKey, KeyCandidate]]:
        """Keys that were never in use, with what waits for its test or for a decision."""
        return [
            (key, candidate)
            for key in self.keys.values()
            if key.status == KeyLifecycle.DRAFT and (candidate := candidate_find(key=key))
        ]

    def part_digests(self) -> dict[str, str]:
        """Anchor → digest: the drafts, the cards, the rows of the table, and the timeline."""
        digests = {
            draft_anchor(key): candidate_digest(key, candidate, self.access.permissions)
            for key, candidate in self.drafts
        }
        for row in self.card_rows:
            digests[key_card_anchor(row)] = key_card_digest(
                row, self.keys[row.key_id], self.user_time, requested_at=self.requested_at
            )
        digests |= self._row_digests
        if self.timeline:
            digests[TIMELINE_ANCHOR] = self.timeline["digest"]
        return digests

    def frame(self, anchors: Collection[str]) -> dict[str, Any]:
        """What stands around the parts with these anchors, and its digest."""
        rows = self.key_list.rows
        frame: dict[str, Any] = {
            "needs_you": own_move_count(rows),
            "identical_figures_note": _has_identical_figures(rows) and IDENTICAL_FIGURES,
            "contradiction": _contradiction_notice(rows, self.user_time),
            "key_table": _key_table(self.access, self.key_list) if self.key_list.is_long else None,
            "can_manage": self.access.allows(Permission.MANAGE_KEYS),
            "can_rename": self.access.allows(Permission.RENAME_ORGANISATION),
            "is_single_key": len(rows) + len(self.drafts) == 1,
        }
        organisation, permissions = self.access.organisation, self.access.permissions
        is_refused_alike = any(row.refused_group for row in rows)
        notices = refused_notices(rows, self.user_time.now) if is_refused_alike else []
        kinds = [notice.kind for notice in notices]
        digest = values_digest(organisation.name, permissions, *frame.values(), *anchors, *kinds)
        banners = [banner_context(notice, self.user_time) for notice in notices]
        return frame | {
            "organisation": organisation,
            "digest": values_digest(digest, *map(key_row_incident, rows)),
            "banners": banners,
            "incident_lines": _incident_lines(rows, self.user_time),
        }

    def parts(
        self,
        anchors: Collection[str],
        query: HistoryQuery,
        operations: Mapping[int, RemoteOperation],
        histories: Mapping[int, KeyHistory],
    ) -> dict[str, Any]:
        """The parts with these anchors; `operations` and `histories` are those of the cards."""
        permissions, user_time = self.access.permissions, self.user_time
        return {
            "drafts": [
                candidate_context(key, candidate, user_time, permissions=permissions)
                for key, candidate in self.drafts
                if draft_anchor(key) in anchors
            ],
            "cards": [
                key_card(
                    row,
                    self.keys[row.key_id],
                    user_time,
                    requested_at=self.requested_at,
                    operation=operations.get(row.key_id),
                )
                | {"history": history_section(histories[row.key_id], query, user_time)}
                for row in self.card_rows
                if key_card_anchor(row) in anchors
            ],
            "rows_html": render_key_rows(
                (row for row in self.table_rows if key_row_anchor(row) in anchors),
                user_time,
                self._row_digests,
                has_organisation=False,
                out_of_band="frame" not in anchors,
            ),
            "timeline": self.timeline if TIMELINE_ANCHOR in anchors else None,
        }


def _incident_lines(rows: list[KeyRow], user_time: UserTime) -> list[dict[str, Any]]:
    """A line on each open incident of these keys, the worst first; keys of one sync share it."""
    rows_by_incident: dict[int, list[KeyRow]] = {}
    for row in rows:
        if row.incident is not None:
            rows_by_incident.setdefault(row.incident["id"], []).append(row)
    return [
        line | {"labels": ", ".join(row.key_label for row in shared)}
        for shared in list(rows_by_incident.values())[:INCIDENT_LINES_LIMIT]
        if (line := incident_line(shared[0], user_time, origin="organisation"))
    ]


def _has_identical_figures(rows: list[KeyRow]) -> bool:
    """Whether several keys report the very same figures: most likely one shared catalogue."""
    figures = [row.figures for row in rows if row.figures is not None]
    return len(figures) > 1 and len(set(figures)) == 1


def _contradiction_notice(rows: list[KeyRow], user_time: UserTime) -> dict[str, Any] | None:
    """Which keys say what, a sentence per contradiction, and what it may mean."""
    disagreements = key_disagreements(rows)
    if not disagreements:
        return None
    return {
        "title": str(CONTRADICTION_TITLE),
        "lines": [render_text(contradiction(found), user_time) for found in disagreements],
        "meaning": render_text(contradiction_meaning(disagreements)),
    }


def _key_table(access: Access, key_list: OrganisationKeyList) -> dict[str, Any]:
    """The table of an organisation with many keys, but for its rows."""
    filters, count = key_list.filters, len(key_list.rows)
    path = reverse("organisation", args=[access.organisation.slug])
    narrowed = OVERVIEW_PARAMS.is_narrowed(filters)
    matching = key_count(key_list.matching_count, count) if narrowed else key_count(count, None)
    return {
        "path": path,
        "q": filters.q,
        "states": _state_options(key_list.rows, filters),
        "key_count_text": str(matching),
        "narrowed": narrowed,
        "pager": OVERVIEW_PARAMS.pager(
            filters, path, page=filters.page, page_count=key_list.page_count
        ),
    }


def _state_options(rows: list[KeyRow], filters: OverviewFilters) -> list[SelectOption]:
    """The states that occur, each with how many keys are in it."""
    counts = Counter(row.state for row in rows)
    selected_values = [value for _name, value in STATE_PARAM.write(filters.states)]
    needs_you_count = sum(row.needs_attention for row in rows)
    options = [(NEEDS_YOU_VALUE, _("Needs somebody"), needs_you_count)] + [
        (state.value, str(state.label), counts[state])
        for state in STATES_WORST_FIRST
        if counts[state] or state.value in selected_values
    ]
    return [
        SelectOption(
            value,
            _("%(label)s (%(n)s)") % {"label": label, "n": format_number(number)},
            value in selected_values,
        )
        for value, label, number in options
    ]
