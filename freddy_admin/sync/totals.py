"""The sums over all keys of the panel, for those who see them all: from an index, not row by row.

Every key is counted by the state it is stored with; the few that are paused or stop working soon
are then looked at one by one. Only keys in use have a row, `sync.lifecycle` sees to that. A test
holds these sums against those of `sync.summing`, which reads every row.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Subquery, Value

from freddy_admin.core.prepared import prepared_values
from freddy_admin.sync.expiry import expires_soon, expires_urgently, soon_until
from freddy_admin.sync.models import KeySync, WorkerBeat
from freddy_admin.sync.outage import KINDS, lately_failed
from freddy_admin.sync.querying import NOW, effective_state
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey

Group = dict[str, Any]
_FAILING = tuple(f"failing_{kind}" for kind in KINDS)


def totals_read(*, now: datetime) -> dict[State, Group]:
    """The groups that `sync.summing` makes of all keys, in one query.

    What is not said per state, from the latest check to the workers, stands in the first group.
    """
    found = prepared_values(_statement, given={"now": now})
    counts, urgent, whole = Counter[State](), Counter[State](), Counter[str]()
    for one in found:
        state, effective = State(one["state"]), State(one["effective"])
        urgent[effective] += one["urgent"]
        whole["expiring"] += one["expiring"]
        sign = 1 if not one["odd"] else -1 if effective is State.PAUSED else 0
        counts[state] += sign * (one["keys"] - one["aged"])
        counts[State.UNKNOWN] += sign * one["aged"]
        whole.update({name: sign * one[name] for name in _FAILING})
        if sign < 0:
            counts[State.PAUSED] += one["keys"]
    groups = {state: _group(keys, urgent[state]) for state, keys in counts.items() if keys}
    stored = [one for one in found if not one["odd"]]
    for group in list(groups.values())[:1]:
        group |= whole
        for name in ("checked", "following", "beat", "fit"):
            group[name] = max((one[name] for one in stored if one[name] is not None), default=None)
    return groups


def _group(keys: int, urgent: int) -> Group:
    counted = {"everything": keys, "left": keys, "urgent": urgent, "urgent_left": urgent}
    nothing = dict.fromkeys(("checked", "following", "beat", "fit"))
    return {**counted, "expiring": 0, **dict.fromkeys(_FAILING, 0), **nothing}


def _statement() -> QuerySet[Any, Any]:
    # Nothing but columns of the index `sync_states`, so that no row is read.
    stored = KeySync.objects.annotate(odd=Value(0), effective=F("state"))
    # By their numbers, each part from an index of its own: an OR over both tables reads all rows.
    paused = ApiKey.objects.filter(paused_at__isnull=False).values("pk")
    soon = ApiKey.objects.filter(expires_on__lte=soon_until(NOW)).values("pk")
    odd = KeySync.objects.filter(key__in=paused.union(soon))
    odd = odd.annotate(odd=Value(1), effective=effective_state(NOW))
    urgent = Count("state", filter=expires_urgently(NOW))
    expiring = Count("state", filter=expires_soon(NOW))
    every = _counted(stored, urgent=Value(0), expiring=Value(0))
    both: QuerySet[Any, Any] = every.union(
        _counted(odd, urgent=urgent, expiring=expiring), all=True
    )
    return both


def _counted(rows: QuerySet[Any, Any], **more: Any) -> QuerySet[Any, Any]:
    beat = WorkerBeat.objects.order_by("-beat_at")
    watched = KeySync.objects.filter(key__paused_at=None).order_by("next_check_at")
    counted: QuerySet[Any, Any] = (
        rows.values("odd", "state", "effective")
        .annotate(
            keys=Count("state"),
            aged=Count("state", filter=Q(unknown_at__lt=NOW)),
            checked=Max("checked_at"),
            following=Subquery(watched.values("next_check_at")[:1]),
            beat=Subquery(beat.values("beat_at")[:1]),
            fit=Subquery(beat.values("master_key_state")[:1]),
            **{f"failing_{one}": Count("state", filter=lately_failed(one, NOW)) for one in KINDS},
            **more,
        )
        .order_by()
    )
    return counted
