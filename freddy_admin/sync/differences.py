"""Does a new secret report what the key's present one does? Pure: no database, no clock.

Somebody who replaces a key may paste the one of another organisation. It works, so no test would
notice; what it reports tells it apart.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Difference(StrEnum):
    """What differs sharply; stored beside the candidate."""

    ENTERED = "entered"  # another organisation id than a person entered
    ORGANISATION = "organisation"  # another one than the present key's
    TOOLS = "tools"
    LAST_SYNC = "last_sync"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a secret reports; `seen_at` is when it did, `organization_id` may be empty."""

    total_tools: int
    last_sync_at: datetime | None
    interval_hours: int
    organization_id: str
    seen_at: datetime


def differences(
    present: Reported | None, new: Reported, *, entered: str = ""
) -> tuple[Difference, ...]:
    """What speaks for another organisation; empty where the new secret may take over.

    `present` is what the key reported last, None where it never did. An id that was entered
    counts unless the present secret does not answer for it either: then somebody knows already.
    """
    found = []
    known = present.organization_id if present else ""
    reports = new.organization_id
    if entered and reports and reports not in (entered, known):
        found.append(Difference.ENTERED)
    if known and reports and known != reports:
        found.append(Difference.ORGANISATION)
    if present is not None and _tools_differ(present.total_tools, new.total_tools):
        found.append(Difference.TOOLS)
    if present is not None and _last_sync_differs(present, new):
        found.append(Difference.LAST_SYNC)
    return tuple(found)


def _tools_differ(present: int, new: int) -> bool:
    """By more than half of the larger number."""
    return 2 * abs(present - new) > max(present, new)


def _last_sync_differs(present: Reported, new: Reported) -> bool:
    """By more than two intervals and a day, apart from syncs that came after our last look.

    A key that expired on Friday reported Friday's sync; on Monday its successor reports Monday's.
    """
    limit = max(DAY, 2 * timedelta(hours=min(max(present.interval_hours, 0), 8_760)))
    if new.last_sync_at is None or present.last_sync_at is None:
        # One that has synced never becomes one that never has.
        return new.last_sync_at is None and present.last_sync_at is not None
    if new.last_sync_at < present.last_sync_at:
        return present.last_sync_at - new.last_sync_at > limit
    seen_then = new.last_sync_at <= present.seen_at
    return seen_then and new.last_sync_at - present.last_sync_at > limit
