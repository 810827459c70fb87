"""What waits until the answer is out: bounded, in its own thread, and its errors name nobody."""

import threading

import pytest

from freddy_admin.accounts import later as room
from freddy_admin.accounts.later import later


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AFTER_SECONDS", 0.0)


def test_it_is_done_in_another_thread() -> None:
    done, threads = threading.Event(), []

    def job() -> None:
        threads.append(threading.current_thread())
        done.set()

    later(job)
    assert done.wait(5)
    assert threads[0] is not threading.current_thread()


def test_what_goes_wrong_is_written_down_without_its_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(room, "_room", threading.BoundedSemaphore(1))

    def job() -> None:
        raise RuntimeError("ada@example.org")

    later(job)
    assert room._room.acquire(timeout=5)  # given back at its end
    assert "A mail was not sent: RuntimeError." in caplog.text
    assert "ada@" not in caplog.text


def test_only_so_many_may_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(room, "_room", threading.BoundedSemaphore(2))
    go, done = threading.Event(), []
    for number in range(5):
        later(lambda number=number: (go.wait(5), done.append(number)))  # type: ignore[misc]
    assert caplog.text.count("one was not sent") == 3
    go.set()
    for _ in range(2):
        assert room._room.acquire(timeout=5)
    assert sorted(done) == [0, 1]
