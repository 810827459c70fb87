"""Progress of a rotation: written by the run, batch by batch, and read by the system page."""

from typing import Final

from freddy_admin.core import clock
from freddy_admin.vault.models import MasterKeyRotation

_MAX_STORED_RUNS: Final = 20


def rotation_get_latest() -> MasterKeyRotation | None:
    """The run that started last, None before the first; one query."""
    return MasterKeyRotation.objects.order_by("-pk").first()


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
