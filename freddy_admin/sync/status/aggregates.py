"""Aggregates over all keys a person sees: one query, however many keys there are."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import (
    Case,
    Count,
    Max,
    Min,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from freddy_admin.accounts.audience import Audience, audience_for
from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import Param, compiled_query_fetch
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, STATES_WORST_FIRST, HealthState
from freddy_admin.sync.models import WorkerHeartbeat
from freddy_admin.sync.status.all_keys_aggregates import all_keys_aggregates
from freddy_admin.sync.status.key_expiry import expiring_soon_q, expiry_urgent_q
from freddy_admin.sync.status.outage import OUTAGE_FAILURE_KINDS, recent_failure_q, shared_outage
from freddy_admin.sync.status.queries import NOW_PARAM, overview_filters_q, sync_statuses_visible
from freddy_admin.sync.status.types import OverviewFilters
from freddy_admin.vault.master_key_state import MasterKeyFit

MASTER_KEY_FAULTS = frozenset({MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED})


def overview_aggregates(*, user: User, filters: OverviewFilters, now: datetime) -> dict[str, Any]:
    """Aggregates of all keys in view, and of those that the filters (without the states) leave."""
    groups_by_state = _aggregates_by_state(user, filters, now)
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
        "checked_at": _min_or_max_moment(max, [group["latest_check"] for group in groups]),
        "next_check_at": _min_or_max_moment(min, [group["next_check"] for group in groups]),
        "latest_worker_heartbeat_at": _min_or_max_moment(
            max, [group["heartbeat"] for group in groups]
        ),
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
    user: User, filters: OverviewFilters, now: datetime
) -> dict[HealthState, dict[str, Any]]:
    groups: Iterable[dict[str, Any]]
    compilable_filters = filters.compilable_part(states=(), sort="state")
    if compilable_filters is None:
        groups = _aggregates_query(user, filters, now)
    elif compilable_filters == OverviewFilters() and user.is_platform_admin:
        return all_keys_aggregates(now=now)
    else:
        param_values = {"person": user.pk, "now": now}
        groups = compiled_query_fetch(
            _aggregates_query,
            audience_for(user),
            compilable_filters,
            NOW_PARAM,
            param_values=param_values,
        )
    return {HealthState(group["effective"]): group for group in groups}


def _aggregates_query(
    user: User | Audience, filters: OverviewFilters, now: datetime | Param
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
            next_check=Min("next_check_at", filter=Q(key__paused_at=None)),
            heartbeat=Subquery(heartbeats.values("heartbeat_at")[:1]),
            master_key_fit=Subquery(heartbeats.values("master_key_state")[:1]),
            **failing,
        )
        .order_by()
    )
    return groups


def _min_or_max_moment(pick: Any, moments: list[datetime | None]) -> datetime | None:
    known_moments = [moment for moment in moments if moment is not None]
    return pick(known_moments) if known_moments else None
