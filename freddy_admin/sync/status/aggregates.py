"""Aggregates over all keys a person sees: one query, however many keys there are."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateTimeField,
    F,
    Max,
    Min,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)

from freddy_admin.accounts.models import User
from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core.compiled_queries import (
    LimitedQuery,
    Param,
    compiled_query_fetch,
    transform_value_or_param,
)
from freddy_admin.organisations.access import ADMIN_AUDIENCE, Audience, audience_for
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.moves import waiting_counts, waiting_totals
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    OverviewFilters,
    effective_state_expression,
    expiring_soon_cutoff,
    expiring_soon_q,
    expiry_urgent_q,
    figures_current_q,
    overview_filters_q,
    sync_statuses_visible,
)
from freddy_admin.sync.status.refused_alike import RefusedGroup
from freddy_admin.vault.master_key_state import MasterKeyFit
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import undecided_candidates

MASTER_KEY_FAULTS = frozenset({MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED})
MIN_FAILING_KEYS = 3
MAX_GROUPS_SHOWN = 3
MIN_IDENTICAL_CHECKS = 3
StateAggregate = dict[str, Any]


class Outage(StrEnum):
    """The kinds of failure that many keys share when it is not the keys' fault."""

    NO_CONNECTION = "no_connection"
    TIMED_OUT = "timed_out"
    SERVER_ERROR = "server_error"
    FIREWALL = "firewall"


OUTAGE_FAILURE_KINDS: Mapping[Outage, tuple[FailureKind, ...]] = {
    Outage.NO_CONNECTION: (
        FailureKind.NAME_NOT_FOUND,
        FailureKind.CONNECTION_REFUSED,
        FailureKind.UNREACHABLE,
        FailureKind.CONNECTION_LOST,
        FailureKind.CONNECT_TIMEOUT,
        FailureKind.TLS,
        FailureKind.PROXY_REFUSED,
        FailureKind.PROXY_FAILED,
    ),
    Outage.TIMED_OUT: (FailureKind.READ_TIMEOUT, FailureKind.TOTAL_TIMEOUT),
    Outage.SERVER_ERROR: (FailureKind.SERVER_ERROR,),
    Outage.FIREWALL: (FailureKind.FIREWALL,),
}
# Of all keys and of the latest worker, the same in each group.
# `undecided` is the number of some new secret that waits for a decision.
_UNGROUPED_VALUES = (
    *("latest_check", "next_check", "heartbeat", "master_key_fit", "copied_from", "undecided"),
    "message_fault",
)
_WAITING_COLUMNS = ("waiting", "waiting_matching", "alike", "alike_matching")
RefusedGroups = Sequence[RefusedGroup]
_FAILURE_COLUMNS = tuple(f"failing_{kind}" for kind in OUTAGE_FAILURE_KINDS)


@dataclass(frozen=True, slots=True)
class SharedSyncGroup:
    """Keys in view that report the very same sync."""

    figures_digest: str  # of their figures
    keys: int
    organisations: int
    names: tuple[str, ...]  # of two of these organisations, or of the only one


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
        "outage": shared_outage(
            unpaused=sum(
                group["total"] for state, group in sorted_groups if state != HealthState.PAUSED
            ),
            failing={
                kind: sum(group[f"failing_{kind}"] for group in groups)
                for kind in OUTAGE_FAILURE_KINDS
            },
        ),
    }


def _aggregates_by_state(
    user: User, filters: OverviewFilters, now: datetime, refused_groups: RefusedGroups
) -> dict[HealthState, dict[str, Any]]:
    groups: Iterable[dict[str, Any]]
    compilable_filters = filters.compilable_part(states=(), sort="state")
    if compilable_filters is None:
        groups = _aggregates_query(user, filters, now, refused_groups)
    elif compilable_filters == OverviewFilters() and user.is_platform_admin:
        return all_keys_aggregates(now=now, refused_groups=refused_groups)
    else:
        param_values = {"person": user.pk, "now": now}
        groups = compiled_query_fetch(
            _aggregates_query,
            audience_for(user),
            compilable_filters,
            NOW_PARAM,
            refused_groups,
            param_values=param_values,
        )
    return {HealthState(group["effective"]): group for group in groups}


def _aggregates_query(
    user: User | Audience,
    filters: OverviewFilters,
    now: datetime | Param,
    refused_groups: RefusedGroups = (),
) -> QuerySet[Any, Any]:
    heartbeats = WorkerHeartbeat.objects.order_by("-heartbeat_at")
    failing: dict[str, Any] = {
        f"failing_{outage}": Count(
            "pk", filter=recent_failure_q(outage, now) & Q(key__paused_at=None)
        )
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
    """The aggregates of all keys by effective state, in one query that an index alone answers.

    Every key is counted by the state it is stored with; the few that are paused or stop working
    soon are then corrected one by one. Only keys in use have a row: `sync.key_lifecycle` sees to
    that. A test compares these aggregates with those of `_aggregates_query`. What is not counted
    per state, from the latest check to the workers, stands in the first group.
    """
    rows = compiled_query_fetch(_all_keys_query, refused_groups, param_values={"now": now})
    counts, urgent, totals = Counter[HealthState](), Counter[HealthState](), Counter[str]()
    for row in rows:
        state, effective = HealthState(row["state"]), HealthState(row["effective"])
        urgent[effective] += row["urgent"]
        totals["expiring"] += row["expiring"]
        sign = 1 if not row["is_exceptional"] else -1 if effective is HealthState.PAUSED else 0
        counts[state] += sign * (row["keys"] - row["aged"])
        counts[HealthState.UNKNOWN] += sign * row["aged"]
        totals.update({name: sign * row[name] for name in _FAILURE_COLUMNS})
        if sign < 0:
            counts[HealthState.PAUSED] += row["keys"]
    groups = {
        state: _build_state_aggregate(keys, urgent[state]) for state, keys in counts.items() if keys
    }
    stored_rows = [row for row in rows if not row["is_exceptional"]]
    for group in list(groups.values())[:1]:
        group |= totals
        for name in _UNGROUPED_VALUES:
            group[name] = max(
                (row[name] for row in stored_rows if row[name] is not None), default=None
            )
        for name in ("waiting", "alike"):
            group[name] = group[f"{name}_matching"] = max(row[name] for row in stored_rows)
    return groups


def _build_state_aggregate(keys: int, urgent: int) -> StateAggregate:
    counts = {"total": keys, "matching": keys, "urgent": urgent, "urgent_matching": urgent}
    ungrouped = dict.fromkeys(_UNGROUPED_VALUES)
    zeros = dict.fromkeys((*_FAILURE_COLUMNS, *_WAITING_COLUMNS), 0)
    return {**counts, "expiring": 0, **zeros, **ungrouped}


def _any_undecided_candidate() -> Subquery:
    """Of whichever organisation: a hint that decisions are worth a query, and no more."""
    return Subquery(undecided_candidates().order_by().values("pk")[:1])


def _all_keys_query(refused_groups: RefusedGroups) -> QuerySet[Any, Any]:
    # Nothing but columns of the index `sync_states`, so that no row is read.
    stored = SyncStatus.objects.annotate(is_exceptional=Value(0), effective=F("state"))
    # By their numbers, each part from an index of its own: an OR over both tables reads all rows.
    paused_keys = ApiKey.objects.filter(paused_at__isnull=False).values("pk")
    expiring_keys = ApiKey.objects.filter(expires_on__lte=expiring_soon_cutoff(NOW_PARAM)).values(
        "pk"
    )
    exceptional = SyncStatus.objects.filter(key__in=paused_keys.union(expiring_keys))
    exceptional = exceptional.annotate(
        is_exceptional=Value(1), effective=effective_state_expression(NOW_PARAM)
    )
    urgent = Count("state", filter=expiry_urgent_q(NOW_PARAM))
    expiring = Count("state", filter=expiring_soon_q(NOW_PARAM))
    totals = waiting_totals(
        refused_groups, user=ADMIN_AUDIENCE, now=NOW_PARAM, urgent=expiry_urgent_q(NOW_PARAM)
    )
    stored_aggregates = _aggregate_by_state(stored, urgent=Value(0), expiring=Value(0), **totals)
    nothing = dict.fromkeys(totals, Value(0))
    combined: QuerySet[Any, Any] = stored_aggregates.union(
        _aggregate_by_state(exceptional, urgent=urgent, expiring=expiring, **nothing), all=True
    )
    return combined


def _aggregate_by_state(rows: QuerySet[Any, Any], **annotations: Any) -> QuerySet[Any, Any]:
    heartbeats = WorkerHeartbeat.objects.order_by("-heartbeat_at")
    unpaused = SyncStatus.objects.filter(key__paused_at=None).order_by("next_check_at")
    aggregates: QuerySet[Any, Any] = (
        rows.values("is_exceptional", "state", "effective")
        .annotate(
            keys=Count("state"),
            aged=Count("state", filter=Q(unknown_at__lt=NOW_PARAM)),
            latest_check=Max("checked_at"),
            next_check=Subquery(unpaused.values("next_check_at")[:1]),
            heartbeat=Subquery(heartbeats.values("heartbeat_at")[:1]),
            master_key_fit=Subquery(heartbeats.values("master_key_state")[:1]),
            copied_from=Subquery(heartbeats.values("copied_from")[:1]),
            message_fault=Subquery(heartbeats.values("message_fault")[:1]),
            undecided=_any_undecided_candidate(),
            **{
                f"failing_{outage}": Count("state", filter=recent_failure_q(outage, NOW_PARAM))
                for outage in OUTAGE_FAILURE_KINDS
            },
            **annotations,
        )
        .order_by()
    )
    return aggregates


def recent_failure_q(outage: Outage, now: datetime | Param) -> Q:
    """Rows whose latest check, in the last check period, failed like this."""
    # In the order of what rules out most, for it is worked out for every row.
    since = transform_value_or_param(now, _one_period_before, DateTimeField())
    return (
        Q(error_kind__gt="")
        & Q(error_kind__in=OUTAGE_FAILURE_KINDS[outage])
        & Q(checked_at__gte=since)
    )


def _one_period_before(now: datetime) -> datetime:
    return now - check_policy().period


def shared_outage(*, unpaused: int, failing: Mapping[Outage, int]) -> Outage | None:
    """The failure that at least half of the unpaused keys share, and at least three of them.

    `failing` counts keys by the kind of their latest check, where that is a check period old at
    most. Each key still follows the health rule; only the notice is shared.
    """
    for outage, keys in sorted(failing.items(), key=lambda item: -item[1]):
        if keys >= MIN_FAILING_KEYS and 2 * keys >= unpaused:
            return outage
    return None


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
            keys=row["keys"],
            organisations=row["organisations"],
            names=(row["first_name"], row["last_name"])
            if row["organisations"] > 1
            else (row["first_name"],),
        )
        for row in rows
    ]
    return groups, rows[0]["group_count"] - len(groups) if rows else 0


def _shared_sync_groups_queryset(audience: Audience) -> QuerySet[Any, Any]:
    # The digests of everybody's keys, from their index alone: most occur once.
    repeated_digests = SyncStatus.objects.exclude(figures_digest="").values("figures_digest")
    repeated_digests = (
        repeated_digests.annotate(keys=Count("pk")).filter(keys__gte=2).values("figures_digest")
    )
    is_proven = Q(min_check_count__gte=MIN_IDENTICAL_CHECKS) | Q(
        min_previous_digest=F("max_previous_digest")
    ) & ~Q(min_previous_digest="")
    groups: QuerySet[Any, Any] = (
        sync_statuses_visible(user=audience, now=NOW_PARAM)
        .filter(figures_current_q(NOW_PARAM), figures_digest__in=repeated_digests)
        .values("figures_digest")
        .annotate(
            keys=Count("pk"),
            min_check_count=Min("figures_check_count"),
            min_previous_digest=Min("previous_figures_digest"),
            max_previous_digest=Max("previous_figures_digest"),
            organisations=Count("organisation", distinct=True),
            first_name=Min("organisation__name"),
            last_name=Max("organisation__name"),
        )
        .filter(is_proven, keys__gte=2)
        .annotate(group_count=Window(Count("*")))
        .order_by("-keys", "first_name", "figures_digest")
    )
    return groups
