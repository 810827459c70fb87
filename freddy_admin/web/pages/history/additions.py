"""Adds history to pages: the timeline, each key's states and tools, its latest operation.

Reading a history costs more than anything else on these pages: it is read only for what is shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.person_display_names import actor_name_masked
from freddy_admin.sync.history.timeline import TimelineEntry, key_history_map, timeline_page
from freddy_admin.sync.operations.services import latest_sync_operation_by_key
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.history.filters import HistoryQuery
from freddy_admin.web.pages.history.presenter import history_section
from freddy_admin.web.pages.history.timeline import timeline_section
from freddy_admin.web.pages.key.presenter import KeyCard, KeyPageContext
from freddy_admin.web.pages.organisation.presenter import OrganisationPageContext
from freddy_admin.web.pages.sync_start.operation import latest_operation_status
from freddy_admin.wording.times import UserTime

_WHOLE_PAGE_PARTS = ("frame", "all")
PageView = TypeVar("PageView", OrganisationPageContext, KeyPageContext)


def add_timeline(
    view: PageView,
    query: HistoryQuery,
    user_time: UserTime,
    *,
    access: Access,
    rows: Sequence[KeyRow],
) -> PageView:
    """The page with its timeline, in one query; without one where there are no events.

    `rows` are the keys of the page.
    """
    keys = {row.key_id: row.key_label for row in rows}
    page = timeline_page(organisation=access.organisation, filters=query.filters)
    if not (rows or page.entries or query.is_narrowed):
        return view
    entries = tuple(_mask_actor_email(entry, access) for entry in page.entries)
    page = replace(page, entries=entries)
    timeline = timeline_section(page, query, user_time, slug=access.organisation.slug, keys=keys)
    # The whole page is sent where the browser shows it without a timeline yet.
    whole_page_digests = {
        name: values_digest(view.digests[name], True)
        for name in _WHOLE_PAGE_PARTS
        if name in view.digests
    }
    digests = view.digests | whole_page_digests | {timeline.anchor: timeline.digest}
    return replace(view, timeline=timeline, digests=digests)


def _mask_actor_email(entry: TimelineEntry, access: Access) -> TimelineEntry:
    actor = actor_name_masked(entry.actor_name, access.permissions)
    return entry if actor == entry.actor_name else replace(entry, actor_name=actor)


def add_key_histories(
    cards: Sequence[KeyCard], query: HistoryQuery, user_time: UserTime, *, rows: Sequence[KeyRow]
) -> list[KeyCard]:
    """The cards with their histories, in one query for all of them; no query without a card."""
    key_ids = {card.key_id for card in cards}
    card_rows = [row for row in rows if row.key_id in key_ids]
    histories = key_history_map(rows=card_rows, now=user_time.now) if card_rows else {}
    return [
        replace(card, history=history_section(histories[card.key_id], query, user_time))
        for card in cards
    ]


def add_latest_operations(
    cards: Sequence[KeyCard],
    user_time: UserTime,
    *,
    organisation: Organisation,
    rows: Sequence[KeyRow],
) -> list[KeyCard]:
    """The cards with the latest requested sync, in one query for all of them."""
    rows_by_id = {row.key_id: row for row in rows}
    key_ids = [card.key_id for card in cards]
    operations = (
        latest_sync_operation_by_key(organisation=organisation, key_ids=key_ids) if key_ids else {}
    )
    return [
        replace(
            card,
            operation=latest_operation_status(
                rows_by_id[card.key_id], operations.get(card.key_id), user_time
            ),
        )
        for card in cards
    ]
