"""How long a lease of this process still lasts, asked immediately before something is sent.

A process may be stopped at any moment, or its machine put to sleep: whoever wakes up after the
end of a lease must not send what another worker, or a person, has taken up since.
"""

from dataclasses import dataclass
from datetime import datetime

from freddy_admin.core import clock
from freddy_admin.core.clock_guard import boot_seconds


@dataclass(frozen=True, slots=True)
class LeaseAge:
    """The end of one lease by two clocks: the wall's, and the one that counts since the boot."""

    ends_at: datetime
    boot_end: float  # seconds of the boot clock

    @classmethod
    def until(cls, ends_at: datetime) -> "LeaseAge":
        """Of a lease that was just written into its row."""
        left = (ends_at - clock.now()) / clock.passing(1)
        return cls(ends_at, boot_seconds() + left)

    def covers(self, seconds: float) -> bool:
        """Whether the lease lasts for a call of so many real seconds that begins now."""
        in_time = boot_seconds() + seconds <= self.boot_end
        return in_time and clock.now() + clock.passing(seconds) <= self.ends_at
