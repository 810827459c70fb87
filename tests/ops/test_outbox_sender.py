"""The worker drains each lane beside its checks, and a server that hangs never holds it up."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import transaction

from freddy_admin.core.mail import MAIL_LANE
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import (
    OutboxKind,
    outbox_enqueue,
    outbox_kind_register,
    override_outbox_kinds,
)
from freddy_admin.ops import outbox_sender
from freddy_admin.ops.outbox_sender import OutboxSender
from freddy_admin.ops.worker_process import WorkerProcess
from freddy_admin.organisations.invitations import invitation_create
from tests.concurrency import IS_SQLITE, run_in_thread, shared_database
from tests.flows.wait import wait_until
from tests.ops.test_worker_process import FakeCheckLoop
from tests.organisations.conftest import ACTOR
from tests.organisations.test_organisation_races import organisation_alder_create
from tests.smtp_server import SmtpScript, mailing_by_smtp

__all__ = ["shared_database"]


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
        record_sent=lambda _object_id: None,
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
    senders = [OutboxSender(lane) for lane in (MAIL_LANE, "notes")]
    senders[0].queue.drain()
    assert hanging_smtp.hung.wait(60)
    run_in_thread(_enqueue_note)

    def start_both() -> bool:
        for sender in senders:
            sender.start()
        return note_sent.is_set()

    assert wait_until(start_both)
    assert senders[0].busy
    assert hanging_smtp.connections == 1  # no start began a second sending
    hanging_smtp.released.set()
    for sender in senders:
        sender.stop()
    assert wait_until(lambda: not any(sender.busy for sender in senders))
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
    sender = OutboxSender(MAIL_LANE)
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
