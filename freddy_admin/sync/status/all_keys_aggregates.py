"""Aggregates over all keys of the panel, for those who see them all: read from an index alone.

Every key is counted by the state it is stored with; the few that are paused or stop working soon
are then corrected one by one. Only keys in use have a row: `sync.key_lifecycle` sees to that. A
test compares these aggregates with those of `sync.status.aggregates`, which reads every row.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Subquery, Value

from freddy_admin.core.compiled_queries import compiled_query_fetch
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.key_expiry import (
    expiring_soon_cutoff,
    expiring_soon_q,
    expiry_urgent_q,
)
from freddy_admin.sync.status.outage import OUTAGE_FAILURE_KINDS, recent_failure_q
from freddy_admin.sync.status.queries import NOW_PARAM, effective_state_expression
from freddy_admin.vault.models import ApiKey

StateAggregate = dict[str, Any]
_FAILURE_COLUMNS = tuple(f"failing_{kind}" for kind in OUTAGE_FAILURE_KINDS)


def all_keys_aggregates(*, now: datetime) -> dict[HealthState, StateAggregate]:
    """The aggregates of all keys by effective state, in one query.

    What is not counted per state, from the latest check to the workers, stands in the first group.
    """
    rows = compiled_query_fetch(_all_keys_query, param_values={"now": now})
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
        for name in ("latest_check", "next_check", "heartbeat", "master_key_fit"):
            group[name] = max(
                (row[name] for row in stored_rows if row[name] is not None), default=None
            )
    return groups


def _build_state_aggregate(keys: int, urgent: int) -> StateAggregate:
    counts = {"total": keys, "matching": keys, "urgent": urgent, "urgent_matching": urgent}
    moments = dict.fromkeys(("latest_check", "next_check", "heartbeat", "master_key_fit"))
    return {**counts, "expiring": 0, **dict.fromkeys(_FAILURE_COLUMNS, 0), **moments}


def _all_keys_query() -> QuerySet[Any, Any]:
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
    stored_aggregates = _aggregate_by_state(stored, urgent=Value(0), expiring=Value(0))
    combined: QuerySet[Any, Any] = stored_aggregates.union(
        _aggregate_by_state(exceptional, urgent=urgent, expiring=expiring), all=True
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
            **{
                f"failing_{outage}": Count("state", filter=recent_failure_q(outage, NOW_PARAM))
                for outage in OUTAGE_FAILURE_KINDS
            },
            **annotations,
        )
        .order_by()
    )
    return aggregates
