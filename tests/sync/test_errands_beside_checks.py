"""What people wait for goes on beside a round of checks, however long that takes."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from freddy_admin.sync.engine import ERRANDS_EVERY, Engine
from freddy_admin.sync.work import Errands
from freddy_admin.vault.models import ApiKey


class HangingClient:
    """Answers nothing until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def get_sync_status(self, **_: Any) -> None:
        self.let_go.wait()
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
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One for each look, none of which finds anything."""
    found: list[bool] = []

    def take(self: Errands, *, now: datetime) -> bool:
        del self, now
        found.append(False)
        return found[-1]

    monkeypatch.setattr(Errands, "take", take)
    return found


@pytest.fixture
def engine(db: None, client: HangingClient, times: list[float]) -> Iterator[Engine]:
    engine = Engine(
        client=client,  # type: ignore[arg-type]
        parallel=2,
        name="test",
        monotonic=lambda: times[-1],
    )
    yield engine
    client.let_go.set()
    engine.stop()


def test_while_checks_run_it_is_looked_for_from_time_to_time(
    key: ApiKey, engine: Engine, times: list[float], looks: list[bool]
) -> None:
    for _ in range(5):
        engine.tick(wait=0)
    assert (engine.busy, len(looks)) == (True, 1)
    times.append(ERRANDS_EVERY)
    for _ in range(5):
        engine.tick(wait=0)
    assert len(looks) == 2


def test_without_checks_it_is_looked_for_at_every_tick(engine: Engine, looks: list[bool]) -> None:
    for _ in range(5):
        engine.tick(wait=0)
    assert len(looks) == 5


def test_once_the_checks_have_ended_the_next_tick_looks(
    key: ApiKey, engine: Engine, client: HangingClient, looks: list[bool]
) -> None:
    engine.tick(wait=0)
    client.let_go.set()
    while engine.busy:
        engine.drain(wait=0.05)
    engine.tick(wait=0)
    assert len(looks) == 2


def test_where_something_was_found_the_next_tick_looks_again(
    key: ApiKey, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, True, False])
    looked: list[bool] = []

    def take(self: Errands, *, now: datetime) -> bool:
        del self, now
        looked.append(next(answers))
        return looked[-1]

    monkeypatch.setattr(Errands, "take", take)
    for _ in range(6):
        engine.tick(wait=0)
    assert looked == [True, True, False]
