"""Whether a new secret reports what the key's current one does. Pure: no database, no clock.

Somebody who replaces a key may paste the one of another organisation. It works, so no test would
notice; what it reports tells it apart.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class CandidateDifference(StrEnum):
    """What differs sharply; stored beside the candidate."""

    ENTERED = "entered"  # another organisation id than a person entered
    ORGANISATION = "organisation"  # another one than the current secret's
    TOOLS = "tools"
    LAST_SYNC = "last_sync"


@dataclass(frozen=True, slots=True)
class ReportedFigures:
    """What a secret reported, at `reported_at`; `organization_id` may be empty."""

    total_tools: int
    last_sync_at: datetime | None
    interval_hours: int
    organization_id: str
    reported_at: datetime


def candidate_differences(
    current: ReportedFigures | None, new: ReportedFigures, *, entered_organization_id: str = ""
) -> tuple[CandidateDifference, ...]:
    """What speaks for another organisation; empty where the new secret may take over.

    `current` is what the key reported last, None where it never did. An id that was entered
    counts unless the current secret does not answer for it either: then somebody knows already.
    """
    differences = []
    current_id = current.organization_id if current else ""
    new_id = new.organization_id
    if entered_organization_id and new_id and new_id not in (entered_organization_id, current_id):
        differences.append(CandidateDifference.ENTERED)
    if current_id and new_id and current_id != new_id:
        differences.append(CandidateDifference.ORGANISATION)
    if current is not None and _tool_counts_differ_widely(current.total_tools, new.total_tools):
        differences.append(CandidateDifference.TOOLS)
    if current is not None and _last_sync_differs_widely(current, new):
        differences.append(CandidateDifference.LAST_SYNC)
    return tuple(differences)


def _tool_counts_differ_widely(current: int, new: int) -> bool:
    """Whether they differ by more than half of the larger number."""
    return 2 * abs(current - new) > max(current, new)


def _last_sync_differs_widely(current: ReportedFigures, new: ReportedFigures) -> bool:
    """Whether they differ by more than two intervals and a day, except for syncs since.

    A key that expired on Friday reported Friday's sync; on Monday its successor reports Monday's.
    """
    limit = max(DAY, 2 * timedelta(hours=min(max(current.interval_hours, 0), 8_760)))
    if new.last_sync_at is None or current.last_sync_at is None:
        # One that has synced never becomes one that never has.
        return new.last_sync_at is None and current.last_sync_at is not None
    if new.last_sync_at < current.last_sync_at:
        return current.last_sync_at - new.last_sync_at > limit
    was_observable = new.last_sync_at <= current.reported_at
    return was_observable and new.last_sync_at - current.last_sync_at > limit
