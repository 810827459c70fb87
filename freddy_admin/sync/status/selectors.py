"""Sync statuses for pages, exports and the JSON API. Nothing here calls Aitronos."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from math import ceil
from typing import Any

from django.db.models import (
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_all,
)
from freddy_admin.organisations.access import (
    Audience,
    audience_for,
    effective_permissions,
    organisations_visible,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.status.aggregates import (
    SharedSyncGroup,
    overview_aggregates,
    shared_sync_groups_from_rows,
    shared_sync_groups_query,
)
from freddy_admin.sync.status.filter_options import filter_options_query
from freddy_admin.sync.status.list_pages import (
    InSubqueries,
    list_page_values,
    list_part_counts,
    list_places,
)
from freddy_admin.sync.status.moves import OTHERS_MOVE, OWN_MOVE, move_q
from freddy_admin.sync.status.observation_cache import ObservationValues
from freddy_admin.sync.status.outage import Outage
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    ListPlace,
    OverviewFilters,
    expiry_urgent_q,
    list_values,
    order_rows,
    overview_filters_q,
    sync_statuses_visible,
)
from freddy_admin.sync.status.refused_alike import (
    REFUSED_GROUPS_QUERIES,
    RefusedGroup,
    refused_groups_from_rows,
    refused_groups_list,
)
from freddy_admin.sync.status.rows import KeyRow, key_row_from_values
from freddy_admin.vault.models import ApiKey, CandidateState, KeyLifecycle
from freddy_admin.vault.selectors import key_tag_names_by_key, undecided_candidates_query

PAGE_SIZE = 50
PAGE_SIZES = (PAGE_SIZE, 200, 1_000)  # to choose from
OVERVIEW_SORTS = ("state", "organisation", "last", "next", "tools", "checked")
_MAX_EMPTY_ORGANISATIONS = 6
_EXPORT_BATCH = 500
_MIN_KEYS_OF_PARTS = 500  # fewer are sorted in no time


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """A tested secret of one key that somebody has to keep or throw away."""

    organisation_name: str
    organisation_slug: str
    key_id: int
    key_label: str
    state: CandidateState
    tested_at: datetime
    can_decide: bool  # this person may


@dataclass(frozen=True, slots=True)
class Overview:
    """One page of the overview, and the aggregates of everything the person may see."""

    now: datetime
    filters: OverviewFilters
    rows: list[KeyRow]
    counts: dict[HealthState, int]  # of what the filters (without `states`) leave; non-zero only
    all_counts: dict[HealthState, int]  # of everything the person sees; non-zero only
    matching: int  # rows the filters leave, over all pages
    page: int
    pages: int
    place_before: ListPlace | None  # where the page before this one is, in lists that have places
    place_after: ListPlace | None
    checked_at: datetime | None  # the latest finished check of any key in view
    next_check_at: datetime | None  # the earliest scheduled one
    latest_worker_heartbeat_at: datetime | None  # the latest sign of life of any worker
    master_key_fault: bool  # that worker's master key does not fit the database
    copied_from: str  # where the database was at work before, if that worker takes it for a copy
    message_fault: str  # what keeps messages from going out, as that worker saw it
    outage: Outage | None  # Aitronos as a whole seems out of reach
    refused_groups: list[RefusedGroup]  # keys in view that are refused in the same way
    waiting: int  # keys that need somebody, but not this person; those refused alike among them
    waiting_matching: int  # of these, how many the filters (without `states`) leave
    alike: int  # keys that are rejected in the same way as others
    alike_matching: int  # of these, how many the filters (without `states`) leave
    empty_organisations: list[tuple[str, str]]  # (name, slug) of some without a key
    urgent: int  # keys that expire within days, of those whose state needs nobody
    urgent_matching: int  # of these, how many the filters (without `states`) leave
    expiring: int  # keys that expire soon, of what the filters (without `states`) leave
    shared_sync_groups: list[SharedSyncGroup]  # the largest of keys that report the same sync
    more_shared_sync_groups: int  # how many more groups there are
    decisions: list[PendingDecision]  # about new secrets, that wait in their organisations
    # To choose from, once they are asked for; owners as (id, name).
    tags: list[str] = field(default_factory=list)
    owners: list[tuple[int, str]] = field(default_factory=list)

    @property
    def own_move_count(self) -> int:
        """How many moves are this person's: the number on the tab."""
        needing = self.urgent + _needing_count(self.all_counts)
        return needing - self.waiting + self._group_moves(self.alike)

    @property
    def own_move_count_matching(self) -> int:
        """How many moves are this person's, of what the filters (without `states`) leave."""
        needing = self.urgent_matching + _needing_count(self.counts)
        return needing - self.waiting_matching + self._group_moves(self.alike_matching)

    @property
    def others_move_count_matching(self) -> int:
        """How many keys wait for others, of what the filters (without `states`) leave."""
        own = self.alike_matching if self._group_moves(self.alike_matching) else 0
        return self.waiting_matching - own

    def _group_moves(self, alike: int) -> int:
        """What keys are refused for in the same way is one move, of a platform admin."""
        return min(alike, sum(group.is_readers_move for group in self.refused_groups))

    @property
    def total(self) -> int:
        """All keys the person sees."""
        return sum(self.all_counts.values())


def _needing_count(counts: Mapping[HealthState, int]) -> int:
    return sum(count for state, count in counts.items() if state in STATES_NEEDING_ACTION)


def overview_page(*, user: User, filters: OverviewFilters, now: datetime) -> Overview:
    """One page of the keys this person may see; three queries, however many keys there are.

    A fourth only where a new secret waits for somebody's decision, or no key is in use yet.
    """
    notices = _overview_notices(user=user, now=now)
    refused_groups = notices["refused_groups"]
    aggregates = overview_aggregates(
        user=user, filters=filters, now=now, refused_groups=refused_groups
    )
    has_undecided = aggregates.pop("has_undecided") and user.is_active
    decisions = pending_decisions_list(user=user) if has_undecided else []
    urgent_counts = aggregates.pop("urgent_counts")
    total = _matching_count(user, filters, aggregates)
    pages = max(1, ceil(total / filters.page_size))
    page = min(max(1, filters.page), pages)
    start = (page - 1) * filters.page_size
    filters_read = replace(filters, sort=valid_sort(filters))
    parts, place_before, place_after = None, None, None
    if user.is_platform_admin and sum(aggregates["all_counts"].values()) >= _MIN_KEYS_OF_PARTS:
        parts = list_part_counts(
            filters_read, counts=aggregates["all_counts"], urgent_counts=urgent_counts
        )
    if parts is not None:
        values_list = list_page_values(filters_read, parts, now=now, start=start)
        place_before, place_after = list_places(values_list, filters_read, now=now)
    else:
        values_list = _overview_page_values(
            user=user, filters=filters_read, now=now, start=start, groups=refused_groups
        )
    rows = [
        key_row_from_values(values, user=user, now=now, refused_groups=refused_groups)
        for values in values_list
    ]
    return Overview(
        now=now,
        filters=filters,
        rows=_rows_with_candidates(rows, decisions),
        decisions=decisions,
        matching=total,
        page=page,
        pages=pages,
        place_before=place_before,
        place_after=place_after,
        **aggregates,
        **notices,
    )


def _matching_count(user: User, filters: OverviewFilters, aggregates: Mapping[str, Any]) -> int:
    """How many keys the filters leave."""
    states = filters.states or STATES_WORST_FIRST
    total: int = sum(count for state, count in aggregates["counts"].items() if state in states)
    if not filters.needs_attention:
        return total
    total += aggregates["urgent_matching"]
    others: int = aggregates["waiting_matching"]
    if user.is_platform_admin:
        others -= aggregates["alike_matching"]
    return {OWN_MOVE: total - others, OTHERS_MOVE: others}.get(filters.move, total)


def _rows_with_candidates(rows: list[KeyRow], decisions: list[PendingDecision]) -> list[KeyRow]:
    states = {decision.key_id: decision.state for decision in decisions}
    if not states:
        return rows
    return [replace(row, candidate_state=states.get(row.key_id, "")) for row in rows]


def overview_with_filter_options(*, user: User, overview: Overview) -> Overview:
    """`overview` with the tags and owners to choose from: one query, for pages that offer them."""
    param_values = {"person": user.pk}
    rows = (
        compiled_query_fetch(filter_options_query, audience_for(user), param_values=param_values)
        if user.is_active
        else []
    )
    rows.sort(key=lambda row: (str(row["word"] or row["fallback"]), row["number"]))
    tags = dict.fromkeys(row["word"] for row in rows if row["kind"] == "tag")
    owners = [
        (row["number"], row["word"] or row["fallback"] or _("a member"))
        for row in rows
        if row["kind"] == "owner"
    ]
    return replace(overview, tags=list(tags), owners=owners)


def overview_key_rows(*, user: User, filters: OverviewFilters, now: datetime) -> Iterator[KeyRow]:
    """All rows that the filters leave with their tags, for exports and the JSON API.

    A query for all rows, and one for the tags of each `_EXPORT_BATCH` of them.
    """
    groups = refused_groups_list(user=user) if filters.move else []
    rows = _filtered_rows_query(user, filters, now, groups)
    values_list = rows.iterator(chunk_size=_EXPORT_BATCH)
    while batch := list(islice(values_list, _EXPORT_BATCH)):
        tags_by_key = key_tag_names_by_key(key_ids=[values["pk"] for values in batch])
        for values in batch:
            row = key_row_from_values(values, user=user, now=now, refused_groups=groups)
            yield replace(row, tags=tags_by_key.get(row.key_id, ()))


def _filtered_rows_query(
    user: User | Audience,
    filters: OverviewFilters,
    now: datetime | Param,
    groups: Sequence[RefusedGroup] = (),
) -> QuerySet[Any, Any]:
    rows = overview_rows_filtered(user, filters, now, groups)
    return list_values(rows, user=user, sort=valid_sort(filters), now=now)


def overview_rows_filtered(
    user: User | Audience,
    filters: OverviewFilters,
    now: datetime | Param,
    groups: Sequence[RefusedGroup],
) -> QuerySet[Any]:
    """The rows that the filters leave of those this person may see, in no order yet."""
    rows = sync_statuses_visible(user=user, now=now).filter(
        overview_filters_q(filters, user=user, now=now)
    )
    if filters.states:
        has_wanted_state = Q(effective__in=filters.states)
        rows = rows.filter(
            has_wanted_state | expiry_urgent_q(now) if filters.needs_attention else has_wanted_state
        )
    if filters.move and filters.needs_attention:
        urgent = expiry_urgent_q(now)
        rows = rows.filter(move_q(filters.move, groups, user=user, now=now, urgent=urgent))
    return rows


def _overview_page_values(
    *,
    user: User,
    filters: OverviewFilters,
    now: datetime,
    start: int,
    groups: Sequence[RefusedGroup],
) -> list[ObservationValues]:
    window = slice(start, start + filters.page_size)
    compilable_filters = filters.compilable_part(states=filters.states, sort=filters.sort)
    if compilable_filters is None:
        rows = overview_rows_filtered(user, filters, now, groups)
        ids = order_rows(rows, filters.sort, now=now).values("pk")[window]
        page = sync_statuses_visible(user=user, now=now).filter(pk__in=ids)
        return list(list_values(page, user=user, sort=filters.sort, now=now))
    return compiled_query_fetch(
        _window_query,
        audience_for(user),
        compilable_filters,
        param_values={"person": user.pk, "now": now, **filters.search_params}
        | {"limit0": filters.page_size, "offset0": start},
    )


def _window_query(audience: Audience, filters: OverviewFilters) -> QuerySet[Any, Any]:
    """The lines of a sorted list that the parameters `limit0` and `offset0` say.

    All are sorted by their keys alone: only those of the page are read whole.
    """
    rows = overview_rows_filtered(audience, filters, NOW_PARAM, ())
    ids = Subquery(order_rows(rows, filters.sort, now=NOW_PARAM).values("pk"))
    page = sync_statuses_visible(user=audience, now=NOW_PARAM).filter(InSubqueries(F("pk"), ids))
    return list_values(page, user=audience, sort=filters.sort, now=NOW_PARAM)


def valid_sort(filters: OverviewFilters) -> str:
    """The sort that was asked for where there is such a one, else the default."""
    return filters.sort if filters.sort.lstrip("-") in OVERVIEW_SORTS else "state"


def _overview_notices(*, user: User, now: datetime) -> dict[str, Any]:
    """The notices beside the list, in one query.

    Keys refused alike, shared syncs, organisations without a key.
    """
    audience = audience_for(user)
    without_key = LimitedQuery(
        _organisations_without_key_query, (audience,), _MAX_EMPTY_ORGANISATIONS
    )
    param_values = {"person": user.pk, "now": now}
    panel_rows, refused_rows, group_rows, organisation_rows = compiled_query_fetch_all(
        [
            *REFUSED_GROUPS_QUERIES[audience.is_platform_admin],
            shared_sync_groups_query(user=user),
            without_key,
        ],
        param_values=param_values,
    )
    groups, more_groups = shared_sync_groups_from_rows(group_rows)
    refused_groups = list[RefusedGroup]()
    if panel_rows or refused_rows:
        refused_groups = refused_groups_from_rows(panel_rows, refused_rows, audience)
    without_key_shown = (
        [(row["name"], row["slug"]) for row in organisation_rows] if user.is_active else []
    )
    return {
        "refused_groups": refused_groups,
        "shared_sync_groups": groups,
        "more_shared_sync_groups": more_groups,
        "empty_organisations": without_key_shown,
    }


def _organisations_without_key_query(audience: Audience) -> QuerySet[Any, Any]:
    keys = ApiKey.objects.filter(organisation=OuterRef("pk"), status=KeyLifecycle.ACTIVE)
    # Those that the worker has seen with a key are not even looked at.
    organisations = organisations_visible(user=audience).filter(has_key=False)
    without_key = organisations.exclude(Exists(keys))
    return without_key.order_by("name").values("name", "slug")


# People decide them one by one, so there are never many; a page shows a few of them.
_LIMIT = 100


def pending_decisions_list(*, user: User) -> list[PendingDecision]:
    """The decisions that wait in this person's organisations, the longest waiting first."""
    rows = compiled_query_fetch(
        undecided_candidates_query,
        audience_for(user),
        param_values={"person": user.pk},
        limit=_LIMIT,
    )
    return [
        PendingDecision(
            organisation_name=row["key__organisation__name"],
            organisation_slug=row["key__organisation__slug"],
            key_id=row["key_id"],
            key_label=row["key__label"],
            state=CandidateState(row["state"]),
            tested_at=row["tested_at"] or row["created_at"],
            can_decide=Permission.MANAGE_KEYS in effective_permissions(user, row["role"]),
        )
        for row in rows
    ]
