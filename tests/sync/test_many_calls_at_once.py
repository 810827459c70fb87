"""Ends of calls are stored together, and nobody waits for those that are slow."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from freddy_admin.sync import rounds
from freddy_admin.sync.rounds import CallPool
from tests.flows.waiting import until


@dataclass(frozen=True)
class Call:
    key_id: int
    token: str = "t"


class Calls:
    """A pool whose calls end at once, but for those that `hangs` names."""

    def __init__(self, *, parallel: int, backlog: int, hangs: Sequence[int] = ()) -> None:
        self.hangs, self.let_go = hangs, threading.Event()
        self.batches: list[int] = []
        self.pool: CallPool[Call, Call, int] = CallPool(
            None,  # type: ignore[arg-type]
            parallel=parallel,
            backlog=backlog,
            perform=self._perform,
            store=self._store,
            release=lambda _: None,
        )

    @property
    def waiting(self) -> int:
        """How many ends wait to be stored."""
        return self.pool._ended.qsize()

    def _perform(self, _: Any, call: Call) -> Call:
        if call.key_id in self.hangs:
            self.let_go.wait()
        return call

    def _store(self, ended: Sequence[Call]) -> list[int]:
        self.batches.append(len(ended))
        return [one.key_id for one in ended]


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gathering that would take ten minutes, if nothing ended it."""
    monkeypatch.setattr(rounds, "GATHER_SECONDS", 600.0)


@pytest.fixture
def calls() -> Iterator[list[Calls]]:
    made: list[Calls] = []
    yield made
    for one in made:
        one.let_go.set()
        one.pool.stop()


def begin(made: list[Calls], number: int, **pool: Any) -> Calls:
    one = Calls(**pool)
    made.append(one)
    assert one.pool.submit([Call(key_id) for key_id in range(number)]) == number
    return one


def test_what_has_ended_is_stored_in_one_go(calls: list[Calls]) -> None:
    one = begin(calls, 64, parallel=32, backlog=32)
    assert until(lambda: one.waiting == 64)
    one.pool.collect(wait=5)
    assert one.batches == [64]


@pytest.mark.usefixtures("patience")
def test_three_quarters_of_the_backlog_are_enough(calls: list[Calls]) -> None:
    one = begin(calls, 40, parallel=32, backlog=32, hangs=range(24, 40))
    one.pool.collect(wait=60)
    assert (one.batches, one.pool.running) == ([24], 16)


@pytest.mark.usefixtures("patience")
def test_the_last_ones_are_not_kept_waiting(calls: list[Calls]) -> None:
    one = begin(calls, 3, parallel=32, backlog=32)
    one.pool.collect(wait=60)
    assert (one.batches, one.pool.running) == ([3], 0)


def test_a_slow_call_holds_nobody_up(calls: list[Calls]) -> None:
    one = begin(calls, 10, parallel=32, backlog=32, hangs=[9])
    assert until(lambda: one.waiting == 9)
    one.pool.collect(wait=5)
    assert (one.batches, one.pool.running) == ([9], 1)


def test_who_cannot_wait_takes_what_is_there(calls: list[Calls]) -> None:
    one = begin(calls, 4, parallel=4, backlog=0, hangs=[3])
    assert until(lambda: one.waiting == 3)
    one.pool.collect(wait=0)
    one.pool.collect(wait=0)
    assert (one.batches, one.pool.running) == ([3], 1)
