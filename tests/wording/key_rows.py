"""Keys and failures as the selectors hand them over, made without a database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.rows import CheckError, KeyRow, SyncFigures

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
_TEXTS = ("code", "message", "field", "detail", "trace_id", "request_id")


def check_error(kind: str, **more: Any) -> CheckError:
    return CheckError(**{"kind": kind, "http_status": None, **dict.fromkeys(_TEXTS, ""), **more})


def sync_figures(*, last_sync_at: datetime | None = NOW - HOUR / 2, **more: Any) -> SyncFigures:
    values: dict[str, Any] = {
        "total_tools": 42,
        "enabled_tools": 7,
        "next_sync_at": NOW + HOUR / 2,
        "sync_interval_hours": 1,
        "incremental_sync_enabled": True,
    }
    return SyncFigures(last_sync_at=last_sync_at, **(values | more))


def key_row(state: HealthState = HealthState.UP_TO_DATE, **more: Any) -> KeyRow:
    """A key in this state that was just checked, apart from what a test changes."""
    values: dict[str, Any] = {
        **dict.fromkeys(KeyRow.__dataclass_fields__),
        "now": NOW,
        "key_id": 1,
        "organisation_slug": "alder",
        "paused_by": "",
        "state": state,
        "state_since": NOW - HOUR,
        "state_rule": 10,
        "last_known_state": HealthState.UP_TO_DATE,
        "figures": sync_figures(),
        "figures_are_former": False,
        "observed_at": NOW - HOUR / 60,
        "first_observed_at": NOW - 48 * HOUR,
        "next_check_at": NOW + HOUR / 60,
        "operation_state": "",
        "is_checking": False,
        "permissions": frozenset(),
        "owner_can": True,
        "members_can": True,
    }
    return KeyRow(**(values | more))
