"""Aggregates over all keys a person sees: one query, however many keys there are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    F,
    Max,
    Min,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
    Window,
)

from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    compiled_query_fetch_all,
)
from freddy_admin.organisations.access import Audience, audience_for
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.models import OrganisationFigures, PanelFigures, WorkerHeartbeat
from freddy_admin.sync.status.all_keys_queries import (
    FAILURE_COLUMNS,
    aged_states_query,
    counted_states_query,
    exceptional_keys_query,
    failing_keys_query,
    latest_check_query,
    latest_heartbeat_query,
    next_check_query,
    uncounted_states_query,
    undecided_query,
)
from freddy_admin.sync.status.moves import alike_keys_query, waiting_counts, waiting_keys_query
from freddy_admin.sync.status.outage import (
    MIN_FAILING_KEYS,
    OUTAGE_FAILURE_KINDS,
    Outage,
    failure_q,
    most_shared_outage,
    shared_outage_get,
)
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    OverviewFilters,
    expiring_soon_q,
    expiry_urgent_q,
    overview_filters_q,
    sync_statuses_visible,
)
from freddy_admin.sync.status.refused_alike import RefusedGroup, rows_count
from freddy_admin.sync.status.shared_figures import MIN_IDENTICAL_CHECKS
from freddy_admin.vault.master_key_state import MasterKeyFit
from freddy_admin.vault.selectors import undecided_candidates

MASTER_KEY_FAULTS = frozenset({MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED})
MAX_GROUPS_SHOWN = 3
StateAggregate = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SharedSyncGroup:
    """Keys in view that report the very same sync."""

    figures_digest: str  # of their figures
    keys: int
    organisations: int
    names: tuple[str, ...]  # of two of these organisations, or of the only one


# Of all keys and of the latest worker, the same in each group.
# `undecided` is the number of some new secret that waits for a decision.
_UNGROUPED_VALUES = (
    *("latest_check", "next_check", "heartbeat", "master_key_fit", "copied_from", "undecided"),
    "message_fault",
)
_WAITING_COLUMNS = ("waiting", "waiting_matching", "alike", "alike_matching")
# Of the keys that the filters leave.
_MATCHING_COLUMNS = (
    "matching",
    "urgent_matching",
    "expiring",
    "waiting_matching",
    "alike_matching",
)
RefusedGroups = Sequence[RefusedGroup]


def overview_aggregates(
    *, user: User, filters: OverviewFilters, now: datetime, refused_groups: RefusedGroups = ()
) -> dict[str, Any]:
    """Aggregates of all keys in view, and of those that the filters (without the states) leave."""
    # Without their numbers, which no query asks for: another number is no other query.
    compiled_groups = tuple(replace(group, keys=0) for group in refused_groups)
    groups_by_state = _aggregates_by_state(user, filters, now, compiled_groups)
    sorted_groups = [
        (state, groups_by_state[state]) for state in STATES_WORST_FIRST if state in groups_by_state
    ]
    groups_needing_nobody = [
        group for state, group in sorted_groups if state not in STATES_NEEDING_ACTION
    ]
    groups = [group for __, group in sorted_groups]
    return {
        "counts": {state: group["matching"] for state, group in sorted_groups if group["matching"]},
        "all_counts": {state: group["total"] for state, group in sorted_groups},
        "urgent_counts": {state: group["urgent"] for state, group in sorted_groups},
        "urgent": sum(group["urgent"] for group in groups_needing_nobody),
        "urgent_matching": sum(group["urgent_matching"] for group in groups_needing_nobody),
        "expiring": sum(group["expiring"] for group in groups),
        **{name: sum(group[name] for group in groups) for name in _WAITING_COLUMNS},
        "checked_at": _min_or_max_moment(max, [group["latest_check"] for group in groups]),
        "next_check_at": _min_or_max_moment(min, [group["next_check"] for group in groups]),
        "latest_worker_heartbeat_at": _min_or_max_moment(
            max, [group["heartbeat"] for group in groups]
        ),
        "copied_from": next((group["copied_from"] for group in groups if group["copied_from"]), ""),
        "message_fault": next((g["message_fault"] for g in groups if g["message_fault"]), ""),
        "has_undecided": not groups or any(group["undecided"] for group in groups),
        "master_key_fault": any(group["master_key_fit"] in MASTER_KEY_FAULTS for group in groups),
        "outage": _outage_in_view(user, dict(sorted_groups), now),
    }


def _aggregates_by_state(
    user: User, filters: OverviewFilters, now: datetime, refused_groups: RefusedGroups
) -> dict[HealthState, dict[str, Any]]:
    compilable_filters = filters.compilable_part(states=(), sort="state")
    all_groups: dict[HealthState, StateAggregate] = {}
    build = _aggregates_query
    if user.is_platform_admin:
        all_groups = all_keys_aggregates(now=now, refused_groups=refused_groups)
        if compilable_filters == OverviewFilters():
            return all_groups
        build = _matching_aggregates_query
    groups: Iterable[dict[str, Any]]
    if compilable_filters is None:
        groups = build(user, filters, now, refused_groups)
    else:
        groups = compiled_query_fetch(
            build,
            audience_for(user),
            compilable_filters,
            NOW_PARAM,
            refused_groups,
            param_values={"person": user.pk, "now": now, **filters.search_params},
        )
    groups_by_state = {HealthState(group["effective"]): group for group in groups}
    if not user.is_platform_admin:
        return groups_by_state
    for state in groups_by_state.keys() - all_groups.keys():  # a check came between
        all_groups[state] = _build_state_aggregate(0, 0)
    nothing = dict.fromkeys(_MATCHING_COLUMNS, 0)
    return {
        state: group | nothing | groups_by_state.get(state, {})
        for state, group in all_groups.items()
    }


def _matching_aggregates_query(
    user: User | Audience,
    filters: OverviewFilters,
    now: datetime | Param,
    refused_groups: RefusedGroups = (),
) -> QuerySet[Any, Any]:
    """Of the keys that the filters leave alone: the others are not even looked at."""
    urgent = expiry_urgent_q(now)
    rows = sync_statuses_visible(user=user, now=now)
    waiting = waiting_counts("pk", refused_groups, user=user, now=now, urgent=urgent)
    matching = rows.filter(overview_filters_q(filters, user=user, now=now)).order_by()
    groups: QuerySet[Any, Any] = matching.values("effective").annotate(
        matching=Count("pk"),
        urgent_matching=Count("pk", filter=urgent),
        expiring=Count("pk", filter=expiring_soon_q(now)),
        waiting_matching=waiting["waiting_matching"],
        alike_matching=waiting["alike_matching"],
    )
    return groups


def _aggregates_query(
    user: User | Audience,
    filters: OverviewFilters,
    now: datetime | Param,
    refused_groups: RefusedGroups = (),
) -> QuerySet[Any, Any]:
    heartbeats = WorkerHeartbeat.objects.order_by("-heartbeat_at")
    failing: dict[str, Any] = {
        f"failing_{outage}": Count("pk", filter=failure_q(outage) & Q(key__paused_at=None))
        for outage in OUTAGE_FAILURE_KINDS
    }
    rows, matches = sync_statuses_visible(user=user, now=now), "pk"
    filters_q = overview_filters_q(filters, user=user, now=now)
    if filters_q:
        rows, matches = (
            rows.annotate(matches=Case(When(filters_q, then=Value(1)), default=None)),
            "matches",
        )
    groups: QuerySet[Any, Any] = (
        rows.values("effective")
        .annotate(
            total=Count("pk"),
            matching=Count(matches),
            latest_check=Max("checked_at"),
            urgent=Count("pk", filter=expiry_urgent_q(now)),
            urgent_matching=Count(matches, filter=expiry_urgent_q(now)),
            expiring=Count(matches, filter=expiring_soon_q(now)),
            **waiting_counts(
                matches, refused_groups, user=user, now=now, urgent=expiry_urgent_q(now)
            ),
            next_check=Min("next_check_at", filter=Q(key__paused_at=None)),
            heartbeat=Subquery(heartbeats.values("heartbeat_at")[:1]),
            master_key_fit=Subquery(heartbeats.values("master_key_state")[:1]),
            copied_from=Subquery(heartbeats.values("copied_from")[:1]),
            message_fault=Subquery(heartbeats.values("message_fault")[:1]),
            undecided=_any_undecided_candidate(),
            **failing,
        )
        .order_by()
    )
    return groups


def _min_or_max_moment(pick: Any, moments: list[datetime | None]) -> datetime | None:
    known_moments = [moment for moment in moments if moment is not None]
    return pick(known_moments) if known_moments else None


def all_keys_aggregates(
    *, now: datetime, refused_groups: RefusedGroups = ()
) -> dict[HealthState, StateAggregate]:
    """The aggregates of all keys by effective state, in one query that reads few of them.

    The worker's counts, corrected by the keys whose state has changed since, and by the few that
    are paused or stop working soon. Only keys in use have a row: `sync.key_lifecycle` sees to
    that. A test compares these aggregates with those of `_aggregates_query`. What is not counted
    per state stands in the first group.
    """
    counted, uncounted, aged, failing, exceptional, waiting, *singles = compiled_query_fetch_all(
        _all_keys_queries(refused_groups), param_values={"now": now}
    )
    alike = singles.pop() if refused_groups else []
    counts, urgent, totals = Counter[str](), Counter[HealthState](), Counter[str]()
    for row in counted:
        counts[row["state"]] += row["keys"]
    for row in uncounted:
        counts[row["state"]] += row["keys"]
        counts[row["counted_state"]] -= row["keys"]
    for row in aged:
        counts[row["state"]] -= row["aged"]
        counts[HealthState.UNKNOWN] += row["aged"]
    totals.update({name: row[name] for row in failing for name in FAILURE_COLUMNS})
    for row in exceptional:
        effective = HealthState(row["effective"])
        urgent[effective] += row["urgent"]
        totals["expiring"] += row["expiring"]
        if effective is HealthState.PAUSED:
            counts[row["state"]] -= row["keys"] - row["aged"]
            counts[HealthState.UNKNOWN] -= row["aged"]
            counts[HealthState.PAUSED] += row["keys"]
            totals.subtract({name: row[name] for name in FAILURE_COLUMNS})
    for name, rows in (("waiting", waiting), ("alike", alike)):
        totals[name] = totals[f"{name}_matching"] = sum(row["keys"] for row in rows)
    del counts[""]  # of keys that were not counted yet
    groups = {
        HealthState(state): _build_state_aggregate(keys, urgent[HealthState(state)])
        for state, keys in counts.items()
        if keys > 0
    }
    for group in list(groups.values())[:1]:
        group |= totals
        for single in (row for rows in singles for row in rows):
            group |= single
    return groups


def _build_state_aggregate(keys: int, urgent: int) -> StateAggregate:
    counts = {"total": keys, "matching": keys, "urgent": urgent, "urgent_matching": urgent}
    ungrouped = dict.fromkeys(_UNGROUPED_VALUES)
    zeros = dict.fromkeys((*FAILURE_COLUMNS, *_WAITING_COLUMNS), 0)
    return {**counts, "expiring": 0, **zeros, **ungrouped}


def _any_undecided_candidate() -> Subquery:
    """Of whichever organisation: a hint that decisions are worth a query, and no more."""
    return Subquery(undecided_candidates().order_by().values("pk")[:1])


def _all_keys_queries(refused_groups: RefusedGroups) -> list[LimitedQuery]:
    """In the order in which `all_keys_aggregates` takes their rows."""
    groups = 4 * len(HealthState) ** 2  # more than there can be
    return [
        LimitedQuery(counted_states_query, (), groups),
        LimitedQuery(uncounted_states_query, (), groups),
        LimitedQuery(aged_states_query, (), groups),
        LimitedQuery(failing_keys_query, (), 1),
        LimitedQuery(exceptional_keys_query, (), groups),
        LimitedQuery(waiting_keys_query, (refused_groups, NOW_PARAM), 1),
        LimitedQuery(latest_check_query, (), 1),
        LimitedQuery(next_check_query, (), 1),
        LimitedQuery(latest_heartbeat_query, (), 1),
        LimitedQuery(undecided_query, (), 1),
        # Without groups there is nothing to ask.
        *(
            [LimitedQuery(alike_keys_query, (refused_groups, NOW_PARAM), 1)]
            if refused_groups
            else []
        ),
    ]


def _outage_in_view(
    user: User, groups: Mapping[HealthState, StateAggregate], now: datetime
) -> Outage | None:
    """The outage of the keys in view; a query of its own only where so many failed at all."""
    unpaused = sum(group["total"] for state, group in groups.items() if state != HealthState.PAUSED)
    failing = {
        outage: sum(group[f"failing_{outage}"] for group in groups.values())
        for outage in OUTAGE_FAILURE_KINDS
    }
    if max(failing.values()) < MIN_FAILING_KEYS or most_shared_outage(unpaused, failing) is None:
        return None
    return shared_outage_get(now=now, user=user)


def shared_sync_groups_query(*, user: User) -> LimitedQuery:
    """The query for the largest groups of keys in view that report the same sync."""
    return LimitedQuery(_shared_sync_groups_queryset, (audience_for(user),), MAX_GROUPS_SHOWN)


def shared_sync_groups_from_rows(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[list[SharedSyncGroup], int]:
    """The groups that `shared_sync_groups_query` found, and how many more there are.

    A group counts where every key in it has brought these figures three times in a row, or where
    all had the same ones before: they moved together.
    """
    groups = [
        SharedSyncGroup(
            figures_digest=row["figures_digest"],
            keys=row["seen_keys"],
            organisations=row["organisations"],
            names=(row["first_name"], row["last_name"])
            if row["organisations"] > 1
            else (row["first_name"],),
        )
        for row in rows
    ]
    return groups, rows[0]["group_count"] - len(groups) if rows else 0


def _shared_sync_groups_queryset(audience: Audience) -> QuerySet[Any, Any]:
    columns = ("figures_digest", "seen_keys", "organisations", "first_name", "last_name")
    is_current = Q(current_until__gte=NOW_PARAM)
    groups: QuerySet[Any, Any]
    if audience.is_platform_admin:
        current = PanelFigures.objects.filter(is_current)
        # Not over a window, which would read the whole of every group for the first three.
        groups = current.annotate(
            seen_keys=F("keys"), group_count=rows_count(PanelFigures.objects.filter(is_current))
        )
        ordered: QuerySet[Any, Any] = groups.order_by("-keys", "first_name", "figures_digest")
        return ordered.values(*columns, "group_count")
    groups = (
        OrganisationFigures.objects.filter(is_current, organisation__memberships__user=audience.pk)
        .values("figures_digest")
        .annotate(
            seen_keys=Sum("keys"),
            organisations=Count("pk"),
            first_name=Min("organisation__name"),
            last_name=Max("organisation__name"),
            least_checks=Min("min_check_count"),
            least_digest=Min("min_previous_digest"),
            greatest_digest=Max("max_previous_digest"),
        )
        .filter(
            Q(least_checks__gte=MIN_IDENTICAL_CHECKS)
            | (Q(least_digest=F("greatest_digest")) & ~Q(least_digest="")),
            seen_keys__gte=2,
        )
        .annotate(group_count=Window(Count("*")))
        .order_by("-seen_keys", "first_name", "figures_digest")
    )
    return groups
