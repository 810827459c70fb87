"""Sync statuses for pages, exports and the JSON API. Nothing here calls Aitronos."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import BigIntegerField, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.audience import Audience, audience_for
from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_pair,
)
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.selectors import organisations_visible
from freddy_admin.sync.health_states import STATES_WORST_FIRST
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.aggregates import overview_aggregates
from freddy_admin.sync.status.consistency import (
    shared_sync_groups_from_rows,
    shared_sync_groups_query,
)
from freddy_admin.sync.status.filter_options import filter_options_list
from freddy_admin.sync.status.key_expiry import expiry_urgent_q
from freddy_admin.sync.status.observation_cache import ObservationValues, observation_get
from freddy_admin.sync.status.partial_sort import (
    PartialSort,
    is_partial_sort_complete,
    partial_sort_plan,
    partial_sort_q,
)
from freddy_admin.sync.status.queries import (
    DETAIL_COLUMNS,
    LIST_COLUMNS,
    NOW_PARAM,
    annotate_list_columns,
    key_row_from_values,
    order_sync_statuses,
    overview_filters_q,
    sync_statuses_visible,
)
from freddy_admin.sync.status.types import KeyRow, Overview, OverviewFilters
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import LARGEST_ID

PAGE_SIZE = 50
OVERVIEW_SORTS = ("state", "organisation", "last", "next", "tools", "checked")
_MAX_EMPTY_ORGANISATIONS = 6


def overview_page(*, user: User, filters: OverviewFilters, now: datetime) -> Overview:
    """One page of the keys this person may see; three queries, however many keys there are."""
    aggregates = overview_aggregates(user=user, filters=filters, now=now)
    states = filters.states or STATES_WORST_FIRST
    total = sum(count for state, count in aggregates["counts"].items() if state in states)
    total += aggregates["urgent_matching"] if filters.needs_attention else 0
    pages = max(1, ceil(total / PAGE_SIZE))
    page = min(max(1, filters.page), pages)
    start = (page - 1) * PAGE_SIZE
    rows = _rows_by_partial_sort(user, filters, now, aggregates, start)
    if rows is None:
        values_list = _overview_page_values(user=user, filters=filters, now=now, start=start)
        rows = [key_row_from_values(values, user=user, now=now) for values in values_list]
    return Overview(
        now=now,
        filters=filters,
        rows=rows,
        matching=total,
        page=page,
        pages=pages,
        **aggregates,
        **_overview_notices(user=user, now=now),
    )


def overview_with_filter_options(*, user: User, overview: Overview) -> Overview:
    """`overview` with the tags and owners to choose from: one query, for pages that offer them."""
    tags, owners = filter_options_list(user=user)
    return replace(overview, tags=tags, owners=owners)


def overview_key_rows(*, user: User, filters: OverviewFilters, now: datetime) -> Iterator[KeyRow]:
    """All rows that the filters leave, for exports and the JSON API."""
    values_list = _filtered_rows_query(user, filters, now)
    for values in values_list.iterator(chunk_size=500):
        yield key_row_from_values(values, user=user, now=now)


def organisation_key_rows(*, user: User, organisation: Organisation, now: datetime) -> list[KeyRow]:
    """The active keys of one organisation, worst first, in one query."""
    param_values = {"person": user.pk, "now": now, "organisation": organisation.pk}
    values_list = compiled_query_fetch(
        _organisation_rows_query, audience_for(user), param_values=param_values
    )
    return [
        key_row_from_values(values | {"siblings": len(values_list)}, user=user, now=now)
        for values in values_list
    ]


def _organisation_rows_query(audience: Audience) -> QuerySet[Any, Any]:
    organisation_param = Param("organisation", BigIntegerField())
    rows = sync_statuses_visible(user=audience, now=NOW_PARAM).filter(
        organisation=organisation_param
    )
    return annotate_list_columns(
        order_sync_statuses(rows, "state", now=NOW_PARAM), user=audience, single_organisation=True
    ).values(*LIST_COLUMNS)


def key_row(*, user: User, organisation: Organisation, key_id: int, now: datetime) -> KeyRow:
    """One active key of this organisation, its observation from the cache where it is there.

    Raises NotFound.
    """
    if not 0 < key_id <= LARGEST_ID:  # no database takes it as a number
        raise NotFound(_("There is no such key here."))
    rows = sync_statuses_visible(user=user, now=now).filter(organisation=organisation, pk=key_id)
    values = annotate_list_columns(rows, user=user).values(*DETAIL_COLUMNS).first()
    observation = values and observation_get(key_id=key_id, version=values["key_version"])
    if not values or not observation:
        raise NotFound(_("There is no such key here."))
    return key_row_from_values(values | observation, user=user, now=now)


def active_sync_statuses(*, organisation: Organisation | None) -> QuerySet[SyncStatus]:
    """The rows of all active keys (of one organisation), for the operator's commands."""
    rows = SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE)
    rows = rows.select_related("key", "key__organisation").order_by("pk")
    return rows.filter(organisation=organisation) if organisation else rows


def _filtered_rows_query(
    user: User | Audience, filters: OverviewFilters, now: datetime | Param
) -> QuerySet[Any, Any]:
    rows = sync_statuses_visible(user=user, now=now).filter(
        overview_filters_q(filters, user=user, now=now)
    )
    if filters.states:
        has_wanted_state = Q(effective__in=filters.states)
        rows = rows.filter(
            has_wanted_state | expiry_urgent_q(now) if filters.needs_attention else has_wanted_state
        )
    return annotate_list_columns(
        order_sync_statuses(rows, _valid_sort(filters), now=now), user=user
    ).values(*LIST_COLUMNS)


def _overview_page_values(
    *, user: User, filters: OverviewFilters, now: datetime, start: int
) -> Iterable[ObservationValues]:
    compilable_filters = filters.compilable_part(states=filters.states, sort=_valid_sort(filters))
    if compilable_filters is None:
        return _filtered_rows_query(user, filters, now)[start : start + PAGE_SIZE]
    param_values, audience = {"person": user.pk, "now": now}, audience_for(user)
    return compiled_query_fetch(
        _filtered_rows_query,
        audience,
        compilable_filters,
        NOW_PARAM,
        param_values=param_values,
        limit=PAGE_SIZE,
        offset=start,
    )


def _rows_by_partial_sort(
    user: User, filters: OverviewFilters, now: datetime, aggregates: Mapping[str, Any], start: int
) -> list[KeyRow] | None:
    """The rows of the page, from a part of all keys; None where all have to be sorted for it."""
    if not user.is_platform_admin or replace(filters, page=1) != OverviewFilters():
        return None
    counts, end_line = aggregates["all_counts"], start + PAGE_SIZE
    line_count = min(end_line, sum(counts.values()))
    plan = partial_sort_plan(counts, urgent=aggregates["urgent"], line_count=line_count)
    if plan is None:
        return None
    param_values, window = {"person": user.pk, "now": now}, {"limit": PAGE_SIZE, "offset": start}
    values_list = compiled_query_fetch(
        _partial_sort_query, audience_for(user), plan, param_values=param_values, **window
    )
    rows = [key_row_from_values(values, user=user, now=now) for values in values_list]
    return rows if is_partial_sort_complete(rows, plan, lines=line_count - start) else None


def _partial_sort_query(audience: Audience, plan: PartialSort) -> QuerySet[Any, Any]:
    rows = sync_statuses_visible(user=audience, now=NOW_PARAM).filter(partial_sort_q(plan))
    return annotate_list_columns(
        order_sync_statuses(rows, "state", now=NOW_PARAM), user=audience
    ).values(*LIST_COLUMNS)


def _valid_sort(filters: OverviewFilters) -> str:
    return filters.sort if filters.sort.lstrip("-") in OVERVIEW_SORTS else "state"


def _overview_notices(*, user: User, now: datetime) -> dict[str, Any]:
    """The notices beside the list, in one query: shared syncs, organisations without a key."""
    without_key = LimitedQuery(
        _organisations_without_key_query, (audience_for(user),), _MAX_EMPTY_ORGANISATIONS
    )
    param_values = {"person": user.pk, "now": now}
    group_rows, organisation_rows = compiled_query_fetch_pair(
        shared_sync_groups_query(user=user), without_key, param_values=param_values
    )
    groups, more_groups = shared_sync_groups_from_rows(group_rows)
    without_key_shown = (
        [(row["name"], row["slug"]) for row in organisation_rows] if user.is_active else []
    )
    return {
        "shared_sync_groups": groups,
        "more_shared_sync_groups": more_groups,
        "empty_organisations": without_key_shown,
    }


def _organisations_without_key_query(audience: Audience) -> QuerySet[Any, Any]:
    keys = ApiKey.objects.filter(organisation=OuterRef("pk"), status=KeyLifecycle.ACTIVE)
    without_key = organisations_visible(user=audience).exclude(Exists(keys))
    return without_key.order_by("name").values("name", "slug")
