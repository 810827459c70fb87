"""The engine: the adapter of the task port for PostgreSQL, any number of workers (procrastinate).

A wake is a job, written in the transaction of the rows (`job_defer`); NOTIFY tells the workers of
its commit. A thread of the worker listens, takes jobs and hands them to the loop, which drains the
queue in its own thread as ever, and only then ends the job. So nothing here reads or writes rows
in a thread beside the loop, no connection is left behind, and a job that was lost costs a tick.
"""

import asyncio
import logging
import threading
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

import procrastinate
import psycopg
from django.conf import settings
from django.db import DatabaseError, connection
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.exceptions import ConnectorException
from psycopg.conninfo import make_conninfo

from freddy_admin.core import clock
from freddy_admin.core.tasks import WAKE_TASK, EmbeddedTasks, PeriodicTask

log = logging.getLogger(__name__)

# A worker that was killed is missed after STALLED_SECONDS, its jobs are begun anew within
# SWEEP_SECONDS more: 40 s in all, with room for a slow sweep.
HEARTBEAT_SECONDS: Final = 5.0
STALLED_SECONDS: Final = 20.0
_SWEEP_CRON: Final = "* * * * * */10"  # the sixth field is seconds
_POLL_SECONDS: Final = 5.0
POLL_SECONDS_WITHOUT_NOTIFY: Final = 1.0
_RESTART_SECONDS: Final = 1.0
_NOTIFY_SECONDS: Final = 3.0
_JOBS_AT_ONCE: Final = 20  # they only wait for the loop's next tick
_STOP_SECONDS: Final = 2.0
_SWEEP_QUEUE: Final = "engine"
_PROBE_CHANNEL: Final = "freddy_notify_probe"

_enqueueing = procrastinate.App(connector=DjangoConnector())


def job_defer(queue: str) -> None:
    """Write a job that wakes `queue` in Django's present transaction.

    Without a queueing lock: whoever writes a second one would wait for the commit of the first,
    and a worker may have taken that job before the rows of the second are committed. Raises
    DatabaseError.
    """
    try:
        _enqueueing.configure_task(WAKE_TASK, queue=queue).defer()
    except ConnectorException as error:
        raise DatabaseError(str(error.__cause__ or error)) from error


def direct_conninfo() -> str:
    """Where a worker listens: WORKER_DATABASE_URL, else Django's own database."""
    return settings.WORKER_DATABASE_URL or _django_conninfo()


async def notify_arrives() -> bool:
    """Whether a NOTIFY that Django's database is sent is heard there where a worker listens."""
    async with await psycopg.AsyncConnection.connect(direct_conninfo(), autocommit=True) as hearing:
        await hearing.execute(f"LISTEN {_PROBE_CHANNEL}")
        async with await psycopg.AsyncConnection.connect(
            _django_conninfo(), autocommit=True, prepare_threshold=None
        ) as sending:
            await sending.execute(f"NOTIFY {_PROBE_CHANNEL}")
        async for _notification in hearing.notifies(timeout=_NOTIFY_SECONDS, stop_after=1):
            return True
    return False


def _django_conninfo() -> str:
    params = connection.get_connection_params()
    names = ("cursor_factory", "context", "prepare_threshold")
    return make_conninfo(**{name: value for name, value in params.items() if name not in names})


class _GivenBack(Exception):
    """The worker stops: another one is to do this job."""


class EngineTasks(EmbeddedTasks):
    """Looks at all queues as the embedded adapter does, and at once at those that a job names.

    Call `start` once, and `run` as often as that of the embedded one; `stop` gives back the jobs
    that were not done. `run` is to come at once after each call of `on_job`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._turn_names: dict[int, str] = {}  # of the tasks that are unique over all workers
        self._name_counts: Counter[str] = Counter()
        self._turns: set[int] = set()  # those that this worker has begun and not ended
        self._jobs: deque[tuple[str, asyncio.Future[None]]] = deque()
        self._on_job: Callable[[], object] = lambda: None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run_thread, name="engine", daemon=True)
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None

    # --- In the thread of the worker's loop ---

    def every(self, seconds: float, task: PeriodicTask, *, in_each_worker: bool = False) -> None:
        """Run `task` every so many real seconds, in whichever worker comes first."""
        if not in_each_worker:
            name = f"{task.__module__}.{task.__qualname__}"
            self._name_counts[name] += 1
            # Two of a name, such as lambdas of one function, are told apart by their order.
            self._turn_names[len(self._periodic)] = f"{name} {self._name_counts[name]}"[-200:]
        super().every(seconds, task)

    def start(self, *, on_job: Callable[[], object]) -> None:
        """Begin to listen; `on_job` is called in another thread when a job has come."""
        self._on_job = on_job
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether the listening has not ended, which it does soon after `stop`."""
        return self._thread.is_alive()

    def run(self, *, look: bool = True) -> None:
        """As the embedded adapter's; ends the jobs whose queues were drained."""
        jobs = [self._jobs.popleft() for _ in range(len(self._jobs))]
        self._names_to_drain.update(queue for queue, _done in jobs)
        try:
            super().run(look=look)
        except Exception:
            self._jobs.extendleft(reversed(jobs))
            raise
        if jobs and self._event_loop is not None:
            self._call_in_thread(self._end_jobs, [done for _queue, done in jobs])

    def stop(self) -> None:
        """Take no further job, and give back those that wait; returns at once."""
        self._stopping.set()
        self._call_in_thread(self._give_back)

    def _run_periodic_task(self, number: int, task: PeriodicTask) -> object:
        if number not in self._turn_names:
            return super()._run_periodic_task(number, task)
        # One that broke at the database, or has more to do, is this worker's until it is done.
        if number not in self._turns and not self._turn_begin(number):
            return False
        self._turns.add(number)
        has_more = super()._run_periodic_task(number, task)
        if not has_more:
            self._turns.discard(number)
        return has_more

    def _turn_begin(self, number: int) -> bool:
        """Whether the task's period has passed since any worker began it; if so, we begin it."""
        period = clock.real_seconds_to_panel_duration(self._periodic[number][0])
        return _turn_write(
            self._turn_names[number], now=clock.now(), seconds=period.total_seconds()
        )

    # --- In the engine's own thread ---

    def _call_in_thread(self, function: Callable[..., object], *args: object) -> None:
        if self._event_loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                self._event_loop.call_soon_threadsafe(function, *args)

    def _run_thread(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._event_loop = asyncio.get_running_loop()
        # No task is synchronous: threads are needed to resolve the server's name alone.
        self._event_loop.set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="engine"))
        self._serving = asyncio.create_task(self._listen_again_and_again())
        if self._stopping.is_set():
            self._serving.cancel()
        with suppress(asyncio.CancelledError):
            await self._serving

    async def _listen_again_and_again(self) -> None:
        while not self._stopping.is_set():
            reason = "it ended"
            try:
                await self._listen()
            except Exception as error:  # noqa: BLE001  whatever it was, it is begun again
                reason = type(error).__name__
            if not self._stopping.is_set():
                # The type alone: the driver's text names the server and the user.
                log.warning("Listening for jobs broke (%s); it begins again in 1 s.", reason)
                await asyncio.sleep(_RESTART_SECONDS)

    async def _listen(self) -> None:
        hears = await notify_arrives()
        if hears:
            log.info("The worker hears of jobs at once.")
        else:
            log.warning(
                "A NOTIFY does not arrive, so jobs are looked for every second. Set "
                "WORKER_DATABASE_URL to a direct connection with PostgreSQL, without a pooler."
            )
        async with self._create_app(prepares=hears).open_async() as app:
            await app.run_worker_async(
                concurrency=_JOBS_AT_ONCE,
                listen_notify=hears,
                fetch_job_polling_interval=_POLL_SECONDS if hears else POLL_SECONDS_WITHOUT_NOTIFY,
                delete_jobs="always",
                install_signal_handlers=False,
                shutdown_graceful_timeout=_STOP_SECONDS,
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
            )

    def _create_app(self, *, prepares: bool) -> procrastinate.App:
        """An app with a direct connection; that of `job_defer` is Django's."""
        options: dict[str, Any] = {} if prepares else {"prepare_threshold": None}
        connector = procrastinate.PsycopgConnector(
            conninfo=direct_conninfo(), min_size=1, max_size=2, kwargs=options
        )
        app = procrastinate.App(connector=connector)
        app.task(name=WAKE_TASK, pass_context=True, retry=procrastinate.RetryStrategy(wait=1))(
            self._wake_by_job
        )
        sweep = app.task(name="sweep", queue=_SWEEP_QUEUE, pass_context=True)(_stalled_jobs_retry)
        # A periodic task is also what has a broken LISTEN noticed.
        app.periodic(cron=_SWEEP_CRON)(sweep)
        return app

    async def _wake_by_job(self, context: procrastinate.JobContext) -> None:
        if self._stopping.is_set():
            raise _GivenBack
        done = asyncio.get_running_loop().create_future()
        self._jobs.append((context.job.queue, done))
        self.is_woken = True
        self._on_job()
        await done

    def _end_jobs(self, jobs: list["asyncio.Future[None]"]) -> None:
        for done in jobs:
            if not done.done():
                done.set_result(None)

    def _give_back(self) -> None:
        if self._serving is not None:
            self._serving.cancel()
        while self._jobs:
            _queue, done = self._jobs.popleft()
            if not done.done():
                done.set_exception(_GivenBack())


async def _stalled_jobs_retry(context: procrastinate.JobContext, timestamp: int) -> None:
    """Have the jobs of workers that died done by others. Without a lock, which could wedge it."""
    del timestamp
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        with suppress(ConnectorException):  # another worker was faster
            await manager.retry_job(job)


def _turn_write(name: str, *, now: datetime, seconds: float) -> bool:
    # A clock that was set back or forward lets every task begin at once.
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_periodicturn (name, began_at) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET began_at = EXCLUDED.began_at WHERE"
            " abs(extract(epoch FROM core_periodicturn.began_at - EXCLUDED.began_at)) >= %s"
            " RETURNING name",
            [name, now, seconds],
        )
        return cursor.fetchone() is not None
