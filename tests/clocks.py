"""The machine's clock and the other one, as tests move them."""

from datetime import UTC, datetime, timedelta

from freddy_admin.core import clock
from freddy_admin.core.models import ClockState


class SkewedClock:
    """The machine's clock, moved away from the true time by `skew`; the other one is true."""

    def __init__(self) -> None:
        self.skew = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.skew


def history_may_go() -> None:
    """As if all history that is too old had gone up to now: what there is may go at once."""
    now = clock.now()
    values = {"compared_at": now, "reference": "", "pruned_to": now, "pruned_at": now}
    ClockState.objects.update_or_create(pk=1, defaults=values)
