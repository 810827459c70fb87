"""A worker's queues and pools over a clock that a test moves, with calls that last as scripted."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from freddy_admin.aitronos.errors import FailureKind, RequestTimedOut
from freddy_admin.aitronos.types import ApiResponse, SyncStatusResponse
from freddy_admin.core.tasks import EmbeddedTasks
from freddy_admin.sync.worker.jobs import WorkerJobs
from tests.sync.catalog_results import CALL_INFO, OneEnvironment
from tests.sync.conftest import HandClock, make_figures

# Sealed into the secrets of keys whose calls last for as long as a call may.
HANGS: Final = "hangs"
_GIVE_UP_TURNS: Final = 5_000


class ScriptedClient(OneEnvironment):
    """Each call takes one second of the test's clock, or `hanging_seconds` with such a secret."""

    def __init__(self, source: HandClock, *, hanging_seconds: float) -> None:
        self._source, self._hanging_seconds = source, hanging_seconds
        self._condition, self._is_stopped = threading.Condition(), False
        self._ends: dict[int, datetime] = {}
        self.begun: list[tuple[str, datetime]] = []

    def for_environment(self, _name: str) -> "ScriptedClient":
        """The one client, whichever environment is asked for."""
        return self

    def advance(self, seconds: float) -> None:
        """Move the clock; calls that end until then return."""
        with self._condition:
            self._source.advance(seconds=seconds)
            self._condition.notify_all()

    def stop(self) -> None:
        """Let every call end."""
        with self._condition:
            self._is_stopped = True
            self._condition.notify_all()

    @property
    def running_count(self) -> int:
        """How many calls are under way that the clock lets go on."""
        with self._condition:
            return sum(end > self._source.at for end in self._ends.values())

    @property
    def is_any_ending(self) -> bool:
        """Whether a thread still has to return from a call whose time is over."""
        with self._condition:
            return any(end <= self._source.at for end in self._ends.values())

    def begun_at(self, text: str) -> list[datetime]:
        """When the calls began whose secret holds this text."""
        return [at for secret, at in self.begun if text in secret]

    def get_sync_status(self, *, secret: str, **_: Any) -> ApiResponse[SyncStatusResponse]:
        self._wait(secret)
        now = self._source.at
        figures = make_figures(now - timedelta(hours=1), now + timedelta(hours=3))
        return ApiResponse(figures, CALL_INFO)

    def start_sync(self, *, secret: str, **_: Any) -> None:
        self._wait(secret)
        raise RequestTimedOut(FailureKind.READ_TIMEOUT)

    list_connectors = start_sync

    def _wait(self, secret: str) -> None:
        with self._condition:
            seconds = self._hanging_seconds if HANGS in secret else 1.0
            number, end = len(self.begun), self._source.at + timedelta(seconds=seconds)
            self.begun.append((secret, self._source.at))
            self._ends[number] = end
            self._condition.wait_for(lambda: self._is_stopped or self._source.at >= end)
            del self._ends[number]
        if HANGS in secret:
            raise RequestTimedOut(FailureKind.READ_TIMEOUT)


class Load:
    """One worker with so many slots for scheduled checks, moved on second by second."""

    def __init__(
        self, source: HandClock, *, parallel: int, hanging_seconds: float, tasks: EmbeddedTasks
    ) -> None:
        self.client = ScriptedClient(source, hanging_seconds=hanging_seconds)
        self.jobs = WorkerJobs(self.client, parallel)  # type: ignore[arg-type]
        self.tasks = tasks
        for queue in self.jobs.queues():
            self.tasks.add(queue)

    def run(self, seconds: int, *, each: Callable[[], object] = lambda: None) -> None:
        """Let so many seconds pass; `each` is called in each of them."""
        for _ in range(seconds):
            each()
            self._settle()
            self.client.advance(1)
        self._settle()

    def stop(self) -> None:
        self.client.stop()
        self.jobs.stop()

    def _settle(self) -> None:
        """Do everything that can be done without the clock."""
        quiet_turns = 0
        for _ in range(_GIVE_UP_TURNS):
            begun_count = len(self.client.begun)
            self.tasks.run()
            stored_count = self.jobs.collect_and_store(wait=0.002)
            is_quiet = not (stored_count or self.client.is_any_ending)
            is_quiet = is_quiet and begun_count == len(self.client.begun)
            quiet_turns = quiet_turns + 1 if is_quiet else 0
            if quiet_turns == 3:
                return
        raise AssertionError("The worker never comes to rest.")
