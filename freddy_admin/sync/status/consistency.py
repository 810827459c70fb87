"""Which keys report the very same sync, and which keys of one organisation contradict each other.

Nothing in an answer of Aitronos names an organisation for sure, so several keys may describe one
and the same sync. Equal figures prove that only where they stayed equal: over several checks, or
from one sync to the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet, Window

from freddy_admin.accounts.audience import Audience, audience_for
from freddy_admin.accounts.models import User
from freddy_admin.core.compiled_queries import LimitedQuery
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.queries import NOW_PARAM, figures_current_q, sync_statuses_visible
from freddy_admin.sync.status.types import KeyRow, SharedSyncGroup

MAX_GROUPS_SHOWN = 3
MIN_IDENTICAL_CHECKS = 3
# A sync that came this shortly before a check may not have been reported to it yet.
OBSERVATION_LAG = timedelta(minutes=5)


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


class DisagreementKind(StrEnum):
    """What keys of one organisation cannot both be right about."""

    ORGANIZATION_ID = "organization_id"
    TOTAL_TOOLS = "total_tools"
    INTERVAL = "sync_interval_hours"
    LAST_SYNC = "last_sync_at"


ReportedValue = str | int | datetime | None
# Last sync, tools in all, interval: what several keys may report alike.
_KeyReport = tuple[datetime | None, int, int]
_REPORTED_KINDS = (
    DisagreementKind.LAST_SYNC,
    DisagreementKind.TOTAL_TOOLS,
    DisagreementKind.INTERVAL,
)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Which keys, by their labels, report which value; the most reported value comes first."""

    kind: DisagreementKind
    labels_by_value: tuple[tuple[ReportedValue, tuple[str, ...]], ...]


def key_disagreements(rows: Iterable[KeyRow]) -> list[Disagreement]:
    """What the keys of one organisation contradict each other in; usually nothing.

    Only current observations count. Of two keys that report different syncs the one with the older
    one must have been checked well after the newer one: else it may not have seen it yet.
    """
    labels: dict[DisagreementKind, _LabelsByValue] = {
        kind: defaultdict(list) for kind in DisagreementKind
    }
    observed_at_by_report: dict[_KeyReport, datetime] = {}
    for row in rows:
        if row.paused_at is not None or row.figures_are_former:
            continue
        if row.reported_organization_id:
            labels[DisagreementKind.ORGANIZATION_ID][row.reported_organization_id].append(
                row.key_label
            )
        report, observed_at = _current_key_report(row), row.observed_at
        if report is not None and observed_at is not None:
            observed_at_by_report[report] = max(
                observed_at, observed_at_by_report.get(report, observed_at)
            )
            for kind, value in zip(_REPORTED_KINDS, report, strict=True):
                labels[kind][value].append(row.key_label)
    differing_kinds = {kind for kind in DisagreementKind if len(labels[kind]) > 1}
    disagreeing_kinds = differing_kinds & {DisagreementKind.ORGANIZATION_ID} | _disagreeing_kinds(
        observed_at_by_report, differing_kinds
    )
    return [
        _disagreement_from_labels(kind, labels[kind])
        for kind in DisagreementKind
        if kind in disagreeing_kinds
    ]


_LabelsByValue = dict[ReportedValue, list[str]]


def _current_key_report(row: KeyRow) -> _KeyReport | None:
    """What the key reports, where that is still current."""
    figures = row.figures
    if figures is None or row.unknown_at is None or row.unknown_at < row.now:
        return None
    return figures.last_sync_at, figures.total_tools, figures.sync_interval_hours


def _disagreeing_kinds(
    observed_at_by_report: Mapping[_KeyReport, datetime], differing_kinds: set[DisagreementKind]
) -> set[DisagreementKind]:
    """What any two comparable reports differ in."""
    possible_kinds = differing_kinds & set(_REPORTED_KINDS)
    disagreeing_kinds = set[DisagreementKind]()
    for first, second in combinations(observed_at_by_report.items(), 2):
        if _was_older_checked_since_newer(first, second):
            pairs = zip(_REPORTED_KINDS, first[0], second[0], strict=True)
            disagreeing_kinds |= {
                kind for kind, first_value, second_value in pairs if first_value != second_value
            }
        if disagreeing_kinds == possible_kinds:
            break
    return disagreeing_kinds


def _was_older_checked_since_newer(
    first: tuple[_KeyReport, datetime], second: tuple[_KeyReport, datetime]
) -> bool:
    """Whether the key with the older sync was checked since the newer one."""
    (older, observed_at), (newer, __) = sorted(
        (first, second), key=lambda observation: _last_sync_or_earliest(observation[0][0])
    )
    if older[0] == newer[0]:
        return True
    return observed_at > _last_sync_or_earliest(newer[0]) + OBSERVATION_LAG


def _last_sync_or_earliest(last_sync_at: datetime | None) -> datetime:
    return last_sync_at or _EARLIEST


_EARLIEST = datetime.min.replace(tzinfo=UTC)


def _disagreement_from_labels(kind: DisagreementKind, labels: _LabelsByValue) -> Disagreement:
    labels_by_value = sorted(labels.items(), key=lambda item: (-len(item[1]), sorted(item[1])))
    return Disagreement(
        kind, tuple((value, tuple(sorted(value_labels))) for value, value_labels in labels_by_value)
    )
