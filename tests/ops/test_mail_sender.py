"""The worker sends mails beside its checks, and a mail server never holds it up."""

import threading

import pytest

from freddy_admin.ops import mail_sender
from freddy_admin.ops.mail_sender import MailSender
from freddy_admin.ops.worker_process import WorkerProcess
from tests.flows.wait import wait_until
from tests.ops.test_worker_process import FakeCheckLoop


@pytest.fixture
def slow_mail_server(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A mail server that responds once the event is set."""
    released = threading.Event()
    sendings: list[int] = []

    def send() -> int:
        sendings.append(len(sendings))
        assert released.wait(60)
        return 1

    monkeypatch.setattr(mail_sender, "_send_due_mails", send)
    released.sendings = sendings  # type: ignore[attr-defined]
    return released


def test_tick_never_waits_and_starts_no_second_sending(slow_mail_server: threading.Event) -> None:
    sender = MailSender(interval_seconds=0.0)
    for _ in range(50):
        sender.tick()
    assert sender._sending is not None
    assert not sender._sending.done()  # none of the fifty waited for the response
    assert wait_until(lambda: len(slow_mail_server.sendings) == 1)  # type: ignore[attr-defined]
    slow_mail_server.set()
    assert wait_until(lambda: bool(sender.tick() or len(slow_mail_server.sendings) > 1))  # type: ignore[attr-defined]
    sender.stop()


def test_failed_kind_of_mail_does_not_stop_the_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_error() -> int:
        raise RuntimeError("planted")

    # One kind of mail that fails does not keep the other from being sent.
    monkeypatch.setattr(mail_sender, "password_reset_requests_send_due", raise_error)
    monkeypatch.setattr(mail_sender, "invitations_send_due", lambda: 3)
    monkeypatch.setattr(mail_sender, "connections", _NoConnections())
    assert mail_sender._send_due_mails() == 3
    assert "RuntimeError" in caplog.text
    assert "planted" not in caplog.text


@pytest.mark.django_db
def test_worker_ticks_and_stops_its_background_tasks() -> None:
    class CountingTask:
        ticks = stops = 0

        def tick(self) -> None:
            CountingTask.ticks += 1

        def stop(self) -> None:
            CountingTask.stops += 1

    stopping = threading.Event()
    WorkerProcess(
        FakeCheckLoop([None, None], stopping), stopping, background_tasks=[CountingTask()]
    ).run()
    assert (CountingTask.ticks, CountingTask.stops) == (2, 1)


class _NoConnections:
    def close_all(self) -> None:
        """The test's own connection stays open."""
