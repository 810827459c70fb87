"""The design's health rule, written a second time and small, to judge what the imitation says."""

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
class Seen:
    """Two looks at one key, the later figures, and when the panel looked first and last."""

    last: datetime | None
    next: datetime | None
    hours: int
    obs: datetime
    seen: datetime
    first_next: datetime | None
    skipped: bool = False


def judge(s: Seen) -> str:
    interval = s.hours * HOUR if 1 <= s.hours <= 8760 else None
    grace = min(max((interval or timedelta()) / 4, timedelta(minutes=15)), 6 * HOUR)
    if s.last is None:
        firsts = [s.first_next] if s.first_next else []
        firsts += [s.seen + interval] if interval else []
        if not firsts:
            return "no_schedule"
        return "waiting" if s.obs < max(firsts) + grace else "never_synced"
    if s.last > s.obs + timedelta(minutes=5):
        return "unknown"
    if s.next is not None and s.next > s.last:
        due = s.next
    elif interval:
        due = s.last + interval
    else:
        return "no_schedule"
    age = s.obs - s.last
    long = interval is not None and age >= max(2 * interval, interval + grace)
    very_long = interval is not None and age >= max(6 * interval, 24 * HOUR)
    if s.obs >= due + grace or (long and s.skipped) or very_long:
        return "overdue"
    return "late" if s.obs >= due or long else "up_to_date"
