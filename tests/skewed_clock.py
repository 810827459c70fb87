"""The machine's clock and the reference clock, as tests move them."""

from datetime import UTC, datetime, timedelta

from freddy_admin.core import clock
from freddy_admin.core.models import ClockState


class SkewedClock:
    """The machine's clock, moved away from the true time by `skew`."""

    def __init__(self) -> None:
        self.skew = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skew


def allow_history_pruning() -> None:
    """Record that history was pruned just now, so that what is too old may be pruned at once."""
    now = clock.now()
    values = {
        "compared_at": now,
        "reference": "",
        "history_pruned_to": now,
        "history_pruned_at": now,
    }
    ClockState.objects.update_or_create(pk=1, defaults=values)
