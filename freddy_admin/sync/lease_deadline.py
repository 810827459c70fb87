"""How long a lease of this process still lasts, read immediately before something is sent.

A process may be stopped at any moment, or its machine put to sleep: whoever wakes up after the
end of a lease must not send what another worker, or a person, has taken up since.
"""

from dataclasses import dataclass
from datetime import datetime

from freddy_admin.core import clock
from freddy_admin.core.clock_skew import seconds_since_boot


@dataclass(frozen=True, slots=True)
class LeaseDeadline:
    """The end of one lease by two clocks: the wall's, and the one that counts since the boot."""

    ends_at: datetime
    boot_end: float  # seconds of the boot clock

    @classmethod
    def at(cls, ends_at: datetime) -> "LeaseDeadline":
        """The deadline of a lease that was just written into its row."""
        seconds_left = (ends_at - clock.now()) / clock.real_seconds_to_panel_duration(1)
        return cls(ends_at, seconds_since_boot() + seconds_left)

    def covers(self, seconds: float) -> bool:
        """Whether the lease lasts for a call of so many real seconds that begins now."""
        is_covered_since_boot = seconds_since_boot() + seconds <= self.boot_end
        return (
            is_covered_since_boot
            and clock.now() + clock.real_seconds_to_panel_duration(seconds) <= self.ends_at
        )
