"""Banners of the overview: what concerns all keys is said once, above everything else."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import SavedView
from freddy_admin.core import clock
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.status.types import Overview, OverviewFilters
from freddy_admin.web.components import SelectOption, state_pill
from freddy_admin.web.htmx import values_digest
from freddy_admin.web.pages.key.shared_sync import SharedSyncNotice, shared_sync_notice
from freddy_admin.web.pages.overview.filters import (
    NEEDS_YOU_VALUE,
    NO_OWNER_VALUE,
    is_narrowed,
    overview_url,
    owner_query_value,
    saved_view_query_from_filters,
    state_query_values,
)
from freddy_admin.web.pages.overview.rows import (
    KeyTableRow,
    NeedsYouCard,
    key_row_anchor,
    key_row_digest,
    key_table_rows,
    needs_you_card,
    render_overview_row,
)
from freddy_admin.wording.failures import is_master_key_failure
from freddy_admin.wording.keys import (
    expiring_count,
    key_count,
    latest_and_next_check,
    need_you_count,
    state_count,
)
from freddy_admin.wording.platform import (
    master_key_notice,
    outage_notice,
    silent_worker_notice,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import BAD, WARN
from freddy_admin.wording.times import UserTime


@dataclass(frozen=True, slots=True)
class Banner:
    """One notice for everybody; `kind` changes when what it says does."""

    kind: str
    tone: str
    icon: str
    title: str
    words: SafeString


def overview_banners(overview: Overview, user_time: UserTime) -> list[Banner]:
    """The banners for one moment, the worst first; usually none."""
    notices = []
    if overview.master_key_fault or any(is_master_key_failure(row) for row in overview.rows):
        notices.append(master_key_notice(is_for_all_keys=_no_key_opens(overview)))
    if overview.outage is not None:
        notices.append(outage_notice(overview.outage))
    if is_worker_silent(overview):
        notices.append(
            silent_worker_notice(overview.latest_worker_heartbeat_at, overview.checked_at)
        )
    return [
        Banner(
            kind=notice.kind,
            tone=notice.tone,
            icon=notice.icon,
            title=render_text(notice.title, user_time),
            words=render_html(notice.words, user_time),
        )
        for notice in notices
    ]


def is_worker_silent(overview: Overview) -> bool:
    """No sign of life of any worker for more than two check periods, although there is work."""
    limit = max(
        clock.real_seconds_to_panel_duration(60),
        timedelta(seconds=2 * settings.STATUS_CHECK_SECONDS),
    )
    heartbeat_at = overview.latest_worker_heartbeat_at
    return overview.total > 0 and (heartbeat_at is None or overview.now - heartbeat_at > limit)


def _no_key_opens(overview: Overview) -> bool:
    """Whether no key in view was opened: any other checked state means that one was."""
    unopened_states = {HealthState.UNKNOWN, HealthState.NOT_CHECKED, HealthState.PAUSED}
    checked_rows = (
        row for row in overview.rows if row.checked_at and row.state is not HealthState.PAUSED
    )
    return set(overview.all_counts) <= unopened_states and all(
        map(is_master_key_failure, checked_rows)
    )


@dataclass(frozen=True, slots=True)
class SavedViewLink:
    """The link of a saved view, and where its deletion is sent."""

    name: str
    href: str
    delete_url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class SavedViewBar:
    """`query` is the present address as it would be saved; `can_save` where it is not yet."""

    saved_views: list[SavedViewLink]
    query: str
    can_save: bool


def saved_view_bar(
    saved_views: list[SavedView], filters: OverviewFilters, path: str
) -> SavedViewBar:
    """What to show above the overview of these filters."""
    query = saved_view_query_from_filters(filters)
    links = [
        SavedViewLink(
            name=view.name,
            href=f"{path}?{view.query}",
            delete_url=reverse("saved_view_delete", args=[view.pk]),
            # Keys that report the same are no view: nobody keeps what the next sync changes.
            is_current=view.query == query and not filters.figures_digest,
        )
        for view in saved_views
    ]
    can_save = (
        bool(query) and not filters.figures_digest and not any(view.is_current for view in links)
    )
    return SavedViewBar(saved_views=links, query=query, can_save=can_save)


CARDS_LIMIT = 6
ICON_SPRITE_PATH = "img/icons.svg"


@dataclass(frozen=True, slots=True)
class FilterChip:
    """One count of the summary sentence, and the filter behind it."""

    words: str
    href: str
    tone: str
    icon: str
    active: bool


@dataclass(frozen=True, slots=True)
class SortableColumn:
    """A head of the table; `direction` is "", "ascending" or "descending"."""

    word: str
    href: str
    direction: str


@dataclass(frozen=True, slots=True)
class OverviewPageContext:
    """Everything the page shows."""

    needs_you: int
    total: int
    chips: list[FilterChip]
    checked: SafeString
    banners: list[Banner]
    shared_sync_notice: SharedSyncNotice | None
    cards: list[NeedsYouCard]
    hidden_cards_count: int
    needs_you_count_filtered: int
    needs_you_href: str
    columns: list[SortableColumn]
    rows: list[KeyTableRow]
    row_htmls: list[SafeString]
    matching: str
    narrowed: bool
    live_href: str
    previous_href: str
    next_href: str
    pages: str
    states: list[SelectOption]
    tags: list[SelectOption]
    owners: list[SelectOption]
    expiring: bool
    without_expiring_href: str
    q: str
    sort: str
    same: str
    without_shared_sync_href: str
    empty_organisations: list[tuple[str, str]]
    more_filters: bool
    digests: dict[str, str]
    query: str
    sprite: str
    labels: dict[str, str]


def overview_digests(overview: Overview, banners: list[Banner]) -> dict[str, str]:
    """A digest per part of the page; a browser that shows them all gets no content."""
    order = [row.key_id for row in overview.rows]
    rows = {key_row_anchor(row): key_row_digest(row) for row in overview.rows}
    return {
        "frame": values_digest(
            order, overview.pages, overview.matching, overview.empty_organisations
        ),
        "head": values_digest(
            list(overview.all_counts.items()),
            list(overview.counts.items()),
            overview.checked_at,
            overview.next_check_at,
            [banner.kind for banner in banners],
            [
                (group.figures_digest, group.keys, group.names)
                for group in overview.shared_sync_groups
            ],
            overview.more_shared_sync_groups,
            (overview.urgent, overview.urgent_matching, overview.expiring),
        ),
        "needs": values_digest(
            [rows[key_row_anchor(row)] for row in overview.rows if row.needs_attention][
                :CARDS_LIMIT
            ]
        ),
    } | rows


def overview_page_context(
    overview: Overview,
    user_time: UserTime,
    *,
    banners: list[Banner],
    digests: dict[str, str],
    path: str,
) -> OverviewPageContext:
    """The page for one person and one moment."""
    filters = overview.filters
    cards = _needs_you_cards(overview, user_time)
    rows = key_table_rows(overview.rows, user_time, digests)
    labels = column_labels()
    sprite = static(ICON_SPRITE_PATH)
    needs_you_count = _needs_you_count(overview)
    return OverviewPageContext(
        needs_you=overview.action_needed_count,
        total=overview.total,
        chips=_state_count_chips(overview, path),
        checked=render_html(latest_and_next_check(overview), user_time),
        banners=banners,
        shared_sync_notice=shared_sync_notice(overview, path),
        cards=cards,
        hidden_cards_count=max(0, needs_you_count - len(cards)) if cards else 0,
        needs_you_count_filtered=needs_you_count,
        needs_you_href=overview_url(
            filters, path, states=tuple(s for s in HealthState if s in STATES_NEEDING_ACTION)
        ),
        columns=_sortable_columns(filters, path),
        rows=rows,
        row_htmls=[render_overview_row(row, labels=labels, sprite=sprite) for row in rows],
        matching=_matching_count_text(overview),
        narrowed=is_narrowed(filters),
        live_href=overview_url(filters, path),
        previous_href=overview_url(filters, path, page=overview.page - 1)
        if overview.page > 1
        else "",
        next_href=overview_url(filters, path, page=overview.page + 1)
        if overview.page < overview.pages
        else "",
        pages=_("Page %(page)s of %(pages)s") % {"page": overview.page, "pages": overview.pages},
        states=_state_options(overview),
        tags=[
            SelectOption(tag.value, tag.label, tag.value == filters.tag) for tag in overview.tags
        ],
        owners=_owner_options(overview),
        expiring=filters.expiring,
        without_expiring_href=overview_url(filters, path, expiring=False),
        q=filters.q,
        sort=filters.sort,
        same=filters.figures_digest,
        without_shared_sync_href=overview_url(filters, path, figures_digest=""),
        empty_organisations=overview.empty_organisations,
        more_filters=bool(filters.tag) or filters.owner is not None,
        digests=digests,
        query=overview_url(filters, page=1),
        sprite=sprite,
        labels=labels,
    )


def _needs_you_cards(overview: Overview, user_time: UserTime) -> list[NeedsYouCard]:
    """On the first page, where the worst comes first."""
    if overview.page > 1 or overview.filters.sort != "state":
        return []
    rows = [row for row in overview.rows if row.needs_attention]
    return [needs_you_card(row, user_time) for row in rows[:CARDS_LIMIT]]


def changed_row_htmls(
    view: OverviewPageContext, seen_digests: Mapping[str, str]
) -> list[SafeString]:
    """The rows whose digest the browser does not show yet, each as an out-of-band swap."""
    return [
        render_overview_row(row, labels=view.labels, sprite=view.sprite, out_of_band=True)
        for row in view.rows
        if seen_digests.get(row.anchor) != row.digest
    ]


def column_labels() -> dict[str, str]:
    """The names of the columns, for narrow screens where a row is shown as a card."""
    return {
        "last": _("Last synced"),
        "due": _("Expected next"),
        "tools": _("Tools on / total"),
        "checked": _("Checked"),
        "owner": _("Owner"),
    }


def _state_count_chips(overview: Overview, path: str) -> list[FilterChip]:
    counts = overview.counts
    chips = []
    needs_you_count = _needs_you_count(overview)
    if needs_you_count:
        words = render_text(need_you_count(needs_you_count))
        all_of = tuple(state for state in HealthState if state in STATES_NEEDING_ACTION)
        chips.append(_state_filter_chip(words, BAD, "alert-octagon", all_of, overview, path))
    for state, number in counts.items():
        if state in STATES_NEEDING_ACTION:
            continue
        pill = state_pill(state)
        words = render_text(state_count(state, number))
        chips.append(_state_filter_chip(words, pill.tone, pill.icon, (state,), overview, path))
    if overview.expiring:
        chips.append(_expiring_filter_chip(overview, path))
    return chips


def _needs_you_count(overview: Overview) -> int:
    """How many need somebody, of what the filters leave."""
    counts = overview.counts.items()
    return overview.urgent_matching + sum(
        count for state, count in counts if state in STATES_NEEDING_ACTION
    )


def _expiring_filter_chip(overview: Overview, path: str) -> FilterChip:
    filters, active = overview.filters, overview.filters.expiring
    # The number is that of all states: so is the list behind it.
    states = filters.states if active else ()
    return FilterChip(
        words=render_text(expiring_count(overview.expiring)),
        href=overview_url(filters, path, expiring=not active, states=states),
        tone=WARN,
        icon="calendar-x",
        active=active,
    )


def _state_filter_chip(  # noqa: PLR0913  the parts of one chip
    words: str, tone: str, icon: str, states: tuple[HealthState, ...], overview: Overview, path: str
) -> FilterChip:
    active = overview.filters.states == states
    href = overview_url(overview.filters, path, states=() if active else states)
    return FilterChip(words=words, href=href, tone=tone, icon=icon, active=active)


def _sortable_columns(filters: OverviewFilters, path: str) -> list[SortableColumn]:
    heads = [
        ("organisation", _("Organisation")),
        ("state", _("State")),
        ("last", _("Last synced")),
        ("next", _("Expected next")),
        ("tools", _("Tools on / total")),
        ("checked", _("Checked")),
    ]
    return [_sortable_column(filters, path, sort, word) for sort, word in heads]


def _sortable_column(filters: OverviewFilters, path: str, sort: str, word: str) -> SortableColumn:
    if filters.sort == sort:
        return SortableColumn(word, overview_url(filters, path, sort=f"-{sort}"), "ascending")
    direction = "descending" if filters.sort == f"-{sort}" else ""
    return SortableColumn(word, overview_url(filters, path, sort=sort), direction)


def _matching_count_text(overview: Overview) -> str:
    total = overview.total if is_narrowed(overview.filters) else None
    return render_text(key_count(overview.matching, total))


def _owner_options(overview: Overview) -> list[SelectOption]:
    selected_owner = owner_query_value(overview.filters.owner)
    nobody = SelectOption(NO_OWNER_VALUE, _("Nobody yet"), selected_owner == NO_OWNER_VALUE)
    people = [
        SelectOption(owner.value, owner.label, owner.value == selected_owner)
        for owner in overview.owners
    ]
    return [nobody, *people]


def _state_options(overview: Overview) -> list[SelectOption]:
    selected_values = state_query_values(overview.filters.states)
    options = [SelectOption(NEEDS_YOU_VALUE, _("Needs you"), NEEDS_YOU_VALUE in selected_values)]
    present = set(overview.all_counts) | set(overview.filters.states)
    return options + [
        SelectOption(state.value, str(state.label), state.value in selected_values)
        for state in HealthState
        if state in present
    ]
