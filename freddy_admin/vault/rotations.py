"""How far a rotation is: written by the run, batch by batch, and read by the system page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.core import clock
from freddy_admin.vault.models import MasterKeyRotation

# A batch takes a tenth of a second; one that takes a minute was killed, or its machine was.
_STANDS_STILL: Final = timedelta(seconds=60)
_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class RotationState:
    """The latest run."""

    sealing_id: str
    started_at: datetime
    beat_at: datetime
    ended_at: datetime | None
    total: int
    done: int
    unreadable: int

    def runs(self, now: datetime) -> bool:
        """Whether it is at work at this moment, as far as can be told."""
        return self.ended_at is None and abs(now - self.beat_at) < _STANDS_STILL

    def was_cut_short(self, now: datetime) -> bool:
        """Whether it ended without saying so: run it again, it goes on from there."""
        return self.ended_at is None and not self.runs(now)


def rotation_latest() -> RotationState | None:
    """The run that began last, at work or not; one query."""
    run = MasterKeyRotation.objects.order_by("-pk").first()
    if run is None:
        return None
    return RotationState(
        sealing_id=run.sealing_id,
        started_at=run.started_at,
        beat_at=run.beat_at,
        ended_at=run.ended_at,
        total=run.total,
        done=run.done,
        unreadable=run.unreadable,
    )


def rotation_begin(*, sealing_id: str, total: int) -> MasterKeyRotation:
    """A new run with so many rows before it; older runs are let go."""
    now = clock.now()
    old = MasterKeyRotation.objects.order_by("-pk").values_list("pk", flat=True)[_KEPT - 1 :]
    MasterKeyRotation.objects.filter(pk__in=list(old)).delete()
    return MasterKeyRotation.objects.create(
        sealing_id=sealing_id, started_at=now, beat_at=now, total=total
    )


def rotation_note(run: MasterKeyRotation, *, done: int, unreadable: int) -> None:
    """So far it has come; part of the batch's transaction, so that it never runs ahead."""
    run.done, run.unreadable, run.beat_at = (
        run.done + done,
        run.unreadable + unreadable,
        clock.now(),
    )
    run.total = max(run.total, run.done + run.unreadable)
    run.save(update_fields=["done", "unreadable", "beat_at", "total"])


def rotation_end(run: MasterKeyRotation) -> None:
    """It looked at every row."""
    run.ended_at = run.beat_at = clock.now()
    run.save(update_fields=["ended_at", "beat_at"])
