"""Which keys report the very same sync, and which keys of one organisation contradict each other.

Nothing in an answer of Aitronos names an organisation for sure, so several keys may describe one
and the same sync. Equal figures prove that only where they stayed equal: over several checks, or
from one sync to the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import combinations

from freddy_admin.sync.status.rows import KeyRow

# A sync that came this shortly before a check may not have been reported to it yet.
OBSERVATION_LAG = timedelta(minutes=5)


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

    Keys of different environments contradict nothing: each has a catalogue and ids of its own.
    Only current observations count. Of two keys that report different syncs the one with the older
    one must have been checked well after the newer one: else it may not have seen it yet.
    """
    rows_by_environment = defaultdict[str, list[KeyRow]](list)
    for row in rows:
        rows_by_environment[row.environment].append(row)
    return [
        disagreement
        for environment_rows in rows_by_environment.values()
        for disagreement in _environment_disagreements(environment_rows)
    ]


def _environment_disagreements(rows: Iterable[KeyRow]) -> list[Disagreement]:
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
