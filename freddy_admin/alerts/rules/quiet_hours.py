"""Quiet hours: a daily span on the clock of a wall, in which messages are held back; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end` on every day, across midnight where `end` is earlier.

    A clock change moves them with the wall: an hour that is skipped or comes twice makes the span
    shorter or longer, and never changes what the clock shows at its end.
    """

    start: time
    end: time
    zone: str

    def ends_at(self, at: datetime) -> datetime | None:
        """When the span around `at` ends, in UTC; None where `at` is in none."""
        zone = zone_get(self.zone)
        # On a wall's clock there are spans of today and, across midnight, of yesterday.
        today = at.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            last_day = day if self.start < self.end else day + timedelta(days=1)
            # `fold`: of an hour that comes twice the span begins with the first and ends with the
            # second, so that nobody is told twice in it. A time that is skipped reads as the moment
            # at which the clock jumped past it.
            start = _moment(datetime.combine(day, self.start), zone, fold=0)
            end = _moment(datetime.combine(last_day, self.end), zone, fold=1)
            if start <= at < end:
                return end
        return None


def quiet_until(spans: Iterable[QuietHours | None], at: datetime) -> datetime | None:
    """When the latest of those spans that hold `at` ends; None where none of them does."""
    latest: datetime | None = None
    for span in spans:
        end = None if span is None else span.ends_at(at)
        if end is not None and (latest is None or end > latest):
            latest = end
    return latest


def zone_get(name: str) -> ZoneInfo:
    """The zone of this name; UTC where this machine knows none of it (any more)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _moment(wall: datetime, zone: ZoneInfo, *, fold: int) -> datetime:
    moment = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # A time that the wall's clock skips: by PEP 495 the two folds lie around the jump.
    offsets = [wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)]
    gap = abs((offsets[1] or timedelta()) - (offsets[0] or timedelta()))
    earlier = min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return _jump_between(earlier, earlier + gap, zone)


def _jump_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the offset of the zone changes, to the second."""
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
