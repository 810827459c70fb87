"""How long a lease of this process still lasts, asked immediately before something is sent.

A process may be stopped at any moment, or its machine put to sleep: whoever wakes up after the
end of a lease must not send what another worker, or a person, has taken up since.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from freddy_admin.core import clock

# It goes on while the machine sleeps, and nobody sets it; only Linux has it.
_BOOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


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


def boot_seconds() -> float:
    """Seconds since the machine's boot, its sleep included."""
    return time.clock_gettime(_BOOT)
