"""The worker drains each lane beside its checks, and a server that hangs never holds it up."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import InterfaceError, OperationalError, transaction

from freddy_admin.core import clock
from freddy_admin.core.log_formatting import LogThrottle
from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import (
    DueLane,
    OutboxKind,
    outbox_enqueue,
    outbox_kind_register,
    override_outbox_kinds,
)
from freddy_admin.core.tasks import (
    EmbeddedTasks,
    adapter_install,
    adapter_remove,
    due_queue_names,
)
from freddy_admin.ops import outbox_sender
from freddy_admin.ops.outbox_sender import THREADS, OutboxSender
from freddy_admin.ops.worker_process import TICK_SECONDS, WorkerProcess
from freddy_admin.organisations.invitations import invitation_create
from tests.concurrency import IS_SQLITE, run_in_thread, shared_database
from tests.flows.wait import wait_until
from tests.ops.test_worker_process import FakeCheckLoop
from tests.organisations.conftest import ACTOR
from tests.organisations.test_organisation_races import organisation_alder_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

__all__ = ["shared_database"]


@pytest.fixture(autouse=True)
def _log_every_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_sender, "warning_limit", LogThrottle())


@pytest.fixture
def hanging_smtp(settings: LazySettings) -> Iterator[SmtpScript]:
    with mailing_by_smtp(settings, SmtpScript(is_hanging=True)) as script:
        settings.EMAIL_TIMEOUT = 60
        yield script


@pytest.fixture
def note_sent() -> Iterator[threading.Event]:
    """A second lane of one kind, whose message sets the event."""
    sent = threading.Event()
    note = OutboxKind(
        name="note",
        lane="notes",
        lifetime=timedelta(hours=1),
        gives_up_after=timedelta(hours=1),
        prepare=lambda _object_id: sent.set,
        record_sent=lambda _object_id, _answer: None,
    )
    with override_outbox_kinds(beside_registered=True):
        outbox_kind_register(note)
        yield sent


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_hanging_mail_server_holds_up_neither_tick_nor_another_lane(
    hanging_smtp: SmtpScript, note_sent: threading.Event
) -> None:
    organisation = organisation_alder_create()
    run_in_thread(
        lambda: invitation_create(
            organisation=organisation, actor=ACTOR, email="new@example.org", role="viewer"
        )
    )
    sender = OutboxSender()
    run_in_thread(sender.queue.drain)
    assert hanging_smtp.hung.wait(60)
    run_in_thread(_enqueue_note)

    def start_again() -> bool:
        run_in_thread(sender.start)
        return note_sent.is_set()

    assert wait_until(start_again)
    assert wait_until(lambda: sender.busy_lanes == [MAIL_LANE])
    assert hanging_smtp.connections == 1  # no start began a second sending
    hanging_smtp.released.set()
    sender.stop()
    assert wait_until(lambda: not sender.busy)
    (message,) = run_in_thread(lambda: list(OutboxMessage.objects.all()))
    assert (message.lane, message.reason) == (MAIL_LANE, "no_answer")


def _enqueue_note() -> None:
    with transaction.atomic():
        outbox_enqueue(kind="note", object_id=1)


def test_drain_that_fails_is_logged_without_its_text_and_run_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[str] = []

    def drain(*, lane: str, **_options: object) -> int:
        runs.append(lane)
        raise RuntimeError("planted")

    monkeypatch.setattr(outbox_sender, "outbox_drain", drain)
    due_lanes = [DueLane(MAIL_LANE, is_failing=False)]
    monkeypatch.setattr(
        outbox_sender,
        "outbox_due_lanes",
        lambda *, except_lanes, **_options: [] if except_lanes else due_lanes,
    )
    sender = OutboxSender()
    assert wait_until(lambda: sender.start() or len(runs) > 1)
    sender.stop()
    assert wait_until(lambda: not sender.busy)
    assert "RuntimeError" in caplog.text
    assert "planted" not in caplog.text


@pytest.mark.django_db
def test_worker_stops_its_background_tasks() -> None:
    class CountingTask:
        stops = 0
        busy = False

        def stop(self) -> None:
            CountingTask.stops += 1

    stopping = threading.Event()
    WorkerProcess(
        FakeCheckLoop([None, None], stopping), stopping, background_tasks=[CountingTask()]
    ).run()
    assert CountingTask.stops == 1


@pytest.mark.django_db
def test_sending_that_does_not_end_in_time_does_not_hold_the_stop() -> None:
    class HangingTask:
        busy = True

        def stop(self) -> None:
            """Begins nothing more."""

    stopping = threading.Event()
    loop = FakeCheckLoop([None], stopping)
    tasks = [HangingTask()]
    worker = WorkerProcess(loop, stopping, drain_seconds=0.0, background_tasks=tasks)
    assert not worker.run()
    assert loop.calls[-1] == "stop"


class SlowLanes:
    """Lanes of which each message hangs until it is let go, but for those that are quick."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.quick_at: dict[int, float] = {}
        self.hanging: set[int] = set()

    def prepare(self, object_id: int) -> Callable[[], object]:
        return lambda: self.send(object_id)

    def send(self, object_id: int) -> None:
        if object_id < 100:
            self.hanging.add(object_id)
            self.released.wait(60)
        else:
            self.quick_at[object_id] = time.monotonic()


@pytest.fixture
def slow_lanes() -> Iterator[SlowLanes]:
    lanes = SlowLanes()
    kind = OutboxKind(
        name="slow",
        lane="slow",
        lifetime=timedelta(days=1),
        gives_up_after=timedelta(days=1),
        prepare=lanes.prepare,
        record_sent=lambda _id, _answer: None,
    )
    with override_outbox_kinds():
        outbox_kind_register(kind)
        yield lanes
        lanes.released.set()


def _enqueue_slow(*object_ids: int, is_failing: bool = False) -> None:
    with transaction.atomic():
        for object_id in object_ids:
            outbox_enqueue(kind="slow", object_id=object_id, lane=f"channel:{object_id}")
    if is_failing:
        now = clock.now()
        OutboxMessage.objects.filter(object_id__in=object_ids).update(failing_since=now)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_hanging_channel_delays_another_by_less_than_two_seconds(slow_lanes: SlowLanes) -> None:
    """In a worker's own loop, with a look every 0.4 s."""
    sender, tasks = OutboxSender(), EmbeddedTasks()
    tasks.add(sender.queue)
    adapter_install(tasks)
    try:
        run_in_thread(lambda: _enqueue_slow(1))
        assert wait_until(lambda: run_in_thread(tasks.run) or slow_lanes.hanging == {1})
        enqueued_at = time.monotonic()
        run_in_thread(lambda: _enqueue_slow(101))

        ticks = [enqueued_at]

        def tick() -> bool:
            if time.monotonic() - ticks[-1] >= TICK_SECONDS:
                run_in_thread(tasks.run)
                ticks.append(time.monotonic())
            return 101 in slow_lanes.quick_at

        assert wait_until(tick)
        assert slow_lanes.quick_at[101] - enqueued_at < 2
        assert wait_until(lambda: sender.busy_lanes == ["channel:1"])
    finally:
        adapter_remove(tasks)
        slow_lanes.released.set()
        sender.stop()
        assert wait_until(lambda: not sender.busy)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_channels_that_failed_before_get_half_of_the_threads(slow_lanes: SlowLanes) -> None:
    run_in_thread(lambda: _enqueue_slow(*range(1, 20), is_failing=True))
    sender = OutboxSender()
    run_in_thread(sender.start)
    assert wait_until(lambda: len(slow_lanes.hanging) == THREADS // 2)
    run_in_thread(lambda: _enqueue_slow(101, 102))
    run_in_thread(sender.start)
    assert wait_until(lambda: slow_lanes.quick_at.keys() == {101, 102})
    assert wait_until(lambda: len(sender.busy_lanes) == THREADS // 2)
    assert len(slow_lanes.hanging) == THREADS // 2
    # However many hang at once, the lane of a kind of its own is never without a thread.
    run_in_thread(lambda: _enqueue_slow(*range(30, 50)))
    run_in_thread(sender.start)
    assert wait_until(lambda: len(slow_lanes.hanging) == THREADS)
    run_in_thread(_enqueue_in_fixed_lane)
    run_in_thread(sender.start)
    assert wait_until(lambda: 200 in slow_lanes.quick_at)
    slow_lanes.released.set()
    sender.stop()
    assert wait_until(lambda: not sender.busy)


def _enqueue_in_fixed_lane() -> None:
    with transaction.atomic():
        outbox_enqueue(kind="slow", object_id=200)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_lane_in_hand_is_not_asked_for_again(slow_lanes: SlowLanes) -> None:
    sender = OutboxSender()
    run_in_thread(lambda: _enqueue_slow(1))
    run_in_thread(sender.start)
    assert wait_until(lambda: slow_lanes.hanging == {1})
    with_another = {"kind": "slow", "object_id": 2, "lane": "channel:1"}

    def enqueue_behind() -> bool:
        with transaction.atomic():
            outbox_enqueue(**with_another)  # type: ignore[arg-type]
        return sender.queue.name in due_queue_names([sender.queue])

    assert not run_in_thread(enqueue_behind)
    slow_lanes.released.set()
    sender.stop()
    assert wait_until(lambda: not sender.busy)
    assert run_in_thread(lambda: sender.queue.name in due_queue_names([sender.queue]))


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_database_connection_that_times_out_does_not_end_the_sender(
    slow_lanes: SlowLanes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [OperationalError("planted: timeout"), InterfaceError("planted: closed")]
    drain = outbox_sender.outbox_drain

    def drain_or_fail(**options: Any) -> int:
        if failures:
            raise failures.pop()
        return drain(**options)

    monkeypatch.setattr(outbox_sender, "outbox_drain", drain_or_fail)
    run_in_thread(lambda: _enqueue_slow(101))
    sender = OutboxSender()
    assert wait_until(lambda: run_in_thread(sender.start) or 101 in slow_lanes.quick_at)
    sender.stop()
    assert wait_until(lambda: not sender.busy)
    assert "planted" not in caplog.text
