"""Jobs that people wait for are submitted while checks run, however long those take."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from freddy_admin.sync.worker.jobs import WorkerJobs
from freddy_admin.sync.worker.loop import JOBS_SECONDS, WorkerLoop
from freddy_admin.vault.models import ApiKey


class HangingClient:
    """A client that answers nothing until `released` is set."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def get_sync_status(self, **_: Any) -> None:
        self.released.wait()
        raise RuntimeError

    def get_health(self) -> None:
        raise RuntimeError


@pytest.fixture
def client() -> HangingClient:
    return HangingClient()


@pytest.fixture
def times() -> list[float]:
    return [0.0]


@pytest.fixture
def submissions(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """An entry for each call of `WorkerJobs.submit`, none of which submits anything."""
    results: list[bool] = []

    def submit(self: WorkerJobs, *, now: datetime) -> bool:
        del self, now
        results.append(False)
        return results[-1]

    monkeypatch.setattr(WorkerJobs, "submit", submit)
    return results


@pytest.fixture
def worker_loop(db: None, client: HangingClient, times: list[float]) -> Iterator[WorkerLoop]:
    worker_loop = WorkerLoop(
        client=client,  # type: ignore[arg-type]
        parallel=2,
        name="test",
        monotonic=lambda: times[-1],
    )
    yield worker_loop
    client.released.set()
    worker_loop.stop()


def test_jobs_are_submitted_from_time_to_time_while_checks_run(
    key: ApiKey, worker_loop: WorkerLoop, times: list[float], submissions: list[bool]
) -> None:
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert (worker_loop.busy, len(submissions)) == (True, 1)
    times.append(JOBS_SECONDS)
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert len(submissions) == 2


def test_jobs_are_submitted_at_every_tick_without_checks(
    worker_loop: WorkerLoop, submissions: list[bool]
) -> None:
    for _ in range(5):
        worker_loop.tick(wait=0)
    assert len(submissions) == 5


def test_jobs_are_submitted_at_the_next_tick_once_the_checks_have_ended(
    key: ApiKey, worker_loop: WorkerLoop, client: HangingClient, submissions: list[bool]
) -> None:
    worker_loop.tick(wait=0)
    client.released.set()
    while worker_loop.busy:
        worker_loop.drain(wait=0.05)
    worker_loop.tick(wait=0)
    assert len(submissions) == 2


def test_jobs_are_submitted_at_the_next_tick_after_some_were_submitted(
    key: ApiKey, worker_loop: WorkerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False])
    results: list[bool] = []

    def submit(self: WorkerJobs, *, now: datetime) -> bool:
        del self, now
        results.append(next(answers))
        return results[-1]

    monkeypatch.setattr(WorkerJobs, "submit", submit)
    for _ in range(6):
        worker_loop.tick(wait=0)
    assert results == [True, True, False]
