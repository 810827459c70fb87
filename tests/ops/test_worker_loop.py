"""The worker's loop: stops in order, and is patient with a database that is away."""

import logging
import os
import signal
import threading
from dataclasses import dataclass, field

import pytest
from django.conf import LazySettings
from django.db import InterfaceError, OperationalError

from freddy_admin.crypto.keyring import keyring_reset, public_key_text
from freddy_admin.ops.worker import Worker, back_off, ended_by_signals
from freddy_admin.sandbox.server import SandboxServer
from freddy_admin.sync.engine import Engine
from freddy_admin.sync.models import KeySync, WorkerBeat
from tests.ops.conftest import ImportFile, Run, secret


@dataclass
class FakeEngine:
    """Does what its script says, one entry a tick; then asks the loop to stop."""

    script: list[Exception | None]
    stopping: threading.Event
    running: int = 0
    name: str = "fake"
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

    def drain(self, *, wait: float) -> int:
        self.calls.append("drain")
        self.running -= 1
        return 1

    def stop(self) -> None:
        self.calls.append("stop")


class Hurried(threading.Event):
    """Does not wait, and remembers for how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


@pytest.mark.django_db
def test_it_takes_nothing_new_once_told_to_stop() -> None:
    stopping = threading.Event()
    engine = FakeEngine([None, None], stopping, running=2)
    assert Worker(engine, stopping).run()
    assert engine.calls == ["tick", "tick", "drain", "drain", "stop"]


@pytest.mark.django_db
def test_what_does_not_end_in_time_is_given_back() -> None:
    stopping = threading.Event()
    engine = FakeEngine([None], stopping, running=10**6)
    assert not Worker(engine, stopping, drain_seconds=0.0).run()
    assert engine.calls[-1] == "stop"


@pytest.mark.django_db
def test_a_database_that_is_away_is_waited_for_longer_and_longer() -> None:
    stopping = Hurried()
    away: list[Exception | None] = [OperationalError("x"), InterfaceError("x"), OperationalError()]
    engine = FakeEngine([*away, None, OperationalError(), None], stopping)
    assert Worker(engine, stopping).run()
    assert stopping.waits == [1, 2, 4, 1]


def test_the_wait_never_passes_half_a_minute() -> None:
    assert [back_off(failures) for failures in (1, 5, 6, 50)] == [1, 16, 30, 30]


@pytest.mark.django_db
def test_the_log_names_no_address(caplog: pytest.LogCaptureFixture) -> None:
    stopping = Hurried()
    engine = FakeEngine([OperationalError("freddy:pw@10.0.0.1"), None], stopping)
    Worker(engine, stopping).run()
    assert "OperationalError" in caplog.text
    assert "10.0.0.1" not in caplog.text


@pytest.mark.django_db
def test_a_database_without_writes_fills_no_log_and_its_return_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "freddy_admin.ops.worker")
    stopping, full = Hurried(), OperationalError("database or disk is full")
    engine = FakeEngine([*[full] * 20, None, full, None], stopping)
    Worker(engine, stopping).run()
    waits = "The worker waits for its database, which is full (OperationalError)"
    goes_on = "The worker goes on"
    said = [line for line in caplog.messages if line.startswith(("The worker",))]
    assert [line.startswith(waits) for line in said] == [True, False, True, False]
    assert [line.startswith(goes_on) for line in said] == [False, True, False, True]
    assert sum(seconds or 0 for seconds in stopping.waits[:20]) > 400  # it does not spin


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_ask_to_stop(number: signal.Signals) -> None:
    stopping = threading.Event()
    before = signal.getsignal(number)
    with ended_by_signals(stopping):
        os.kill(os.getpid(), number)
        assert stopping.is_set()
    assert signal.getsignal(number) is before


@pytest.mark.django_db
def test_imported_keys_are_checked_and_the_sign_is_taken_down(
    run: Run, key_file: ImportFile, sandbox: SandboxServer
) -> None:
    run("import_keys", str(key_file(f"Acme,Main,{secret()},,")))
    stopping = threading.Event()
    engine = Engine(parallel=2)
    beats: list[int] = []

    class Watched:
        name = engine.name
        busy = property(lambda self: engine.busy)
        drain = staticmethod(engine.drain)
        stop = staticmethod(engine.stop)

        def tick(self, *, wait: float) -> int:
            done = engine.tick(wait=wait)
            beats.append(WorkerBeat.objects.count())
            if done:
                stopping.set()
            return done

    assert Worker(Watched(), stopping).run()
    assert KeySync.objects.get().state == "up_to_date"
    assert beats[-1] == 1
    assert not WorkerBeat.objects.exists()


@pytest.mark.django_db
def test_without_a_private_key_it_does_not_start(run: Run, settings: LazySettings) -> None:
    settings.ENCRYPTION_PUBLIC_KEY = public_key_text(settings.ENCRYPTION_KEYS[0])
    settings.ENCRYPTION_KEYS = []
    ended = run("run_worker")
    keyring_reset()
    assert ended.code == 1
    assert "ENCRYPTION_KEYS" in ended.err
