"""Metrics of the panel as a whole for monitoring: seven queries, and no name of anybody."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q

from freddy_admin.conf.api_environments import api_environments
from freddy_admin.sync.checks.budget import budgets_today
from freddy_admin.sync.models import (
    ApiHealth,
    CheckCounter,
    RemoteOperation,
    SyncStatus,
    WorkerHeartbeat,
)
from freddy_admin.sync.platform_status import api_healths_list, is_worker_alive
from freddy_admin.sync.status.aggregates import MASTER_KEY_FAULTS
from freddy_admin.sync.status.queries import effective_state_expression
from freddy_admin.sync.status.refused_alike import refused_groups_list
from freddy_admin.vault.models import KeyLifecycle

LabelPair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ApiMetrics:
    """Whether one environment's API answers; seconds, None where it was not asked yet."""

    environment: str
    reachable: bool | None
    components_not_well: int | None
    age: float | None
    answer_seconds: float | None


@dataclass(frozen=True, slots=True)
class PlatformMetrics:
    """The panel at one moment; ages are seconds, None where there is nothing to be old."""

    states: Counter[str]
    latest_checks: Counter[LabelPair]  # outcome, kind of failure
    oldest_check_age: float | None
    due: int
    longest_due_age: float | None
    checks: dict[LabelPair, int]
    operations: Counter[LabelPair]  # kind, state
    workers_alive: int
    latest_heartbeat_age: float | None
    master_key_faults: int
    apis: list[ApiMetrics]
    missing_environments: Counter[str]  # keys of environments that are not set up
    calls_today: int
    stretched_groups: int
    stretched_keys: int
    refused_alike: Counter[int]  # keys that are refused in the same way, by HTTP status


def platform_metrics(*, now: datetime) -> PlatformMetrics:
    """The panel's metrics at `now`, over all organisations."""
    groups = list(_key_counts_by_state_and_outcome(now))
    heartbeats = list(WorkerHeartbeat.objects.all())
    states, checks, missing = Counter[str](), Counter[LabelPair](), Counter[str]()
    calls = budgets_today(now=now, limit=0)
    for group in groups:
        states[group["effective"]] += group["keys"]
        if group["key__environment"] not in api_environments():
            missing[group["key__environment"]] += group["keys"]
        if group["outcome"]:
            checks[group["outcome"], group["error_kind"]] += group["keys"]
    return PlatformMetrics(
        states=states,
        latest_checks=checks,
        oldest_check_age=_seconds_since_earliest(now, [group["oldest"] for group in groups]),
        due=sum(group["due"] for group in groups),
        longest_due_age=_seconds_since_earliest(now, [group["due_since"] for group in groups]),
        checks={
            (outcome, kind): times
            for outcome, kind, times in CheckCounter.objects.values_list("outcome", "kind", "times")
        },
        operations=_operation_counts(),
        workers_alive=sum(is_worker_alive(heartbeat, now=now) for heartbeat in heartbeats),
        latest_heartbeat_age=_seconds_since_earliest(
            now, [max((heartbeat.heartbeat_at for heartbeat in heartbeats), default=None)]
        ),
        master_key_faults=sum(
            heartbeat.master_key_state in MASTER_KEY_FAULTS for heartbeat in heartbeats
        ),
        apis=[_api_metrics(name.name, health, now) for name, health in api_healths_list()],
        missing_environments=missing,
        calls_today=calls.calls,
        stretched_groups=calls.stretched_groups,
        stretched_keys=sum(group["stretched"] for group in groups),
        refused_alike=_refused_alike_counts(),
    )


def _api_metrics(environment: str, api: ApiHealth | None, now: datetime) -> ApiMetrics:
    if api is None:
        return ApiMetrics(environment, None, None, None, None)
    return ApiMetrics(
        environment,
        api.reachable,
        len(api.components),
        _seconds_since_earliest(now, [api.checked_at]),
        api.elapsed_ms / 1000 if api.elapsed_ms is not None else None,
    )


def _key_counts_by_state_and_outcome(now: datetime) -> Any:
    is_unpaused = Q(key__paused_at=None)
    period = settings.STATUS_CHECK_SECONDS
    is_due = (
        is_unpaused & Q(next_check_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lte=now))
    )
    return (
        SyncStatus.objects.filter(key__status=KeyLifecycle.ACTIVE)
        .annotate(effective=effective_state_expression(now))
        .values("effective", "outcome", "error_kind", "key__environment")
        .annotate(
            keys=Count("pk"),
            stretched=Count("pk", filter=is_unpaused & Q(check_period_seconds__gt=period)),
            oldest=Min("checked_at", filter=is_unpaused),
            due=Count("pk", filter=is_due),
            due_since=Min("next_check_at", filter=is_due),
        )
        .order_by()
    )


def _refused_alike_counts() -> Counter[int]:
    counts = Counter[int]()
    for group in refused_groups_list():
        counts[group.http_status] += group.keys
    return counts


def _operation_counts() -> Counter[LabelPair]:
    rows = (
        RemoteOperation.objects.values_list("kind", "state").annotate(number=Count("pk")).order_by()
    )
    return Counter({(kind, state): count for kind, state, count in rows})


def _seconds_since_earliest(now: datetime, moments: list[datetime | None]) -> float | None:
    known_moments = [moment for moment in moments if moment is not None]
    # Our clock may have been set back: nothing is younger than now.
    return max(0.0, (now - min(known_moments)).total_seconds()) if known_moments else None
