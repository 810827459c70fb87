"""Sync statuses for pages, exports and the JSON API. Nothing here calls Aitronos."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_pair,
)
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    ROLES_SEEING_ADDRESSES,
    Audience,
    audience_for,
    organisations_visible,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.aggregates import (
    Outage,
    SharedSyncGroup,
    overview_aggregates,
    shared_sync_groups_from_rows,
    shared_sync_groups_query,
)
from freddy_admin.sync.status.observation_cache import ObservationValues, observation_get
from freddy_admin.sync.status.queries import (
    DETAIL_COLUMNS,
    NOW_PARAM,
    OverviewFilters,
    PartialSort,
    annotate_list_columns,
    expiry_urgent_q,
    is_partial_sort_complete,
    list_values,
    overview_filters_q,
    partial_sort_plan,
    partial_sort_q,
    sync_statuses_visible,
)
from freddy_admin.sync.status.rows import KeyRow, key_row_from_values
from freddy_admin.vault.models import ApiKey, KeyLifecycle, KeyTag
from freddy_admin.vault.selectors import LARGEST_ID

PAGE_SIZE = 50
OVERVIEW_SORTS = ("state", "organisation", "last", "next", "tools", "checked")
_MAX_EMPTY_ORGANISATIONS = 6
_FILTER_OPTION_COLUMNS = ("kind", "number", "word", "fallback")


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
    checked_at: datetime | None  # the latest finished check of any key in view
    next_check_at: datetime | None  # the earliest scheduled one
    latest_worker_heartbeat_at: datetime | None  # the latest sign of life of any worker
    master_key_fault: bool  # that worker's master key does not fit the database
    copied_from: str  # where the database was at work before, if that worker takes it for a copy
    outage: Outage | None  # Aitronos as a whole seems out of reach
    empty_organisations: list[tuple[str, str]]  # (name, slug) of some without a key
    urgent: int  # keys that expire within days, of those whose state needs nobody
    urgent_matching: int  # of these, how many the filters (without `states`) leave
    expiring: int  # keys that expire soon, of what the filters (without `states`) leave
    shared_sync_groups: list[SharedSyncGroup]  # the largest of keys that report the same sync
    more_shared_sync_groups: int  # how many more groups there are
    # To choose from, once they are asked for; owners as (id, name).
    tags: list[str] = field(default_factory=list)
    owners: list[tuple[int, str]] = field(default_factory=list)

    @property
    def action_needed_count(self) -> int:
        """How many keys need somebody: the number on the tab."""
        counts = self.all_counts.items()
        return self.urgent + sum(count for state, count in counts if state in STATES_NEEDING_ACTION)

    @property
    def total(self) -> int:
        """All keys the person sees."""
        return sum(self.all_counts.values())


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
    return list_values(rows, user=audience, sort="state", now=NOW_PARAM, single_organisation=True)


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
    return list_values(rows, user=user, sort=_valid_sort(filters), now=now)


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
    return list_values(rows, user=audience, sort="state", now=NOW_PARAM)


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


def filter_options_list(*, user: User) -> tuple[list[str], list[tuple[int, str]]]:
    """Tags, and owners as (id, name), each in order of their name."""
    param_values = {"person": user.pk}
    rows = (
        compiled_query_fetch(_filter_options_query, audience_for(user), param_values=param_values)
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
    return list(tags), owners


def _filter_options_query(audience: Audience) -> QuerySet[Any, Any]:
    tags = _all_tags() if audience.is_platform_admin else _tags_visible(audience)
    names = tags.annotate(kind=Value("tag"), number=Value(0), word=F("name"), fallback=F("name"))
    owners = _all_owners() if audience.is_platform_admin else _owners_visible(audience)
    address = F("email") if audience.is_platform_admin else _visible_owner_address(audience)
    people = owners.annotate(kind=Value("owner"), number=F("pk"), word=F("name"), fallback=address)
    tag_rows = names.order_by().values(*_FILTER_OPTION_COLUMNS)
    combined: QuerySet[Any, Any] = tag_rows.union(people.order_by().values(*_FILTER_OPTION_COLUMNS))
    return combined


def _visible_active_keys(audience: Audience) -> QuerySet[ApiKey]:
    organisations = organisations_visible(user=audience).order_by().values("pk")
    return ApiKey.objects.filter(status=KeyLifecycle.ACTIVE, organisation__in=organisations)


def _tags_visible(audience: Audience) -> QuerySet[KeyTag]:
    return KeyTag.objects.filter(keys__in=_visible_active_keys(audience))


def _owners_visible(audience: Audience) -> QuerySet[User]:
    return User.objects.filter(
        pk__in=_visible_active_keys(audience).exclude(owner=None).values("owner")
    )


def _visible_owner_address(audience: Audience) -> Case:
    """The owner's address where they own a key of an organisation that the audience manages."""
    managed = Membership.objects.filter(user=audience.pk, role__in=ROLES_SEEING_ADDRESSES)
    keys = ApiKey.objects.filter(
        owner=OuterRef("pk"),
        status=KeyLifecycle.ACTIVE,
        organisation__in=managed.values("organisation"),
    )
    return Case(When(Q(pk=audience.pk) | Exists(keys), then=F("email")), default=Value(""))


def _all_tags() -> QuerySet[Any]:
    # A search for a key per word, not per tag: each organisation has its own tag of the same word.
    tags_in_use = KeyTag.objects.filter(name=OuterRef("name"), keys__status=KeyLifecycle.ACTIVE)
    tag_names = KeyTag.objects.order_by().values("name").annotate(tags=Count("pk"))
    # The comparison with the count, always false, makes this a condition of the group.
    return tag_names.filter(Q(tags=0) | Exists(tags_in_use))


def _all_owners() -> QuerySet[User]:
    # There are fewer people than keys.
    owned_keys = ApiKey.objects.filter(owner=OuterRef("pk"), status=KeyLifecycle.ACTIVE)
    return User.objects.filter(Exists(owned_keys))
