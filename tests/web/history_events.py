"""Events of the history, for tests."""

from datetime import datetime, timedelta
from typing import Any

from freddy_admin.core import clock
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def create_event(
    key: ApiKey,
    kind: EventKind,
    *,
    ago: timedelta = HOUR,
    until: datetime | None = None,
    noticed: timedelta = timedelta(),
    actor_name: str = "",
    details: dict[str, Any] | None = None,
) -> HistoryEvent:
    """An event that happened `ago` and was noticed `noticed` later."""
    at = clock.now() - ago
    return HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        kind=kind,
        at=at,
        noticed_at=at + noticed,
        until=until,
        actor_name=actor_name,
        details=details or {},
    )


def create_state_change(
    key: ApiKey, old_state: str, new_state: str, *, ago: timedelta
) -> HistoryEvent:
    """An event: the health state changed."""
    return create_event(
        key, EventKind.HEALTH_CHANGED, ago=ago, details={"state": [old_state, new_state]}
    )


def create_tools_change(
    key: ApiKey, old_count: int, new_count: int, *, ago: timedelta, total: int = 42
) -> HistoryEvent:
    """An event: the number of enabled tools changed, of `total` tools."""
    details = {"enabled": [old_count, new_count], "total": [total, total]}
    return create_event(key, EventKind.TOOLS_CHANGED, ago=ago, details=details)
