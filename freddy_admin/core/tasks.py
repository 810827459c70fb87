"""The task port: what wakes the work. The rows alone say what there is to do.

A `Queue` is rows that wait, and a *drain* that claims them in fair order. A job names no row: it
runs a drain. Every task may run twice, or in two processes at once, without harm, and a wake may
be lost: the rows are looked at all the same. Rooms say `wake(queue)` in the transaction that
writes such rows; the worker hands its queues and periodic tasks to an adapter. The one here, the
*embedded* one, needs nothing but the database; `core.task_engine` is the one for PostgreSQL.
"""

import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from django.apps import apps
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import QuerySet

from freddy_admin.core import clock
from freddy_admin.core.compiled_queries import Moment as Moment
from freddy_admin.core.compiled_queries import MomentParam as MomentParam
from freddy_admin.core.compiled_queries import compiled_queries_exist

log = logging.getLogger(__name__)
PeriodicTask = Callable[[], object]


class QueueName(StrEnum):
    """The queues of the worker, beside that of the outbox."""

    CHECK_REQUESTS = "check_requests"
    CANDIDATES = "candidates"
    IMPORT_ROWS = "import_rows"
    IMPORT_SAVING = "import_saving"
    OPERATIONS = "operations"
    CATALOGS = "catalogs"
    CHECKS = "checks"
    ALERT_DELIVERIES = "alert_deliveries"


ENGINE_APP: Final = "procrastinate.contrib.django"
WAKE_TASK: Final = "wake"
OUTBOX_QUEUE: Final = "outbox"  # all of its lanes
_NOW: Final = MomentParam()


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows that wait. `due` are those that a drain could claim now, read without a lock.

    It is called with the moment and with what `due_arguments` returns, and depends on nothing else
    that changes while the process runs: it is compiled once for the same arguments.
    `drain` claims as many as there is room for; it returns whether more may be claimed soon, for
    it claimed some, or has no room at present.
    """

    name: str
    due: Callable[..., QuerySet[Any]]
    drain: Callable[[], object]
    due_arguments: Callable[[], tuple[Hashable, ...]] = tuple


class Tasks(Protocol):
    """What an adapter does; `tests/core/test_tasks.py` is the contract of all of them."""

    def add(self, queue: Queue) -> None:
        """Have this queue drained whenever rows of it are due."""

    def every(self, seconds: float, task: PeriodicTask, *, in_each_worker: bool = False) -> None:
        """Run `task` now and every so many real seconds; at once again where it returns True.

        The engine runs it in one worker at a time of all, unless it is said to be of each.
        """

    def wake(self, queue: str) -> None:
        """Look at once: rows of this queue were committed."""


_adapters: list[Tasks] = []


def wake(queue: str) -> None:
    """Once the present transaction is committed, have the rows of `queue` looked at.

    By this process, if it is a worker; else, where the engine is installed, by one that hears of
    the job that is written here, in the same transaction. One job a transaction and queue.
    """
    hook = _WakeAdapters(queue)
    is_woken = any(entry[1] == hook for entry in connection.run_on_commit)
    transaction.on_commit(hook, robust=True)
    if not is_woken and not _adapters and is_engine_installed():
        from freddy_admin.core.task_engine import job_defer  # on SQLite it cannot be imported

        job_defer(queue)


def is_engine_installed() -> bool:
    """Whether workers are woken by jobs in the database: on PostgreSQL."""
    return apps.is_installed(ENGINE_APP)


@dataclass(frozen=True, slots=True)
class QueueJobs:
    """The engine's jobs of one queue: those that no worker has taken, and those that one has.

    `age` is that of the oldest which waits, in seconds by the database's clock; 0 without one.
    """

    queue: str
    waiting: int
    running: int
    age: float


def queue_jobs_list() -> list[QueueJobs]:
    """The queues with jobs, one query; none where workers are not woken by jobs."""
    if not is_engine_installed():
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue_name, count(*) FILTER (WHERE status = 'todo'),"
            " count(*) FILTER (WHERE status = 'doing'), coalesce(greatest(0, extract(epoch FROM"
            " now() - min(e.at) FILTER (WHERE status = 'todo'))), 0)::float"
            " FROM procrastinate_jobs j LEFT JOIN procrastinate_events e"
            " ON e.job_id = j.id AND e.type = 'deferred'"
            " WHERE status IN ('todo', 'doing') AND task_name = %s"
            " GROUP BY queue_name ORDER BY queue_name",
            [WAKE_TASK],
        )
        return [QueueJobs(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class _WakeAdapters:
    # What Django keeps of a transaction goes with a savepoint that is rolled back, as a job does.
    queue: str

    def __call__(self) -> None:
        for adapter in _adapters:
            adapter.wake(self.queue)


def adapter_install(adapter: Tasks) -> None:
    """Have this process's wakes told to `adapter`; without one they are heard by nobody."""
    _adapters.append(adapter)


def adapter_remove(adapter: Tasks) -> None:
    """End what `adapter_install` began."""
    if adapter in _adapters:
        _adapters.remove(adapter)


class EmbeddedTasks:
    """Looks at all queues with one statement each time `run` is called, in the caller's thread.

    Another process cannot wake it, and need not: call `run` twice a second and more.
    """

    def __init__(self) -> None:
        self._queues: list[Queue] = []
        self._periodic: list[tuple[float, PeriodicTask]] = []
        self._ran_at: dict[int, datetime] = {}
        self._names_to_drain: set[str] = set()
        self.is_woken = False  # by this process: `run` is to come at once

    def add(self, queue: Queue) -> None:
        """Have this queue drained whenever rows of it are due, after those added before."""
        self._queues.append(queue)

    def every(
        self,
        seconds: float,
        task: PeriodicTask,
        *,
        in_each_worker: bool = False,  # here they all are
    ) -> None:
        """Run `task` every so many real seconds, before the queues and in the order of adding."""
        self._periodic.append((seconds, task))

    def wake(self, queue: str) -> None:
        """Drain this queue at the next `run`, which is to come at once."""
        self._names_to_drain.add(queue)
        self.is_woken = True

    def run(self, *, look: bool = True) -> None:
        """Run the periodic tasks that are due, then drain the queues with rows that are.

        Without `look` only the queues that were woken, or whose last drain said so. An error of the
        database comes through; any other is logged, and holds up no other task.
        """
        for number, (seconds, task) in enumerate(self._periodic):
            now, ran_at = clock.now(), self._ran_at.get(number)
            # A clock that was set back or forward lets every task run at once.
            if ran_at is None or abs(now - ran_at) >= clock.real_seconds_to_panel_duration(seconds):
                self._ran_at.pop(number, None)
                if not self._run_periodic_task(number, task):
                    self._ran_at[number] = now
        names, self._names_to_drain, self.is_woken = self._names_to_drain, set(), False
        if look:
            unknown_queues = [queue for queue in self._queues if queue.name not in names]
            names |= due_queue_names(unknown_queues)
        for queue in self._queues:
            if queue.name in names and _run_safely(queue.drain):
                self._names_to_drain.add(queue.name)

    def _run_periodic_task(self, number: int, task: PeriodicTask) -> object:
        del number  # the engine asks whose turn it is
        return _run_safely(task)


def due_queue_names(queues: Sequence[Queue]) -> set[str]:
    """The names of those queues of which any row is due; one statement for all."""
    if not queues:
        return set()
    answers = compiled_queries_exist(
        [(queue.due, (_NOW, *queue.due_arguments())) for queue in queues],
        param_values={"now": clock.now()},
    )
    return {queue.name for queue, answer in zip(queues, answers, strict=True) if answer}


def _run_safely(task: PeriodicTask) -> object:
    try:
        return task()
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  one task holds up no other
        # The type alone: the text of an unforeseen error may name a person or a server.
        log.error("A task of the worker broke: %s.", type(error).__name__)  # noqa: TRY400
        return False
