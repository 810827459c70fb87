"""The health rule of the design, written a second time and small, to check the sandbox by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
STATES = {
    "paused",
    "key_unreadable",
    "key_rejected",
    "key_not_permitted",
    "not_checked",
    "unknown",
    "waiting",
    "never_synced",
    "no_schedule",
    "overdue",
    "late",
    "up_to_date",
}


@dataclass
class KeyObservation:
    """The latest figures of a key, and when the panel observed it first and last."""

    last_sync_at: datetime | None
    next_sync_at: datetime | None
    interval_hours: int
    observed_at: datetime
    first_seen_at: datetime
    first_next_sync_at: datetime | None
    was_skipped: bool = False


def expected_state(observation: KeyObservation) -> str:
    interval = (
        observation.interval_hours * HOUR if 1 <= observation.interval_hours <= 8760 else None
    )
    grace = min(max((interval or timedelta()) / 4, timedelta(minutes=15)), 6 * HOUR)
    if observation.last_sync_at is None:
        first_due_times = [observation.first_next_sync_at] if observation.first_next_sync_at else []
        first_due_times += [observation.first_seen_at + interval] if interval else []
        if not first_due_times:
            return "no_schedule"
        return (
            "waiting" if observation.observed_at < max(first_due_times) + grace else "never_synced"
        )
    if observation.last_sync_at > observation.observed_at + timedelta(minutes=5):
        return "unknown"
    if observation.next_sync_at is not None and observation.next_sync_at > observation.last_sync_at:
        due_at = observation.next_sync_at
    elif interval:
        due_at = observation.last_sync_at + interval
    else:
        return "no_schedule"
    age = observation.observed_at - observation.last_sync_at
    long = interval is not None and age >= max(2 * interval, interval + grace)
    very_long = interval is not None and age >= max(6 * interval, 24 * HOUR)
    if observation.observed_at >= due_at + grace or (long and observation.was_skipped) or very_long:
        return "overdue"
    return "late" if observation.observed_at >= due_at or long else "up_to_date"
