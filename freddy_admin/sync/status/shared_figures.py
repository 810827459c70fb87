"""Which keys report the very same sync: counted by the worker, read by every page.

The worker counts once a minute, and pages read its small tables: to compare the figures of all
keys takes as long as there are keys. A count is left out to the second when the figures of one of
its keys are no longer current; the worker, where one runs, has counted without that key by then.
What a member reads is counted of their own organisations' keys alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, F, Manager, Max, Min, Model
from django.db.models.functions import Least

from freddy_admin.organisations.access import ADMIN_AUDIENCE
from freddy_admin.sync.models import OrganisationFigures, PanelFigures, SyncStatus
from freddy_admin.sync.status.queries import figures_current_q, sync_statuses_visible

MIN_IDENTICAL_CHECKS = 3
# What is no longer current before the count after next is left out now: so a group loses a key,
# and does not disappear until it is counted again.
_MARGIN = timedelta(minutes=2)
_CLOCK_COLUMN = "current_until"
FiguresRow = TypeVar("FiguresRow", OrganisationFigures, PanelFigures)


def shared_figures_refresh(*, now: datetime) -> None:
    """Count the keys that report the same figures, and store what has changed; for the worker."""
    counts = _organisation_counts(now)
    by_digest = defaultdict[str, list[Mapping[str, Any]]](list)
    for count in counts:
        by_digest[count["figures_digest"]].append(count)
    with transaction.atomic():
        _store(
            OrganisationFigures.objects,
            [
                OrganisationFigures(
                    **{name: value for name, value in count.items() if name != "name"}
                )
                for count in counts
            ],
            key_columns=("organisation_id", "figures_digest"),
            now=now,
        )
        groups = map(_panel_count, by_digest.values())
        _store(
            PanelFigures.objects,
            [group for group in groups if group.keys > 1 and _is_proven(group)],
            key_columns=("figures_digest",),
            now=now,
        )


def _organisation_counts(now: datetime) -> list[dict[str, Any]]:
    # The digests from their index alone: most occur once.
    repeated_digests = SyncStatus.objects.exclude(figures_digest="").values("figures_digest")
    repeated_digests = repeated_digests.annotate(keys=Count("pk")).filter(keys__gte=2)
    return list(
        sync_statuses_visible(user=ADMIN_AUDIENCE, now=now)
        .filter(
            figures_current_q(now + _MARGIN),
            figures_digest__in=repeated_digests.values("figures_digest"),
        )
        .values("figures_digest", "organisation_id", name=F("organisation__name"))
        .annotate(
            keys=Count("pk"),
            # More would prove no more, and change with every check.
            min_check_count=Least(Min("figures_check_count"), MIN_IDENTICAL_CHECKS),
            min_previous_digest=Min("previous_figures_digest"),
            max_previous_digest=Max("previous_figures_digest"),
            current_until=Min("unknown_at"),
        )
        .order_by("figures_digest", "organisation_id")
    )


def _panel_count(counts: Sequence[Mapping[str, Any]]) -> PanelFigures:
    """One digest's count over all organisations, from those of each."""
    return PanelFigures(
        figures_digest=counts[0]["figures_digest"],
        keys=sum(count["keys"] for count in counts),
        organisations=len(counts),
        first_name=min(count["name"] for count in counts),
        last_name=max(count["name"] for count in counts),
        min_check_count=min(count["min_check_count"] for count in counts),
        min_previous_digest=min(count["min_previous_digest"] for count in counts),
        max_previous_digest=max(count["max_previous_digest"] for count in counts),
        current_until=min(count["current_until"] for count in counts),
    )


def _is_proven(count: PanelFigures) -> bool:
    """Whether every key has brought the figures long enough, or all moved together."""
    moved_together = count.min_previous_digest == count.max_previous_digest != ""
    return count.min_check_count >= MIN_IDENTICAL_CHECKS or moved_together


def _store(
    rows: Manager[FiguresRow],
    counted: Sequence[FiguresRow],
    *,
    key_columns: tuple[str, ...],
    now: datetime,
) -> None:
    """Make the table hold these counts.

    Where the moment alone differs, no sooner than needed: so a quiet minute writes nothing.
    """
    stored = {_key(row, key_columns): row for row in rows.all()}
    columns = [
        field.attname for field in rows.model._meta.concrete_fields  # noqa: SLF001  Django's documented meta API
        if not field.primary_key and field.attname not in key_columns
    ]  # fmt: skip
    changed = []
    for row in counted:
        former = stored.pop(_key(row, key_columns), None)
        if former is None or any(
            getattr(former, column) != getattr(row, column)
            for column in columns
            if column != _CLOCK_COLUMN or former.current_until < now + 2 * _MARGIN
        ):
            changed.append(row)
    rows.filter(pk__in=[row.pk for row in stored.values()]).delete()
    rows.bulk_create(
        changed, update_conflicts=True, unique_fields=key_columns, update_fields=columns,
        batch_size=500,
    )  # fmt: skip


def _key(row: Model, key_columns: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(row, column) for column in key_columns)
