"""The worker sends mails beside its checks, and a mail server never holds it up."""

import threading

import pytest

from freddy_admin.ops import post
from freddy_admin.ops.post import Post
from freddy_admin.ops.worker import Worker
from tests.flows.waiting import until
from tests.ops.test_worker_loop import FakeEngine


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A mail server that answers when it is told to."""
    answer = threading.Event()
    rounds: list[int] = []

    def send() -> int:
        rounds.append(len(rounds))
        assert answer.wait(60)
        return 1

    monkeypatch.setattr(post, "_send", send)
    answer.rounds = rounds  # type: ignore[attr-defined]
    return answer


def test_a_tick_never_waits_and_begins_no_second_round(slow: threading.Event) -> None:
    box = Post(look_every=0.0)
    for _ in range(50):
        box.tick()
    assert box._round is not None
    assert not box._round.done()  # none of the fifty waited for the answer
    assert until(lambda: len(slow.rounds) == 1)  # type: ignore[attr-defined]
    slow.set()
    assert until(lambda: bool(box.tick() or len(slow.rounds) > 1))  # type: ignore[attr-defined]
    box.stop()


def test_a_round_that_breaks_is_followed_by_the_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> int:
        raise RuntimeError("planted")

    # One kind that breaks does not keep the other from being sent.
    monkeypatch.setattr(post, "resets_send_due", breaks)
    monkeypatch.setattr(post, "invitations_send_due", lambda: 3)
    monkeypatch.setattr(post, "connections", _NoConnections())
    assert post._send() == 3
    assert "RuntimeError" in caplog.text
    assert "planted" not in caplog.text


@pytest.mark.django_db
def test_the_worker_looks_after_it_and_stops_it() -> None:
    class Counted:
        ticks = stops = 0

        def tick(self) -> None:
            Counted.ticks += 1

        def stop(self) -> None:
            Counted.stops += 1

    stopping = threading.Event()
    Worker(FakeEngine([None, None], stopping), stopping, beside=[Counted()]).run()
    assert (Counted.ticks, Counted.stops) == (2, 1)


class _NoConnections:
    def close_all(self) -> None:
        """The test's own connection stays open."""
