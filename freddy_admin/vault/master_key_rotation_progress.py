"""Progress of a rotation: written by the run, batch by batch, and read by the system page."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from freddy_admin.core import clock
from freddy_admin.vault.models import MasterKeyRotation

# A batch takes a tenth of a second; one that takes a minute was killed, or its machine was.
_STALLED_AFTER: Final = timedelta(seconds=60)
_MAX_STORED_RUNS: Final = 20


@dataclass(frozen=True, slots=True)
class RotationState:
    """A rotation as it was last stored; counts are rows."""

    sealing_id: str
    started_at: datetime
    heartbeat_at: datetime
    finished_at: datetime | None
    total: int
    done: int
    unreadable: int

    def is_running(self, now: datetime) -> bool:
        """Whether it is unfinished and its heartbeat is less than 60 seconds old."""
        return self.finished_at is None and abs(now - self.heartbeat_at) < _STALLED_AFTER

    def is_interrupted(self, now: datetime) -> bool:
        """Whether it stopped without finishing; another run continues from there."""
        return self.finished_at is None and not self.is_running(now)


def rotation_get_latest() -> RotationState | None:
    """The run that started last, None before the first; one query."""
    run = MasterKeyRotation.objects.order_by("-pk").first()
    if run is None:
        return None
    return RotationState(
        sealing_id=run.sealing_id,
        started_at=run.started_at,
        heartbeat_at=run.heartbeat_at,
        finished_at=run.finished_at,
        total=run.total,
        done=run.done,
        unreadable=run.unreadable,
    )


def rotation_start(*, sealing_id: str, total: int) -> MasterKeyRotation:
    """Create a run that has `total` rows to seal; prunes all but the latest 20 runs."""
    now = clock.now()
    old_ids = MasterKeyRotation.objects.order_by("-pk").values_list("pk", flat=True)[
        _MAX_STORED_RUNS - 1 :
    ]
    MasterKeyRotation.objects.filter(pk__in=list(old_ids)).delete()
    return MasterKeyRotation.objects.create(
        sealing_id=sealing_id, started_at=now, heartbeat_at=now, total=total
    )


def rotation_record_progress(run: MasterKeyRotation, *, done: int, unreadable: int) -> None:
    """Add the rows of one batch; call in the batch's transaction, so that it never runs ahead."""
    run.done = run.done + done
    run.unreadable = run.unreadable + unreadable
    run.heartbeat_at = clock.now()
    run.total = max(run.total, run.done + run.unreadable)
    run.save(update_fields=["done", "unreadable", "heartbeat_at", "total"])


def rotation_finish(run: MasterKeyRotation) -> None:
    """Mark the run as finished: every row was processed."""
    run.finished_at = run.heartbeat_at = clock.now()
    run.save(update_fields=["finished_at", "heartbeat_at"])
