"""The sums over everything a person sees: one pass, one query, however many keys there are."""

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

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader, any_reader
from freddy_admin.core.prepared import Slot, prepared_values
from freddy_admin.sync.expiry import expires_soon, expires_urgently
from freddy_admin.sync.models import WorkerBeat
from freddy_admin.sync.outage import KINDS, lately_failed, outage_of
from freddy_admin.sync.querying import NOW, matching, visible_rows
from freddy_admin.sync.rows import Filters
from freddy_admin.sync.states import NEEDS_YOU, WORST_FIRST, State
from freddy_admin.sync.totals import totals_read
from freddy_admin.vault.master_keys import MasterKeyFit

MASTER_KEY_FAULTS = frozenset({MasterKeyFit.MISSING, MasterKeyFit.CANARY_FAILED})


def sums_read(*, user: User, filters: Filters, now: datetime) -> dict[str, Any]:
    """What there is, and what the filters (without the states) leave of it."""
    found = _found(user, filters, now)
    in_order = [(state, found[state]) for state in WORST_FIRST if state in found]
    calm = [group for state, group in in_order if state not in NEEDS_YOU]
    every = [group for __, group in in_order]
    return {
        "counts": {state: group["left"] for state, group in in_order if group["left"]},
        "all_counts": {state: group["everything"] for state, group in in_order},
        "urgent": sum(group["urgent"] for group in calm),
        "urgent_left": sum(group["urgent_left"] for group in calm),
        "expiring": sum(group["expiring"] for group in every),
        "checked_at": _extreme(max, [group["checked"] for group in every]),
        "next_check_at": _extreme(min, [group["following"] for group in every]),
        "worker_seen_at": _extreme(max, [group["beat"] for group in every]),
        "master_key_fault": any(group["fit"] in MASTER_KEY_FAULTS for group in every),
        "outage": outage_of(
            unpaused=sum(g["everything"] for state, g in in_order if state != State.PAUSED),
            failing={kind: sum(group[f"failing_{kind}"] for group in every) for kind in KINDS},
        ),
    }


def _found(user: User, filters: Filters, now: datetime) -> dict[State, dict[str, Any]]:
    groups: Iterable[dict[str, Any]]
    shape = filters.shape(states=(), sort="state")
    if shape is None:
        groups = _groups(user, filters, now)
    elif shape == Filters() and user.is_platform_admin:
        return totals_read(now=now)
    else:
        given = {"person": user.pk, "now": now}
        groups = prepared_values(_groups, any_reader(user), shape, NOW, given=given)
    return {State(group["effective"]): group for group in groups}


def _groups(user: User | Reader, filters: Filters, now: datetime | Slot) -> QuerySet[Any, Any]:
    beat = WorkerBeat.objects.order_by("-beat_at")
    failing: dict[str, Any] = {
        f"failing_{outage}": Count("pk", filter=lately_failed(outage, now) & Q(key__paused_at=None))
        for outage in KINDS
    }
    rows, hit = visible_rows(user=user, now=now), "pk"
    narrowed = matching(filters, user=user, now=now)
    if narrowed:
        rows, hit = rows.annotate(hit=Case(When(narrowed, then=Value(1)), default=None)), "hit"
    groups: QuerySet[Any, Any] = (
        rows.values("effective")
        .annotate(
            everything=Count("pk"),
            left=Count(hit),
            checked=Max("checked_at"),
            urgent=Count("pk", filter=expires_urgently(now)),
            urgent_left=Count(hit, filter=expires_urgently(now)),
            expiring=Count(hit, filter=expires_soon(now)),
            following=Min("next_check_at", filter=Q(key__paused_at=None)),
            beat=Subquery(beat.values("beat_at")[:1]),
            fit=Subquery(beat.values("master_key_state")[:1]),
            **failing,
        )
        .order_by()
    )
    return groups


def _extreme(pick: Any, moments: list[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment is not None]
    return pick(known) if known else None
