"""What was, put beside what is: the timeline of a page, each key's history, what was asked for.

Reading a history costs more than anything else on these pages: it is read for what is drawn.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from freddy_admin.organisations.access import Access
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.names import actor_as_written
from freddy_admin.sync.history.timeline import TimelineEntry, key_histories, timeline_page
from freddy_admin.sync.orders.placing import sync_orders
from freddy_admin.sync.rows import KeyRow
from freddy_admin.web.past_query import PastQuery
from freddy_admin.web.presenters.history.view import history_view
from freddy_admin.web.presenters.key import KeyView
from freddy_admin.web.presenters.organisation import OrganisationView
from freddy_admin.web.presenters.panels import Panel
from freddy_admin.web.presenters.rows import mark_of
from freddy_admin.web.presenters.syncs.orders import latest_order
from freddy_admin.web.presenters.timeline.view import timeline_view
from freddy_admin.web.presenters.times import Reading

_WHOLE = ("frame", "all")
PageView = TypeVar("PageView", OrganisationView, KeyView)


def with_timeline(
    view: PageView, query: PastQuery, on: Reading, *, of: Access, rows: Sequence[KeyRow]
) -> PageView:
    """The page with its timeline, in one query; without one where there is nothing to tell of.

    `rows` are the keys of the page.
    """
    keys = {row.key_id: row.key_label for row in rows}
    found = timeline_page(organisation=of.organisation, filters=query.filters)
    if not (rows or found.entries or query.is_narrowed):
        return view
    entries = tuple(_as_read(one, of) for one in found.entries)
    found = replace(found, entries=entries)
    timeline = timeline_view(found, query, on, slug=of.organisation.slug, keys=keys)
    # A page that has no timeline yet is sent as a whole.
    whole = {name: mark_of(view.marks[name], True) for name in _WHOLE if name in view.marks}
    marks = view.marks | whole | {timeline.anchor: timeline.mark}
    return replace(view, timeline=timeline, marks=marks)


def _as_read(entry: TimelineEntry, access: Access) -> TimelineEntry:
    actor = actor_as_written(entry.actor_name, access.permissions)
    return entry if actor == entry.actor_name else replace(entry, actor_name=actor)


def with_histories(
    panels: Sequence[Panel], query: PastQuery, on: Reading, *, rows: Sequence[KeyRow]
) -> list[Panel]:
    """The panels with what was, in one query for all of them; none without a panel."""
    wanted = {panel.key_id for panel in panels}
    shown = [row for row in rows if row.key_id in wanted]
    histories = key_histories(rows=shown, now=on.now) if shown else {}
    return [
        replace(panel, history=history_view(histories[panel.key_id], query, on)) for panel in panels
    ]


def with_orders(
    panels: Sequence[Panel], on: Reading, *, of: Organisation, rows: Sequence[KeyRow]
) -> list[Panel]:
    """The panels with the sync that somebody asked for, in one query for all of them."""
    by_id = {row.key_id: row for row in rows}
    ids = [panel.key_id for panel in panels]
    orders = sync_orders(organisation=of, key_ids=ids) if ids else {}
    return [
        replace(panel, order=latest_order(by_id[panel.key_id], orders.get(panel.key_id), on))
        for panel in panels
    ]
