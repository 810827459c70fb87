"""What monitoring wants to know of the panel as a whole: five queries, no name of anybody."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from freddy_admin.sync.models import ApiHealth, CheckCount, KeySync, Order, WorkerBeat
from freddy_admin.sync.platform import worker_alive
from freddy_admin.sync.querying import effective_state
from freddy_admin.sync.summing import MASTER_KEY_FAULTS
from freddy_admin.vault.models import KeyStatus

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Gauges:
    """The panel at one moment; ages are seconds, None where there is nothing to be old."""

    states: Counter[str]
    latest_checks: Counter[Pair]  # outcome, kind of failure
    oldest_check: float | None
    due: int
    longest_due: float | None
    checks: dict[Pair, int]
    orders: Counter[Pair]  # kind, state
    workers_alive: int
    latest_beat: float | None
    master_key_faults: int
    api_reachable: bool | None
    api_age: float | None
    api_seconds: float | None


def gauges_read(*, now: datetime) -> Gauges:
    """All of them, over all organisations."""
    groups = list(_groups(now))
    beats, api = list(WorkerBeat.objects.all()), ApiHealth.objects.order_by("-checked_at").first()
    states, checks = Counter[str](), Counter[Pair]()
    for group in groups:
        states[group["effective"]] += group["keys"]
        if group["outcome"]:
            checks[group["outcome"], group["error_kind"]] += group["keys"]
    return Gauges(
        states=states,
        latest_checks=checks,
        oldest_check=_age(now, [group["oldest"] for group in groups]),
        due=sum(group["due"] for group in groups),
        longest_due=_age(now, [group["due_since"] for group in groups]),
        checks={
            (outcome, kind): times
            for outcome, kind, times in CheckCount.objects.values_list("outcome", "kind", "times")
        },
        orders=_orders(),
        workers_alive=sum(worker_alive(beat, now=now) for beat in beats),
        latest_beat=_age(now, [max((beat.beat_at for beat in beats), default=None)]),
        master_key_faults=sum(beat.master_key_state in MASTER_KEY_FAULTS for beat in beats),
        api_reachable=api.reachable if api else None,
        api_age=_age(now, [api.checked_at]) if api else None,
        api_seconds=api.elapsed_ms / 1000 if api and api.elapsed_ms is not None else None,
    )


def _groups(now: datetime) -> Any:
    watched = Q(key__paused_at=None)
    due = watched & Q(next_check_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lte=now))
    return (
        KeySync.objects.filter(key__status=KeyStatus.ACTIVE)
        .annotate(effective=effective_state(now))
        .values("effective", "outcome", "error_kind")
        .annotate(
            keys=Count("pk"),
            oldest=Min("checked_at", filter=watched),
            due=Count("pk", filter=due),
            due_since=Min("next_check_at", filter=due),
        )
        .order_by()
    )


def _orders() -> Counter[Pair]:
    found = Order.objects.values_list("kind", "state").annotate(number=Count("pk")).order_by()
    return Counter({(kind, state): number for kind, state, number in found})


def _age(now: datetime, moments: list[datetime | None]) -> float | None:
    known = [moment for moment in moments if moment is not None]
    # Our clock may have been set back: nothing is younger than now.
    return max(0.0, (now - min(known)).total_seconds()) if known else None
