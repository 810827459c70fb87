"""Results of calls are stored together, and no call waits for slow ones."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from freddy_admin.core.fair_shares import Parties
from freddy_admin.sync.worker import pool
from freddy_admin.sync.worker.pool import CallPool
from tests.flows.wait import wait_until


@dataclass(frozen=True)
class Call:
    row_id: int
    token: str = "t"
    parties: Parties = ()


class PoolRecorder:
    """A pool whose calls end at once, but for those that `hangs` names."""

    def __init__(
        self, *, parallel: int, backlog: int, hangs: Sequence[int] = (), reserve: int = 0
    ) -> None:
        self.hangs, self.released = hangs, threading.Event()
        self.batches: list[int] = []
        self.begun: list[int] = []
        self.released_ids: list[int] = []
        self.pool: CallPool[Call, Call, int] = CallPool(
            None,  # type: ignore[arg-type]
            parallel=parallel,
            backlog=backlog,
            reserve=reserve,
            columns=["party"],
            perform=self._perform,
            store=self._store,
            release=self._give_back,
        )

    def _perform(self, _: Any, call: Call) -> Call:
        self.begun.append(call.row_id)
        if call.row_id in self.hangs:
            self.released.wait()
        return call

    def _give_back(self, calls: Sequence[Call]) -> None:
        self.released_ids.extend(call.row_id for call in calls)

    def _store(self, results: Sequence[Call]) -> list[int]:
        self.batches.append(len(results))
        return [result.row_id for result in results]


@pytest.fixture
def long_batch_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait for a full batch that would take ten minutes, if nothing ended it."""
    monkeypatch.setattr(pool, "BATCH_WAIT_SECONDS", 600.0)


@pytest.fixture
def recorders() -> Iterator[list[PoolRecorder]]:
    recorders_made: list[PoolRecorder] = []
    yield recorders_made
    for recorder in recorders_made:
        recorder.released.set()
        recorder.pool.stop()


def start_calls(recorders_made: list[PoolRecorder], count: int, **options: Any) -> PoolRecorder:
    recorder = PoolRecorder(**options)
    recorders_made.append(recorder)
    assert recorder.pool.submit([Call(key_id) for key_id in range(count)]) == count
    return recorder


def test_finished_calls_are_stored_in_one_batch(recorders: list[PoolRecorder]) -> None:
    recorder = start_calls(recorders, 64, parallel=32, backlog=32)
    assert wait_until(lambda: recorder.pool.finished_count == 64)
    recorder.pool.collect_and_store(wait=5)
    assert recorder.batches == [64]


@pytest.mark.usefixtures("long_batch_wait")
def test_three_quarters_of_the_backlog_are_enough_for_a_batch(
    recorders: list[PoolRecorder],
) -> None:
    recorder = start_calls(recorders, 40, parallel=32, backlog=32, hangs=range(24, 40))
    recorder.pool.collect_and_store(wait=60)
    assert (recorder.batches, recorder.pool.running_count) == ([24], 16)


@pytest.mark.usefixtures("long_batch_wait")
def test_the_last_calls_are_not_kept_waiting(recorders: list[PoolRecorder]) -> None:
    recorder = start_calls(recorders, 3, parallel=32, backlog=32)
    recorder.pool.collect_and_store(wait=60)
    assert (recorder.batches, recorder.pool.running_count) == ([3], 0)


def test_a_slow_call_holds_up_no_other(recorders: list[PoolRecorder]) -> None:
    recorder = start_calls(recorders, 10, parallel=32, backlog=32, hangs=[9])
    assert wait_until(lambda: recorder.pool.finished_count == 9)
    recorder.pool.collect_and_store(wait=5)
    assert (recorder.batches, recorder.pool.running_count) == ([9], 1)


def test_a_collect_without_wait_stores_what_has_ended(recorders: list[PoolRecorder]) -> None:
    recorder = start_calls(recorders, 4, parallel=4, backlog=0, hangs=[3])
    assert wait_until(lambda: recorder.pool.finished_count == 3)
    recorder.pool.collect_and_store(wait=0)
    recorder.pool.collect_and_store(wait=0)
    assert (recorder.batches, recorder.pool.running_count) == ([3], 1)


def calls_of(party: str, *row_ids: int) -> list[Call]:
    return [Call(row_id, parties=(("party", party),)) for row_id in row_ids]


def test_a_call_of_another_begins_before_the_backlog_of_one(
    recorders: list[PoolRecorder],
) -> None:
    recorder = PoolRecorder(parallel=2, backlog=6, hangs=range(2))
    recorders.append(recorder)
    recorder.pool.submit(calls_of("alder", 0, 1, 2, 3, 4))
    assert wait_until(lambda: len(recorder.begun) == 2)
    recorder.pool.submit(calls_of("birch", 10, 11))
    recorder.released.set()
    assert wait_until(lambda: recorder.pool.finished_count == 7)
    assert set(recorder.begun[2:4]) & {10, 11}
    assert set(recorder.begun[4:]) >= {3, 4}


def test_one_party_never_has_the_reserved_slots(recorders: list[PoolRecorder]) -> None:
    recorder = PoolRecorder(parallel=3, backlog=6, reserve=1, hangs=range(5))
    recorders.append(recorder)
    recorder.pool.submit(calls_of("alder", 0, 1, 2, 3, 4))
    assert wait_until(lambda: len(recorder.begun) == 2)
    recorder.pool.submit(calls_of("birch", 10))
    assert wait_until(lambda: 10 in recorder.begun)
    assert set(recorder.begun) == {0, 1, 10}
    recorder.released.set()
    assert wait_until(lambda: recorder.pool.finished_count == 6)  # an end lets the next one begin


def test_a_pool_that_stops_begins_none_of_its_backlog_and_gives_it_back(
    recorders: list[PoolRecorder],
) -> None:
    recorder = PoolRecorder(parallel=1, backlog=3, hangs=[0])
    recorders.append(recorder)
    recorder.pool.submit(calls_of("alder", 0, 1, 2))
    assert wait_until(lambda: recorder.begun == [0])
    recorder.pool.stop()
    recorder.released.set()
    assert wait_until(lambda: recorder.pool.finished_count == 1)
    assert (recorder.begun, recorder.released_ids) == ([0], [0, 1, 2])
