"""The queues are looked at while checks run, however long those take."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models import QuerySet

from freddy_admin.core.compiled_queries import Moment
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.tasks import Queue
from freddy_admin.sync.worker.loop import LOOK_SECONDS, WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.sync.catalog_results import OneEnvironment


class HangingClient(OneEnvironment):
    """A client that answers nothing until `released` is set."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def get_sync_status(self, **_: Any) -> None:
        self.released.wait()
        raise RuntimeError

    def get_health(self) -> None:
        raise RuntimeError


class CountingQueue:
    """A queue in which nothing waits; counts how often that is looked at."""

    def __init__(self) -> None:
        self.looks = 0
        self.queue = Queue("counted", self._due, lambda: None, self._count)

    def _due(self, now: Moment) -> QuerySet[OutboxMessage]:
        return OutboxMessage.objects.filter(lane="none", next_attempt_at__lte=now)

    def _count(self) -> tuple[()]:
        self.looks += 1
        return ()


@pytest.fixture
def client() -> HangingClient:
    return HangingClient()


@pytest.fixture
def times() -> list[float]:
    return [0.0]


@pytest.fixture
def counting() -> CountingQueue:
    return CountingQueue()


@pytest.fixture
def worker_loop(
    db: None, client: HangingClient, times: list[float], counting: CountingQueue
) -> Iterator[WorkerLoop]:
    worker_loop = WorkerLoop(
        client=client,  # type: ignore[arg-type]
        parallel=2,
        name="test",
        monotonic=lambda: times[-1],
    )
    worker_loop.tasks.add(counting.queue)
    yield worker_loop
    client.released.set()
    worker_loop.stop()


def test_queues_are_looked_at_from_time_to_time_while_checks_run(
    key: ApiKey, worker_loop: WorkerLoop, times: list[float], counting: CountingQueue
) -> None:
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert (worker_loop.busy, counting.looks) == (True, 1)
    times.append(LOOK_SECONDS)
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert counting.looks == 2


def test_queues_are_looked_at_by_every_tick_without_checks(
    worker_loop: WorkerLoop, counting: CountingQueue
) -> None:
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert counting.looks == 5


def test_queues_are_looked_at_by_the_next_tick_once_the_checks_have_ended(
    key: ApiKey, worker_loop: WorkerLoop, client: HangingClient, counting: CountingQueue
) -> None:
    worker_loop.tick(wait=0)
    client.released.set()
    while worker_loop.busy:
        worker_loop.drain(wait=0.05)
    worker_loop.tick(wait=0)
    assert counting.looks == 2


def test_worker_pauses_until_its_next_look_unless_calls_run_or_something_woke_it(
    worker_loop: WorkerLoop, times: list[float], key: ApiKey, client: HangingClient
) -> None:
    worker_loop.tick(wait=0)
    assert (worker_loop.busy, worker_loop.pause_seconds) == (True, 0)
    client.released.set()
    while worker_loop.busy:
        worker_loop.drain(wait=0.05)
    assert worker_loop.pause_seconds == LOOK_SECONDS
    worker_loop.tasks.wake("counted")
    assert worker_loop.pause_seconds == 0
    worker_loop.tick(wait=0)
    times.append(LOOK_SECONDS)
    assert worker_loop.pause_seconds == 0
