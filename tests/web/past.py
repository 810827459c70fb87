"""Events as tests write them down."""

from datetime import datetime, timedelta
from typing import Any

from freddy_admin.core import clock
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey

M, H, D = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def told(
    key: ApiKey,
    kind: EventKind,
    *,
    ago: timedelta = H,
    until: datetime | None = None,
    noticed: timedelta = timedelta(),
    by: str = "",
    details: dict[str, Any] | None = None,
) -> HistoryEvent:
    """One event, so long ago, noticed so much later."""
    at = clock.now() - ago
    return HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        kind=kind,
        at=at,
        noticed_at=at + noticed,
        until=until,
        actor_name=by,
        details=details or {},
    )


def became(key: ApiKey, before: str, after: str, *, ago: timedelta) -> HistoryEvent:
    """The state changed."""
    return told(key, EventKind.HEALTH_CHANGED, ago=ago, details={"state": [before, after]})


def counted(key: ApiKey, before: int, after: int, *, ago: timedelta, of: int = 42) -> HistoryEvent:
    """The number of tools that are on changed."""
    details = {"enabled": [before, after], "total": [of, of]}
    return told(key, EventKind.TOOLS_CHANGED, ago=ago, details=details)
