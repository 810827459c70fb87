"""The contract of the task port: every adapter passes these tests."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import clock
from freddy_admin.core.compiled_queries import Moment
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.task_engine import EngineTasks
from freddy_admin.core.tasks import (
    EmbeddedTasks,
    Queue,
    adapter_install,
    adapter_remove,
    due_queue_names,
    wake,
)
from tests.hand_clock import HandClock, hand_clock_block

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CREATE_ADAPTER: dict[str, Callable[[], EmbeddedTasks]] = {
    "embedded": EmbeddedTasks,
    "engine": EngineTasks,
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def hand_clock() -> Iterator[HandClock]:
    with hand_clock_block(NOON) as source:
        yield source


@pytest.fixture(params=CREATE_ADAPTER)
def tasks(request: pytest.FixtureRequest, hand_clock: HandClock) -> Iterator[EmbeddedTasks]:
    if request.param == "engine" and connection.vendor != "postgresql":
        pytest.skip("the engine is for PostgreSQL alone: make test-postgres")
    adapter = CREATE_ADAPTER[request.param]()
    adapter_install(adapter)
    yield adapter
    adapter_remove(adapter)


class Rows:
    """Rows that wait in a lane, and a drain that takes `room` of them at a time."""

    def __init__(self, tasks: EmbeddedTasks, lane: str, *, room: int = 1) -> None:
        self.lane, self.room, self.drains = lane, room, 0
        self.error: Exception | None = None
        self.done: list[int] = []
        tasks.add(Queue(lane, self.due, self.drain))

    def due(self, now: Moment) -> QuerySet[OutboxMessage]:
        return OutboxMessage.objects.filter(lane=self.lane, requested_at__lte=now)

    def write(self, count: int = 1) -> None:
        now, first_id = clock.now(), OutboxMessage.objects.count()
        OutboxMessage.objects.bulk_create(
            OutboxMessage(lane=self.lane, kind=self.lane, object_id=first_id + n, requested_at=now)
            for n in range(count)
        )

    def drain(self) -> bool:
        self.drains += 1
        if self.error is not None:
            raise self.error
        ids = list(OutboxMessage.objects.filter(lane=self.lane).values_list("pk")[: self.room])
        for (pk,) in ids:
            OutboxMessage.objects.filter(pk=pk).delete()
            self.done.append(pk)
        return bool(ids)


class TestQueues:
    def test_rows_are_drained_though_nobody_woke_anything(self, tasks: EmbeddedTasks) -> None:
        """They may have been written by another process, or the wake was lost."""
        rows = Rows(tasks, "a", room=9)
        rows.write()
        tasks.run()
        assert len(rows.done) == 1

    def test_a_queue_without_due_rows_is_not_drained(self, tasks: EmbeddedTasks) -> None:
        rows, other_rows = Rows(tasks, "a"), Rows(tasks, "b", room=9)
        other_rows.write()
        tasks.run()
        assert (rows.drains, other_rows.drains) == (0, 1)

    def test_a_drain_is_repeated_until_nothing_is_due(self, tasks: EmbeddedTasks) -> None:
        rows = Rows(tasks, "a", room=1)
        rows.write(3)
        for _ in range(9):
            tasks.run()
        assert (len(rows.done), rows.drains) == (3, 4)

    def test_a_wake_is_heard_once_its_transaction_is_committed(
        self, tasks: EmbeddedTasks, django_capture_on_commit_callbacks: Callable[..., object]
    ) -> None:
        rows = Rows(tasks, "a", room=9)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            with transaction.atomic():
                rows.write()
                wake("a")
            assert not tasks.is_woken
        assert tasks.is_woken
        tasks.run(look=False)
        assert (len(rows.done), tasks.is_woken) == (1, False)

    def test_a_wake_of_a_transaction_that_is_rolled_back_is_not_heard(
        self, tasks: EmbeddedTasks, django_capture_on_commit_callbacks: Callable[..., object]
    ) -> None:
        capture = django_capture_on_commit_callbacks(execute=True)
        with capture, transaction.atomic():  # type: ignore[attr-defined]
            wake("a")
            transaction.set_rollback(True)
        assert not tasks.is_woken

    def test_a_wake_without_rows_or_of_a_queue_drained_elsewhere_does_no_harm(
        self, tasks: EmbeddedTasks
    ) -> None:
        rows = Rows(tasks, "a")
        for name in ("a", "unknown"):
            tasks.wake(name)
        tasks.run()
        assert (rows.drains, rows.done) == (1, [])

    def test_two_workers_side_by_side_do_each_row_once(self, tasks: EmbeddedTasks) -> None:
        other_tasks = type(tasks)()
        rows, other_rows = Rows(tasks, "a", room=2), Rows(other_tasks, "a", room=2)
        rows.write(7)
        for _ in range(5):
            tasks.run()
            other_tasks.run()
        done = rows.done + other_rows.done
        assert (len(done), len(set(done))) == (7, 7)

    def test_a_drain_that_breaks_holds_up_no_other_and_is_tried_again(
        self, tasks: EmbeddedTasks, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, sound = Rows(tasks, "a", room=9), Rows(tasks, "b", room=9)
        broken.write()
        sound.write()
        broken.error = RuntimeError("planted")
        with caplog.at_level(logging.ERROR):
            tasks.run()
        assert len(sound.done) == 1
        assert "RuntimeError" in caplog.text
        assert "planted" not in caplog.text
        broken.error = None
        tasks.run()
        assert len(broken.done) == 1

    def test_an_error_of_the_database_comes_through(self, tasks: EmbeddedTasks) -> None:
        rows = Rows(tasks, "a", room=9)
        rows.write()
        rows.error = DatabaseError()
        with pytest.raises(DatabaseError):
            tasks.run()
        rows.error = None
        tasks.run()
        assert len(rows.done) == 1

    def test_all_queues_are_looked_at_by_one_statement(self, tasks: EmbeddedTasks) -> None:
        for lane in "abcdefgh":
            Rows(tasks, lane)
        with CaptureQueriesContext(connection) as queries:
            tasks.run()
        assert len(queries) == 1

    def test_rows_become_due_as_time_goes_by(
        self, tasks: EmbeddedTasks, hand_clock: HandClock
    ) -> None:
        """The question is compiled once, and its moment is of each look."""
        rows = Rows(tasks, "a", room=9)
        with clock.override_clock(lambda: NOON + timedelta(minutes=1)):
            rows.write()
        tasks.run()
        tasks.run()
        assert rows.drains == 0
        hand_clock.advance(minutes=1)
        tasks.run()
        assert len(rows.done) == 1

    def test_a_queue_is_asked_anew_where_its_arguments_changed(self, tasks: EmbeddedTasks) -> None:
        excluded, drains = {"a"}, list[int]()
        tasks.add(
            Queue(
                "all",
                lambda now, *lanes: OutboxMessage.objects.exclude(lane__in=lanes).filter(
                    requested_at__lte=now
                ),
                lambda: drains.append(1),
                lambda: tuple(excluded),
            )
        )
        Rows(EmbeddedTasks(), "a").write()
        tasks.run()
        assert drains == []
        excluded.clear()
        tasks.run()
        assert drains == [1]

    def test_without_a_queue_nothing_is_asked(self, tasks: EmbeddedTasks) -> None:
        with CaptureQueriesContext(connection) as queries:
            tasks.run()
            assert due_queue_names([]) == set()
        assert len(queries) == 0


class TestPeriodicTasks:
    def test_a_task_runs_at_the_start_and_then_once_a_period(
        self, tasks: EmbeddedTasks, hand_clock: HandClock
    ) -> None:
        runs: list[datetime] = []
        tasks.every(60, lambda: runs.append(clock.now()))
        for seconds in (0, 59, 1, 30, 30):
            hand_clock.advance(seconds=seconds)
            tasks.run()
        assert runs == [NOON, NOON + timedelta(seconds=60), NOON + timedelta(seconds=120)]

    def test_a_period_is_of_real_seconds_where_the_panels_clock_is_faster(
        self, tasks: EmbeddedTasks
    ) -> None:
        source, runs = HandClock(NOON), list[int]()
        tasks.every(60, lambda: runs.append(1))
        with clock.override_clock(source, speed=10):
            for minutes in (0, 9, 1):
                source.advance(minutes=minutes)
                tasks.run()
        assert len(runs) == 2

    def test_a_clock_that_was_set_back_lets_a_task_run_at_once(
        self, tasks: EmbeddedTasks, hand_clock: HandClock
    ) -> None:
        runs: list[int] = []
        tasks.every(60, lambda: runs.append(1))
        tasks.run()
        hand_clock.advance(days=-1)
        tasks.run()
        assert len(runs) == 2

    def test_a_task_with_more_to_do_is_run_again_at_once(self, tasks: EmbeddedTasks) -> None:
        left = [2, 1, 0]
        tasks.every(60, lambda: left.pop(0))
        for _ in range(5):
            tasks.run()
        assert left == []

    def test_a_task_that_breaks_holds_up_no_other_and_waits_for_its_next_time(
        self, tasks: EmbeddedTasks, hand_clock: HandClock
    ) -> None:
        runs: list[str] = []

        def break_task() -> None:
            runs.append("broken")
            raise RuntimeError

        tasks.every(60, break_task)
        tasks.every(60, lambda: runs.append("sound"))
        tasks.run()
        tasks.run()
        assert runs == ["broken", "sound"]

    def test_a_task_that_met_an_error_of_the_database_is_run_again_at_once(
        self, tasks: EmbeddedTasks
    ) -> None:
        errors: list[Exception | None] = [DatabaseError(), None]

        def task() -> None:
            error = errors.pop(0)
            if error is not None:
                raise error

        tasks.every(60, task)
        with pytest.raises(DatabaseError):
            tasks.run()
        tasks.run()
        tasks.run()
        assert errors == []

    def test_tasks_run_in_their_order_and_before_the_queues(self, tasks: EmbeddedTasks) -> None:
        order: list[str] = []
        rows = Rows(tasks, "a")
        tasks.every(60, lambda: order.append("first"))
        tasks.every(60, rows.write)
        tasks.run()
        assert (order, len(rows.done)) == (["first"], 1)


def test_a_wake_in_a_process_without_a_worker_is_heard_by_nobody() -> None:
    adapter = EmbeddedTasks()
    adapter_install(adapter)
    adapter_remove(adapter)
    adapter_remove(adapter)
    wake("a")
    assert not adapter.is_woken
