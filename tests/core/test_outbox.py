"""The outbox: written with its change, sent once, tried again, given up with a reason."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from freddy_admin.core.clock_skew import override_clock_trust
from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import (
    LEASE_SECONDS,
    NothingToSend,
    NotSent,
    OutboxKind,
    outbox_cancel,
    outbox_drain,
    outbox_enqueue,
    outbox_kind_register,
    outbox_lane_state,
    outbox_prune,
    override_outbox_kinds,
)
from freddy_admin.core.outbox_kinds import outbox_kinds
from tests.concurrency import IS_SQLITE, run_concurrently, run_in_thread, shared_database
from tests.hand_clock import NOON, HandClock

__all__ = ["shared_database"]
pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=LEASE_SECONDS)
HOUR = timedelta(hours=1)


class Receiver:
    """What a lane sends to: it remembers ids, and fails as it is told."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.recorded: list[int] = []
        self.error: Exception | None = None
        self.on_send: Callable[[], object] = lambda: None
        self.missing: set[int] = set()

    def prepare(self, object_id: int) -> Callable[[], object]:
        if object_id in self.missing:
            raise NothingToSend
        return partial(self._send, object_id)

    def _send(self, object_id: int) -> None:
        self.on_send()
        if self.error is not None:
            raise self.error
        self.sent.append(object_id)

    def register(self, lane: str) -> None:
        outbox_kind_register(
            OutboxKind(
                name=f"{lane}-note",
                lane=lane,
                lifetime=timedelta(days=7),
                gives_up_after=timedelta(days=2),
                prepare=self.prepare,
                record_sent=lambda object_id, _answer: self.recorded.append(object_id),
            )
        )


@pytest.fixture
def receiver(hand_clock: HandClock) -> Iterator[Receiver]:
    receiver = Receiver()
    with override_outbox_kinds():
        receiver.register("a")
        yield receiver


def enqueue(object_id: int = 1, lane: str = "a") -> None:
    with transaction.atomic():
        outbox_enqueue(kind=f"{lane}-note", object_id=object_id)


def drain_a() -> int:
    return outbox_drain(lane="a")


def test_message_is_sent_once_and_its_row_goes(receiver: Receiver) -> None:
    enqueue()
    assert [drain_a(), drain_a()] == [1, 0]
    assert (receiver.sent, receiver.recorded) == ([1], [1])
    assert not OutboxMessage.objects.exists()


def test_message_of_a_change_that_is_rolled_back_is_never_sent(receiver: Receiver) -> None:
    def change_and_fail() -> None:
        with transaction.atomic():
            outbox_enqueue(kind="a-note", object_id=1)
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert drain_a() == 0
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_message_outside_a_transaction_is_refused(receiver: Receiver) -> None:
    with pytest.raises(TransactionManagementError):
        outbox_enqueue(kind="a-note", object_id=1)


def test_row_holds_kind_and_id_and_no_text(receiver: Receiver) -> None:
    assert {field.name for field in OutboxMessage._meta.fields} == {
        *("id", "lane", "kind", "object_id", "party", "requested_at", "next_attempt_at"),
        *("attempts", "failing_since", "given_up_at", "reason", "lease_token", "lease_until"),
    }


def test_failed_message_is_tried_again_after_growing_gaps(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    retry_delay = outbox_kinds()["a-note"].retry_delay
    delays = [retry_delay(n).total_seconds() for n in (1, 2, 3, 7, 10**6)]
    assert delays == [30, 60, 120, 1800, 1800]
    enqueue()
    receiver.error = NotSent("no_answer")
    for attempts in range(1, 8):
        assert drain_a() == 0
        message = OutboxMessage.objects.get()
        assert (message.attempts, message.reason) == (attempts, "no_answer")
        assert message.next_attempt_at is not None
        delay = message.next_attempt_at - hand_clock.at
        assert retry_delay(attempts) * 0.75 <= delay <= retry_delay(attempts)
        assert drain_a() == 0  # not before its time
        assert OutboxMessage.objects.get().attempts == attempts
        hand_clock.at = message.next_attempt_at
    receiver.error = None
    assert drain_a() == 1


def test_gaps_of_messages_that_failed_together_differ(receiver: Receiver) -> None:
    for object_id in range(10):
        enqueue(object_id)
    receiver.error = NotSent("no_answer")
    drain_a()
    assert len(set(OutboxMessage.objects.values_list("next_attempt_at", flat=True))) > 1


def test_message_that_fails_for_two_days_is_given_up_with_its_reason(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue()
    # The worker was away at first: that counts for nothing.
    hand_clock.at += 3 * 24 * HOUR
    first_attempt_at = hand_clock.at
    receiver.error = NotSent("no_answer")
    for _ in range(500):
        drain_a()
        message = OutboxMessage.objects.get()
        if message.next_attempt_at is None:
            break
        hand_clock.at = message.next_attempt_at
    assert message.given_up_at is not None
    assert timedelta(hours=47) < message.given_up_at - first_attempt_at <= timedelta(hours=48)
    assert (message.reason, message.failing_since) == ("no_answer", first_attempt_at)
    state = outbox_lane_state("a")
    assert (state.waiting, state.given_up) == (0, {"no_answer": 1})
    receiver.error = None
    assert drain_a() == 0


def test_permanent_refusal_is_given_up_at_once_and_sent_when_asked_for_again(
    receiver: Receiver,
) -> None:
    enqueue()
    receiver.error = NotSent("address_refused", is_permanent=True)
    drain_a()
    assert OutboxMessage.objects.get().given_up_at == NOON
    receiver.error = None
    assert drain_a() == 0
    enqueue()
    message = OutboxMessage.objects.get()
    assert (message.given_up_at, message.reason, message.attempts) == (None, "", 0)
    assert drain_a() == 1


def test_one_failing_message_holds_up_no_other(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    enqueue(1)
    enqueue(2)
    receiver.error = ValueError("planted: ann@example.org")
    attempts = iter([None, lambda: setattr(receiver, "error", None)])

    def succeed_the_second_time() -> None:
        if (step := next(attempts)) is not None:
            step()

    receiver.on_send = succeed_the_second_time
    assert drain_a() == 1
    assert OutboxMessage.objects.get().reason == "internal"
    assert "ValueError" in caplog.text
    assert "planted" not in caplog.text


def test_message_about_something_that_is_gone_is_deleted_unsent(receiver: Receiver) -> None:
    enqueue()
    receiver.missing.add(1)
    assert drain_a() == 0
    assert (receiver.sent, OutboxMessage.objects.count()) == ([], 0)


def test_message_past_its_lifetime_is_not_sent_and_pruned_once_the_clock_is_trusted(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue()
    hand_clock.at += timedelta(days=7, seconds=1)
    assert drain_a() == 0
    assert outbox_prune() == 0
    with override_clock_trust():
        assert outbox_prune() == 1


def test_given_up_message_is_shown_for_a_week(
    receiver: Receiver, hand_clock: HandClock, trusted_clock: None
) -> None:
    enqueue()
    receiver.error = NotSent("address_refused", is_permanent=True)
    drain_a()
    hand_clock.at += timedelta(days=7)
    assert outbox_prune() == 0
    hand_clock.at += timedelta(seconds=1)
    assert outbox_prune() == 1


def test_message_asked_for_again_while_it_is_sent_is_sent_again(receiver: Receiver) -> None:
    enqueue()
    receiver.on_send = enqueue
    assert drain_a() == 0  # sent, and asked for since
    assert receiver.recorded == [1]
    receiver.on_send = lambda: None
    assert drain_a() == 1
    assert receiver.sent == [1, 1]


def test_message_withdrawn_while_it_is_sent_stays_withdrawn(receiver: Receiver) -> None:
    enqueue()
    receiver.on_send = lambda: outbox_cancel(kind="a-note", object_ids=[1])
    assert drain_a() == 0
    assert not OutboxMessage.objects.exists()


def test_lease_is_held_alone_and_expires(receiver: Receiver, hand_clock: HandClock) -> None:
    enqueue()
    receiver.on_send = _KilledWhileSending.raise_it
    with pytest.raises(_KilledWhileSending):
        drain_a()
    receiver.on_send = lambda: None
    hand_clock.at += LEASE - timedelta(seconds=1)
    assert drain_a() == 0
    hand_clock.at += timedelta(seconds=1)
    assert drain_a() == 1


class _KilledWhileSending(BaseException):
    """Ends a drain as a kill does: nothing is stored."""

    @classmethod
    def raise_it(cls) -> None:
        raise cls


def test_lease_written_by_a_clock_that_was_ahead_holds_nothing(receiver: Receiver) -> None:
    enqueue()
    OutboxMessage.objects.update(lease_token="x", lease_until=NOON + timedelta(days=365))
    assert drain_a() == 1


def test_holder_that_wakes_up_late_sends_nothing(
    receiver: Receiver, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue()
    prepare = receiver.prepare

    def prepare_and_sleep(object_id: int) -> Callable[[], object]:
        hand_clock.at += LEASE
        return prepare(object_id)

    monkeypatch.setattr(receiver, "prepare", prepare_and_sleep)
    receiver.register("a")
    assert (drain_a(), receiver.sent) == (0, [])
    monkeypatch.undo()


def test_holder_whose_lease_has_passed_on_changes_nothing(receiver: Receiver) -> None:
    enqueue()
    prepare = receiver.prepare

    def prepare_after_another_claim(object_id: int) -> Callable[[], object]:
        OutboxMessage.objects.update(lease_token="of another")
        OutboxMessage.objects.create(
            lane="a", kind="written by prepare", object_id=1, requested_at=NOON
        )
        return prepare(object_id)

    outbox_kind_register(
        OutboxKind(
            name="a-note",
            lane="a",
            lifetime=HOUR,
            gives_up_after=HOUR,
            prepare=prepare_after_another_claim,
            record_sent=lambda object_id, _answer: receiver.recorded.append(object_id),
        )
    )
    assert (drain_a(), receiver.sent, receiver.recorded) == (0, [], [])
    assert not OutboxMessage.objects.filter(kind="written by prepare").exists()


def test_drain_begins_no_message_once_it_is_to_stop(receiver: Receiver) -> None:
    enqueue(1)
    enqueue(2)
    assert outbox_drain(lane="a", is_stopping=lambda: bool(receiver.sent)) == 1
    assert receiver.sent == [1]


def test_lane_that_fails_holds_up_its_own_messages_alone(receiver: Receiver) -> None:
    other = Receiver()
    other.register("b")
    receiver.error = NotSent("no_answer")
    enqueue(1)
    enqueue(1, lane="b")
    assert (drain_a(), outbox_drain(lane="b")) == (0, 1)
    assert (outbox_lane_state("a").waiting, outbox_lane_state("b").waiting) == (1, 0)


def test_lane_with_nothing_due_takes_one_statement(
    receiver: Receiver, django_assert_num_queries: Callable[..., object]
) -> None:
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        drain_a()


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
@pytest.mark.parametrize("_round", range(3))
def test_workers_that_drain_at_once_send_each_message_once(_round: int, receiver: Receiver) -> None:
    ids = list(range(1, 16))

    def enqueue_all() -> None:
        for object_id in ids:
            enqueue(object_id)

    run_in_thread(enqueue_all)
    counts = run_concurrently([drain_a] * 4)
    assert sorted(receiver.sent) == ids
    assert sum(counts) == len(ids)
    assert run_in_thread(OutboxMessage.objects.count) == 0


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_requests_made_while_workers_drain_are_all_sent(receiver: Receiver) -> None:
    def ask_again_and_again() -> int:
        for object_id in range(1, 31):
            enqueue(1 + object_id % 5)
        return 0

    run_concurrently([ask_again_and_again, ask_again_and_again, drain_a, drain_a, drain_a])
    run_in_thread(drain_a)
    assert set(receiver.sent) == {1, 2, 3, 4, 5}
    assert run_in_thread(OutboxMessage.objects.count) == 0


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=not IS_SQLITE)
def test_failed_attempt_of_one_worker_is_repeated_by_no_other(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    attempts = list[int]()
    receiver.on_send = lambda: attempts.append(1)
    receiver.error = NotSent("no_answer")
    run_in_thread(enqueue)
    for number in (1, 2, 3):
        assert run_concurrently([drain_a] * 4) == [0] * 4
        assert len(attempts) == number
        hand_clock.advance(minutes=2 * number)
    receiver.error = None
    assert sum(run_concurrently([drain_a] * 4)) == 1
    assert receiver.sent == [1]
