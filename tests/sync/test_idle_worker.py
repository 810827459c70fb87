"""A worker with nothing to do: at most 4 statements a tick, its periodic tasks included."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.ops.alert_jobs import alert_jobs_add
from freddy_admin.ops.outbox_sender import OutboxSender
from freddy_admin.ops.worker_process import TICK_SECONDS
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import HandClock
from tests.sync.scripted_load import ScriptedClient

MAX_STATEMENTS = 4


@contextmanager
def statements_recorded() -> Iterator[list[str]]:
    """The statements of this connection, those included that begin and end transactions.

    SQLite is asked itself; psycopg sends no BEGIN outside a transaction of Django's, and those are
    in Django's own record.
    """
    statements: list[str] = []
    connection.ensure_connection()
    if isinstance(connection.connection, sqlite3.Connection):
        connection.connection.set_trace_callback(statements.append)
        try:
            yield statements
        finally:
            connection.connection.set_trace_callback(None)
        return
    with CaptureQueriesContext(connection) as queries:
        yield statements
        statements += [query["sql"] for query in queries]


@pytest.fixture
def idle_loop(key: ApiKey, hand_clock: HandClock) -> Iterator[WorkerLoop]:
    """A worker that has checked its one key and has done all that is done at a start."""
    client = ScriptedClient(hand_clock, hanging_seconds=60)
    worker_loop = WorkerLoop(
        client=client,  # type: ignore[arg-type]
        parallel=2,
        name="test",
        monotonic=lambda: hand_clock.at.timestamp(),
    )
    alert_jobs_add(worker_loop.tasks)
    worker_loop.tasks.add(OutboxSender().queue)
    worker_loop.tick(wait=0)
    client.advance(1)
    while worker_loop.busy:
        worker_loop.tick(wait=0.01)
    yield worker_loop
    client.stop()
    worker_loop.stop()


@pytest.mark.django_db
def test_an_idle_tick_asks_once_whether_anything_is_due(
    idle_loop: WorkerLoop, hand_clock: HandClock
) -> None:
    idle_loop.tick(wait=0)
    hand_clock.advance(seconds=TICK_SECONDS)
    with statements_recorded() as statements:
        idle_loop.tick(wait=0)
    assert len(statements) == 1
    assert statements[0].startswith("SELECT EXISTS")


@pytest.mark.django_db
def test_an_idle_minute_has_at_most_four_statements_a_tick_on_average(
    idle_loop: WorkerLoop, hand_clock: HandClock
) -> None:
    ticks = int(60 / TICK_SECONDS)
    with statements_recorded() as statements:
        for _ in range(ticks):
            hand_clock.advance(seconds=TICK_SECONDS)
            idle_loop.tick(wait=0)
    assert len(statements) <= MAX_STATEMENTS * ticks
    # Most of them are the question whether anything is due.
    assert sum(sql.startswith("SELECT EXISTS") for sql in statements) >= ticks


def test_a_tick_comes_so_often_that_what_a_person_asks_for_begins_within_half_a_second() -> None:
    assert TICK_SECONDS < 0.5
