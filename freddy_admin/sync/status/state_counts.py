"""How many keys are in each state, counted by the worker once a minute, so that no page does it.

Between two counts nothing is added up, and no two checks wait for each other: a row whose state
has changed is in an index of its own (`sync_uncounted`), from which readers correct the counts.
"""

from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import (
    BigIntegerField,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    Value,
)
from django.db.models.functions import Cast
from django.db.models.signals import post_delete
from django.dispatch import receiver

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import StateCount, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle


@transaction.atomic
def state_counts_refresh() -> None:
    """Count every key anew with the state it has now."""
    # One at a time: who comes second finds what the first one has counted.
    list(StateCount.objects.select_for_update().order_by("pk"))
    changed = SyncStatus.objects.filter(~Q(state=F("counted_state")))
    pks = changed.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    changed.filter(pk__in=list(pks.values_list("pk", flat=True)[:_BATCH])).update(
        counted_state=F("state")
    )
    former_ids, counts = state_counts_and_recount()
    StateCount.objects.filter(pk__in=former_ids).delete()
    StateCount.objects.bulk_create(
        StateCount(state=state, keys=keys) for state, keys in sorted(counts.items())
    )


@transaction.atomic
def keyless_organisations_refresh() -> None:
    """Note which organisations have keys in use, for lists of those that have none."""
    keys = ApiKey.objects.filter(organisation=OuterRef("pk"), status=KeyLifecycle.ACTIVE)
    for has_key, condition in ((True, Exists(keys)), (False, ~Exists(keys))):
        changed = Organisation.objects.filter(condition, has_key=not has_key)
        pks = (
            changed.order_by("pk").select_for_update(skip_locked=True).values_list("pk", flat=True)
        )
        Organisation.objects.filter(pk__in=list(pks[:_BATCH])).update(has_key=has_key)


# As many as a statement may name on any database; the others are counted a minute later.
_BATCH = 10_000


def state_counts_and_recount() -> tuple[list[int], Counter[str]]:
    """The ids of the stored counts, and the counts as they should be; of one and the same moment.

    Else a row that is deleted meanwhile would be counted twice, or not at all.
    """
    empty: Any = Value("", output_field=CharField())
    stored = StateCount.objects.annotate(
        kind=Value(0, output_field=IntegerField()),
        name=empty,
        number=Cast("pk", BigIntegerField()),
    )
    counted = (
        SyncStatus.objects.exclude(counted_state="")
        .values("counted_state")
        .annotate(
            kind=Value(1, output_field=IntegerField()),
            name=F("counted_state"),
            number=Cast(Count("pk"), BigIntegerField()),
        )
        .order_by()
    )
    columns = ("kind", "name", "number")
    rows = list(
        stored.order_by().values_list(*columns).union(counted.values_list(*columns), all=True)
    )
    return (
        [number for kind, _name, number in rows if kind == 0],
        Counter({name: number for kind, name, number in rows if kind == 1}),
    )


@transaction.atomic
def wrong_state_counts_count() -> int:
    """Of how many states the stored count is not what counting anew gives."""
    former_ids, counts = state_counts_and_recount()
    stored: Counter[str] = Counter()
    for state, keys in StateCount.objects.filter(pk__in=former_ids).values_list("state", "keys"):
        stored[state] += keys
    return sum(stored[state] != counts[state] for state in stored.keys() | counts.keys())


@receiver(post_delete, sender=SyncStatus)
def _deleted_status_uncount(*, instance: SyncStatus, **_kwargs: object) -> None:
    if instance.counted_state:
        StateCount.objects.create(state=instance.counted_state, keys=-1)
