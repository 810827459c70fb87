"""When a digest is due: once for each day or week of the reader's calendar; pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from freddy_admin.alerts.models import DigestFrequency


@dataclass(frozen=True, slots=True)
class DigestSchedule:
    """What a person chose, and their zone."""

    frequency: str
    hour: int
    weekday: int  # Monday is 0
    zone: ZoneInfo

    @property
    def length(self) -> timedelta:
        """How long a period is, but for an hour of a clock change."""
        return timedelta(days=7 if self.frequency == DigestFrequency.WEEKLY else 1)

    def latest(self, now: datetime) -> tuple[date, datetime]:
        """The day of the latest digest that was due by `now`, and the moment, in UTC."""
        today = now.astimezone(self.zone).date()
        days = (today - timedelta(days=back) for back in range(9))
        return next(
            (day, moment)
            for day in days
            if self._is_due_on(day) and (moment := self.moment(day)) <= now
        )

    def moment(self, day: date) -> datetime:
        """When the hour of this day is, in UTC.

        An hour that a clock change skips is the one after it; of one that comes twice it is the
        first (PEP 495).
        """
        return datetime.combine(day, time(self.hour), tzinfo=self.zone).astimezone(UTC)

    def _is_due_on(self, day: date) -> bool:
        return self.frequency != DigestFrequency.WEEKLY or day.weekday() == self.weekday
