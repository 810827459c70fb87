"""The worker's process: stops in order, and waits for a database that is away."""

import logging
import os
import signal
import threading
import time
from dataclasses import dataclass, field

import pytest
from django.conf import LazySettings
from django.db import InterfaceError, OperationalError

from freddy_admin.crypto.keyring import keyring_reset, public_key_from_private_key
from freddy_admin.ops.stop_signals import stop_on_signals
from freddy_admin.ops.worker_process import WorkerProcess, back_off_seconds
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.worker.loop import WorkerLoop
from tests.flows.wait import DEADLINE_SECONDS, wait_until
from tests.ops.conftest import RunCommand, WriteKeyFile, sandbox_secret


@dataclass
class FakeCheckLoop:
    """Follows its script, one entry a tick, then sets `stopping`."""

    script: list[Exception | None]
    stopping: threading.Event
    running: int = 0
    name: str = "fake"
    pause_seconds: float = 0.0
    interruptions: int = 0
    calls: list[str] = field(default_factory=list)

    @property
    def busy(self) -> bool:
        return self.running > 0

    def tick(self, *, wait: float) -> int:
        self.calls.append("tick")
        step = self.script.pop(0)
        if not self.script:
            self.stopping.set()
        if step is not None:
            raise step
        return 0

    def interrupt(self) -> None:
        self.interruptions += 1

    def drain(self, *, wait: float) -> int:
        self.calls.append("drain")
        self.running -= 1
        return 1

    def stop(self) -> None:
        self.calls.append("stop")


class RecordingEvent(threading.Event):
    """An event that does not wait, and records for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


@pytest.mark.django_db
def test_stopping_worker_starts_no_new_check() -> None:
    stopping = threading.Event()
    loop = FakeCheckLoop([None, None], stopping, running=2)
    assert WorkerProcess(loop, stopping).run()
    assert loop.calls == ["tick", "tick", "drain", "drain", "stop"]


@pytest.mark.django_db
def test_checks_that_do_not_end_in_time_are_released() -> None:
    stopping = threading.Event()
    loop = FakeCheckLoop([None], stopping, running=10**6)
    assert not WorkerProcess(loop, stopping, drain_seconds=0.0).run()
    assert loop.calls[-1] == "stop"


@pytest.mark.django_db
def test_worker_backs_off_while_the_database_is_away() -> None:
    stopping = RecordingEvent()
    errors: list[Exception | None] = [
        OperationalError("x"),
        InterfaceError("x"),
        OperationalError(),
    ]
    loop = FakeCheckLoop([*errors, None, OperationalError(), None], stopping)
    assert WorkerProcess(loop, stopping).run()
    assert stopping.waits == [1, 2, 4, 1]


@pytest.mark.django_db
def test_a_job_that_comes_during_a_pause_ends_it() -> None:
    """Between two looks the worker rests, up to 0.4 s; a person does not wait for that."""
    stopping = threading.Event()
    loop = FakeCheckLoop([None, None], stopping, pause_seconds=DEADLINE_SECONDS)
    worker = WorkerProcess(loop, stopping)

    def bring_jobs() -> None:
        for ticks in (1, 2):
            assert wait_until(lambda ticks=ticks: loop.calls.count("tick") == ticks)
            worker.interrupt()

    begun_at = time.monotonic()
    bringing = threading.Thread(target=bring_jobs)
    bringing.start()
    worker.run()
    bringing.join()
    assert time.monotonic() - begun_at < DEADLINE_SECONDS / 2
    assert (loop.calls.count("tick"), loop.interruptions) == (2, 2)


def test_back_off_never_exceeds_half_a_minute() -> None:
    assert [back_off_seconds(failures) for failures in (1, 5, 6, 50)] == [1, 16, 30, 30]


@pytest.mark.django_db
def test_worker_log_names_no_database_address(caplog: pytest.LogCaptureFixture) -> None:
    stopping = RecordingEvent()
    loop = FakeCheckLoop([OperationalError("freddy:pw@10.0.0.1"), None], stopping)
    WorkerProcess(loop, stopping).run()
    assert "OperationalError" in caplog.text
    assert "10.0.0.1" not in caplog.text


@pytest.mark.django_db
def test_worker_logs_a_full_database_and_its_recovery_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "freddy_admin.ops.worker_process")
    stopping, disk_full_error = RecordingEvent(), OperationalError("database or disk is full")
    loop = FakeCheckLoop([*[disk_full_error] * 20, None, disk_full_error, None], stopping)
    WorkerProcess(loop, stopping).run()
    waiting_text = "The worker waits for its database, which is full (OperationalError)"
    recovered_text = "The worker goes on"
    messages = [line for line in caplog.messages if line.startswith(("The worker",))]
    assert [line.startswith(waiting_text) for line in messages] == [True, False, True, False]
    assert [line.startswith(recovered_text) for line in messages] == [False, True, False, True]
    assert sum(seconds or 0 for seconds in stopping.waits[:20]) > 400  # it does not spin


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_set_the_stopping_event(number: signal.Signals) -> None:
    stopping = threading.Event()
    previous_handler = signal.getsignal(number)
    with stop_on_signals(stopping.set):
        os.kill(os.getpid(), number)
        assert stopping.is_set()
    assert signal.getsignal(number) is previous_handler


@pytest.mark.django_db
def test_worker_checks_imported_keys_and_deletes_its_heartbeat(
    run_command: RunCommand, write_key_file: WriteKeyFile, sandbox: SandboxServer
) -> None:
    run_command("import_keys", str(write_key_file(f"Acme,Main,{sandbox_secret()},,")))
    stopping = threading.Event()
    loop = WorkerLoop(parallel=2)
    heartbeat_counts: list[int] = []

    class RecordingLoop:
        name = loop.name
        busy = property(lambda self: loop.busy)
        pause_seconds = 0.0
        drain = staticmethod(loop.drain)
        stop = staticmethod(loop.stop)

        def tick(self, *, wait: float) -> int:
            stored_count = loop.tick(wait=wait)
            heartbeat_counts.append(WorkerHeartbeat.objects.count())
            if stored_count:
                stopping.set()
            return stored_count

    assert WorkerProcess(RecordingLoop(), stopping).run()
    assert SyncStatus.objects.get().state == "up_to_date"
    assert heartbeat_counts[-1] == 1
    assert not WorkerHeartbeat.objects.exists()


@pytest.mark.django_db
def test_worker_without_a_private_key_does_not_start(
    run_command: RunCommand, settings: LazySettings
) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_from_private_key(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    result = run_command("run_worker")
    keyring_reset()
    assert result.code == 1
    assert "ENCRYPTION_KEYS" in result.err
