"""The engine with a real PostgreSQL: its jobs, its listening, and what becomes of dead workers."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from freddy_admin.core.models import PeriodicTurn
from freddy_admin.core.task_engine import EngineTasks, notify_arrives
from freddy_admin.core.tasks import Queue, adapter_install, adapter_remove, wake
from tests.flows.wait import wait_until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'",
        reason="the engine is for PostgreSQL alone: make test-postgres",
    ),
]


class ListeningWorker:
    """A loop of one queue, `a`, which is run only when a job has come."""

    def __init__(self) -> None:
        self.drains = 0
        self.jobs = 0
        self.tasks = EngineTasks()
        # Never due by its rows: what is drained was named by a job.
        self.tasks.add(Queue("a", PeriodicTurn.objects.none, self._drain))

    def _drain(self) -> None:
        self.drains += 1

    def _job_came(self) -> None:
        self.jobs += 1

    def start(self) -> None:
        """Begin to listen, and wait until it does."""
        self.tasks.start(on_job=self._job_came)
        assert wait_until(lambda: query_rows("SELECT 1 FROM procrastinate_workers") != [])

    def run_until_drained(self, drains: int = 1) -> bool:
        """Run as the loop does after each call of `on_job`; whether so many drains came."""

        def run() -> bool:
            self.tasks.run(look=False)
            return self.drains >= drains

        return wait_until(run)

    def run_until_jobs_are_gone(self) -> bool:
        """Run as the loop does; whether every job came to its end."""

        def run() -> bool:
            self.tasks.run(look=False)
            return job_rows() == []

        return wait_until(run)


@pytest.fixture(autouse=True)
def _no_former_jobs() -> None:
    # Between tests Django empties the tables of its own models alone.
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


@pytest.fixture
def worker() -> Iterator[ListeningWorker]:
    worker = ListeningWorker()
    yield worker
    worker.tasks.stop()
    assert wait_until(lambda: not worker.tasks.busy)


def query_rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def job_rows() -> list[tuple[Any, ...]]:
    return query_rows(
        "SELECT queue_name, status::text FROM procrastinate_jobs WHERE task_name = 'wake'"
    )


@contextmanager
def another_connection() -> Iterator[Any]:
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


class TestJobs:
    def test_a_job_is_written_in_the_transaction_of_its_rows(self) -> None:
        with another_connection() as other, other.cursor() as cursor:
            with transaction.atomic():
                wake("a")
                cursor.execute("SELECT count(*) FROM procrastinate_jobs")
                assert cursor.fetchone() == (0,)
            cursor.execute("SELECT count(*) FROM procrastinate_jobs")
            assert cursor.fetchone() == (1,)

    def test_a_transaction_that_is_rolled_back_leaves_no_job(self) -> None:
        with transaction.atomic():
            wake("a")
            transaction.set_rollback(True)
        assert job_rows() == []

    def test_many_wakes_of_a_transaction_are_one_job_a_queue(self) -> None:
        with transaction.atomic():
            for queue in ("a", "b", "a", "a"):
                wake(queue)
        assert sorted(job_rows()) == [("a", "todo"), ("b", "todo")]

    def test_a_wake_behind_a_savepoint_that_is_rolled_back_is_a_job(self) -> None:
        with transaction.atomic():
            with transaction.atomic():
                wake("a")
                transaction.set_rollback(True)
            wake("a")
        assert job_rows() == [("a", "todo")]

    def test_two_transactions_that_wake_one_queue_do_not_wait_for_each_other(self) -> None:
        """A queueing lock would make the second wait, or end it with AlreadyEnqueued."""
        with another_connection() as other, other.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
            with transaction.atomic():
                wake("a")
                cursor.execute(
                    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW('a', 'wake', 0, NULL, NULL, '{}',"
                    " NULL)]::procrastinate_job_to_defer_v1[])"
                )
                wake("b")
        assert sorted(job_rows()) == [("a", "todo"), ("a", "todo"), ("b", "todo")]

    def test_a_worker_hears_its_own_wakes_without_a_job(self, worker: ListeningWorker) -> None:
        adapter_install(worker.tasks)
        try:
            wake("a")
        finally:
            adapter_remove(worker.tasks)
        assert (worker.tasks.is_woken, job_rows()) == (True, [])


class TestListening:
    def test_a_job_drains_its_queue_and_goes(self, worker: ListeningWorker) -> None:
        worker.start()
        wake("a")
        assert worker.run_until_drained()
        assert worker.run_until_jobs_are_gone()

    def test_a_job_comes_long_before_one_would_look_for_it(self, worker: ListeningWorker) -> None:
        """By NOTIFY: without, the engine looks every five seconds."""
        worker.start()
        wake("a")
        assert worker.run_until_drained(1)
        seconds = []
        for number in range(2, 7):
            begun = time.monotonic()
            wake("a")
            assert worker.run_until_drained(number)
            seconds.append(time.monotonic() - begun)
        assert sorted(seconds)[2] < 1.0

    def test_a_job_of_an_unknown_queue_goes_without_harm(self, worker: ListeningWorker) -> None:
        worker.start()
        wake("unknown")
        wake("a")
        assert worker.run_until_drained()
        assert worker.run_until_jobs_are_gone()

    def test_a_job_that_a_stopping_worker_has_not_done_is_given_back(
        self, worker: ListeningWorker
    ) -> None:
        worker.start()
        wake("a")
        assert wait_until(lambda: worker.jobs == 1)
        worker.tasks.stop()
        assert wait_until(lambda: not worker.tasks.busy)
        assert job_rows() == [("a", "todo")]
        assert query_rows("SELECT 1 FROM procrastinate_workers") == []

    def test_a_broken_connection_is_begun_again_and_said(
        self, worker: ListeningWorker, caplog: pytest.LogCaptureFixture
    ) -> None:
        worker.start()
        with caplog.at_level(logging.WARNING):
            for number in range(1, 3):
                query_rows(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
                wake("a")
                assert worker.run_until_drained(number)
                # Else the next break may meet the end of this job, which is then taken up late.
                assert worker.run_until_jobs_are_gone()

    def test_jobs_of_a_worker_that_died_are_done_by_another(self, worker: ListeningWorker) -> None:
        wake("a")
        query_rows(
            "WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '21 s') RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = dead.id FROM dead"
            " RETURNING 1"
        )
        begun_at = time.monotonic()
        worker.start()
        assert worker.run_until_drained()
        assert time.monotonic() - begun_at < 40 - 21
        assert worker.run_until_jobs_are_gone()

    def test_a_notify_arrives_by_a_direct_connection(self) -> None:
        assert asyncio.run(notify_arrives())


class TestPeriodicTasks:
    def test_of_two_workers_one_runs_a_task_in_each_period(self) -> None:
        runs: list[str] = []
        workers = {name: EngineTasks() for name in ("first", "second")}
        for name, tasks in workers.items():
            tasks.every(60, lambda name=name: runs.append(name))  # type: ignore[misc]
        for _ in range(3):
            for tasks in workers.values():
                tasks.run()
        assert runs == ["first"]

    def test_a_task_of_each_worker_runs_in_each(self) -> None:
        runs: list[str] = []
        for name in ("first", "second"):
            tasks = EngineTasks()
            tasks.every(60, lambda name=name: runs.append(name), in_each_worker=True)  # type: ignore[misc]
            tasks.run()
        assert runs == ["first", "second"]

    def test_tasks_of_one_name_are_told_apart(self) -> None:
        runs: list[int] = []
        tasks = EngineTasks()
        for number in range(3):
            tasks.every(60, lambda number=number: runs.append(number))  # type: ignore[misc]
        tasks.run()
        assert runs == [0, 1, 2]
        assert PeriodicTurn.objects.count() == 3
