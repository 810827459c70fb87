"""The queries that `aggregates.all_keys_aggregates` sums up; each reads few rows, or an index."""

from typing import Any

from django.db.models import Count, F, Q, QuerySet, Value

from freddy_admin.sync.health_states import STATES_WORST_FIRST
from freddy_admin.sync.models import StateCount, SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.outage import OUTAGE_FAILURE_KINDS, failure_q
from freddy_admin.sync.status.queries import (
    NOW_PARAM,
    effective_state_expression,
    expiring_soon_cutoff,
    expiring_soon_q,
    expiry_urgent_q,
)
from freddy_admin.vault.models import ApiKey
from freddy_admin.vault.selectors import undecided_candidates

FAILURE_COLUMNS = tuple(f"failing_{kind}" for kind in OUTAGE_FAILURE_KINDS)


def counted_states_query() -> QuerySet[Any, Any]:
    """How many keys had each state when the worker last counted."""
    return StateCount.objects.values("state", "keys")


def uncounted_states_query() -> QuerySet[Any, Any]:
    """The keys whose state has changed since, by the one that they were counted with."""
    changed = SyncStatus.objects.filter(~Q(state=F("counted_state")))
    return changed.values("state", "counted_state").annotate(keys=Count("pk")).order_by()


def aged_states_query() -> QuerySet[Any, Any]:
    """The keys whose stored state is unknown by now."""
    # With the states, of which there are no others: a range of the index for each.
    aged = SyncStatus.objects.filter(state__in=STATES_WORST_FIRST, unknown_at__lt=NOW_PARAM)
    return aged.values("state").annotate(aged=Count("pk")).order_by()


def failing_keys_query() -> QuerySet[Any, Any]:
    """How many keys failed in each way that many may share."""
    failing = SyncStatus.objects.filter(error_kind__gt="")
    counts = failing.values(one=Value(1)).annotate(**_failure_counts())
    columns: QuerySet[Any, Any] = counts.values(*FAILURE_COLUMNS)
    return columns


def exceptional_keys_query() -> QuerySet[Any, Any]:
    """The keys that are paused or expire soon, by stored and by effective state."""
    # By their numbers, each part from an index of its own: an OR over both tables reads all rows.
    paused_keys = ApiKey.objects.filter(paused_at__isnull=False).values("pk")
    expiring_keys = ApiKey.objects.filter(expires_on__lte=expiring_soon_cutoff(NOW_PARAM)).values(
        "pk"
    )
    exceptional = SyncStatus.objects.filter(key__in=paused_keys.union(expiring_keys))
    return (
        exceptional.annotate(effective=effective_state_expression(NOW_PARAM))
        .values("state", "effective")
        .annotate(
            keys=Count("pk"),
            aged=Count("pk", filter=Q(unknown_at__lt=NOW_PARAM)),
            urgent=Count("pk", filter=expiry_urgent_q(NOW_PARAM)),
            expiring=Count("pk", filter=expiring_soon_q(NOW_PARAM)),
            **_failure_counts(),
        )
        .order_by()
    )


def _failure_counts() -> dict[str, Count]:
    return {
        f"failing_{outage}": Count("pk", filter=failure_q(outage))
        for outage in OUTAGE_FAILURE_KINDS
    }


def latest_check_query() -> QuerySet[Any, Any]:
    """The moment of the latest check."""
    checked = SyncStatus.objects.filter(checked_at__isnull=False).order_by("-checked_at")
    return checked.values(latest_check=F("checked_at"))


def next_check_query() -> QuerySet[Any, Any]:
    """The moment of the next check that is due."""
    unpaused = SyncStatus.objects.filter(key__paused_at=None).order_by("next_check_at")
    return unpaused.values(next_check=F("next_check_at"))


def latest_heartbeat_query() -> QuerySet[Any, Any]:
    """What the latest heartbeat of a worker says."""
    heartbeats = WorkerHeartbeat.objects.order_by("-heartbeat_at")
    return heartbeats.values(
        "copied_from",
        "message_fault",
        heartbeat=F("heartbeat_at"),
        master_key_fit=F("master_key_state"),
    )


def undecided_query() -> QuerySet[Any, Any]:
    """Whether any new secret waits for a decision: the number of one."""
    return undecided_candidates().order_by().values(undecided=F("pk"))
