"""What the tests of keys that are refused alike share: the worker's loop, and the notice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.flows.wait import wait_until
from tests.hand_clock import HandClock

ALIKE = "refused in the same way: probably the header or a right at the platform, not the keys"
AddKeys = Callable[..., list[ApiKey]]


@contextmanager
def worker_loop() -> Iterator[WorkerLoop]:
    loop = WorkerLoop(parallel=8, name="test")
    try:
        yield loop
    finally:
        loop.stop()


def check_due(loop: WorkerLoop, hand_clock: HandClock) -> None:
    """Tick until every key that is due was checked."""
    assert wait_until(
        lambda: loop.tick(wait=0.02) >= 0 and not loop.busy and not due_count(hand_clock),
        seconds=60,
    )


def due_count(hand_clock: HandClock) -> int:
    return SyncStatus.objects.filter(key__paused_at=None, next_check_at__lte=hand_clock()).count()


def check_twice(loop: WorkerLoop, hand_clock: HandClock) -> None:
    """The checks that are due, and a minute later those that confirm a refusal."""
    check_due(loop, hand_clock)
    hand_clock.advance(seconds=61)
    check_due(loop, hand_clock)


def states() -> set[str]:
    return set(SyncStatus.objects.values_list("state", flat=True))
