"""Lanes come and go with their messages; kinds have gaps of their own and hear of failures."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import transaction

from freddy_admin.core.models import OutboxMessage
from freddy_admin.core.outbox import (
    LEASE_SECONDS,
    DueLane,
    NothingToSend,
    NotSent,
    NotYet,
    OutboxKind,
    SendFailure,
    outbox_drain,
    outbox_due_lanes,
    outbox_due_messages,
    outbox_enqueue,
    outbox_kind_register,
    outbox_lane_retry_now,
    override_outbox_kinds,
)
from tests.hand_clock import NOON, HandClock

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class Receiver:
    """A kind "news" whose messages fail as it is told; it remembers what it hears of."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.answers: list[tuple[int, object]] = []
        self.failures: list[tuple[int, SendFailure]] = []
        self.error: Exception | None = None
        self.prepare_error: Exception | None = None
        self.on_failure: Callable[[], object] = lambda: None

    def register(self) -> None:
        outbox_kind_register(
            OutboxKind(
                name="news",
                lane="news",
                lifetime=timedelta(days=7),
                gives_up_after=timedelta(hours=1),
                prepare=self.prepare,
                record_sent=lambda object_id, answer: self.answers.append((object_id, answer)),
                record_failure=self.record_failure,
                retry_delays=(timedelta(seconds=5), 10 * MINUTE),
            )
        )

    def prepare(self, object_id: int) -> Callable[[], object]:
        if self.prepare_error is not None:
            raise self.prepare_error
        return lambda: self.send(object_id)

    def send(self, object_id: int) -> str:
        if self.error is not None:
            raise self.error
        self.sent.append(object_id)
        return f"took {object_id}"

    def record_failure(self, object_id: int, failure: SendFailure) -> None:
        self.failures.append((object_id, failure))
        self.on_failure()


@pytest.fixture
def receiver(hand_clock: HandClock) -> Iterator[Receiver]:
    receiver = Receiver()
    with override_outbox_kinds():
        receiver.register()
        yield receiver


def enqueue(object_id: int, lane: str = "") -> None:
    with transaction.atomic():
        outbox_enqueue(kind="news", object_id=object_id, lane=lane)


def due_lane_names(**options: object) -> list[str]:
    return [lane.name for lane in outbox_due_lanes(limit=100, **options)]  # type: ignore[arg-type]


def test_lane_is_there_while_it_has_messages(receiver: Receiver) -> None:
    enqueue(1, "channel:1")
    enqueue(2, "channel:2")
    enqueue(3)
    assert due_lane_names() == ["channel:1", "channel:2", "news"]
    assert outbox_drain(lane="channel:2") == 1
    assert due_lane_names() == ["channel:1", "news"]


def test_due_lanes_are_found_by_one_statement_however_many_there_are(
    receiver: Receiver, django_assert_num_queries: Callable[..., object]
) -> None:
    for number in range(30):
        enqueue(number, f"channel:{number}")
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        assert len(due_lane_names(except_lanes=["channel:7"])) == 29


def test_lane_that_waits_longest_is_first_and_one_that_only_fails_is_marked(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue(1, "failing")
    receiver.error = NotSent("away")
    outbox_drain(lane="failing")
    hand_clock.advance(seconds=10)
    enqueue(2, "fresh")
    enqueue(3, "mixed")
    OutboxMessage.objects.filter(object_id=3).update(failing_since=NOON)
    enqueue(4, "mixed")
    assert outbox_due_lanes(limit=5) == [
        DueLane("failing", is_failing=True),
        DueLane("fresh", is_failing=False),
        DueLane("mixed", is_failing=False),
    ]


def test_message_that_another_process_sends_is_not_due(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    """The first gap is shorter than a lease: nobody is to look at it again and again."""
    enqueue(1)
    OutboxMessage.objects.update(
        lease_token="x", lease_until=NOON + timedelta(seconds=LEASE_SECONDS)
    )
    hand_clock.advance(seconds=60)
    assert not outbox_due_messages().exists()
    hand_clock.advance(seconds=60)
    assert outbox_due_messages("news").exists()


def test_message_of_a_kind_that_this_process_does_not_know_is_left_alone(
    receiver: Receiver,
) -> None:
    OutboxMessage.objects.create(
        lane="news", kind="of a newer version", object_id=1, requested_at=NOON, next_attempt_at=NOON
    )
    assert (due_lane_names(), outbox_drain(lane="news")) == ([], 0)


def test_what_the_sending_returned_is_recorded(receiver: Receiver) -> None:
    enqueue(1)
    outbox_drain(lane="news")
    assert receiver.answers == [(1, "took 1")]


def test_kind_has_gaps_of_its_own_of_which_the_last_repeats(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue(1)
    receiver.error = NotSent("away")
    for longest in (timedelta(seconds=5), 10 * MINUTE, 10 * MINUTE):
        outbox_drain(lane="news")
        next_attempt_at = OutboxMessage.objects.get().next_attempt_at
        assert next_attempt_at is not None
        assert 0.75 * longest <= next_attempt_at - hand_clock.at <= longest
        hand_clock.at = next_attempt_at


def test_kind_hears_of_each_failure_and_of_the_last(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue(1)
    receiver.error = NotSent("away")
    outbox_drain(lane="news")
    hand_clock.advance(seconds=5)
    receiver.error = NotSent("gone", is_permanent=True)
    outbox_drain(lane="news")
    (_, first), (_, last) = receiver.failures
    assert (first.is_given_up, first.error.reason, first.at) == (False, "away", NOON)
    assert (last.is_given_up, last.error.reason) == (True, "gone")


def test_unforeseen_error_is_told_as_a_fault_of_the_panel(receiver: Receiver) -> None:
    enqueue(1)
    receiver.error = ValueError("planted")
    outbox_drain(lane="news")
    assert receiver.failures[0][1].error.reason == "internal"


def test_failure_of_a_message_whose_lease_has_passed_on_changes_nothing(
    receiver: Receiver,
) -> None:
    enqueue(1)
    receiver.error = NotSent("away")
    receiver.on_failure = lambda: OutboxMessage.objects.update(lease_token="of another")
    outbox_drain(lane="news")
    assert OutboxMessage.objects.get().reason == ""


def test_failure_of_a_message_that_was_withdrawn_is_told_to_nobody(receiver: Receiver) -> None:
    enqueue(1)

    def withdraw() -> str:
        OutboxMessage.objects.all().delete()
        raise NotSent("away")

    receiver.send = lambda _object_id: withdraw()  # type: ignore[method-assign]
    outbox_drain(lane="news")
    assert receiver.failures == []


def test_message_that_is_to_wait_is_not_tried_and_counts_no_attempt(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    enqueue(1)
    receiver.prepare_error = NotYet(NOON + MINUTE)
    assert outbox_drain(lane="news") == 0
    row = OutboxMessage.objects.get()
    assert (row.attempts, row.next_attempt_at, row.lease_until) == (0, NOON + MINUTE, None)
    receiver.prepare_error = None
    hand_clock.at += MINUTE
    assert outbox_drain(lane="news") == 1


def test_message_about_something_that_is_over_is_deleted(receiver: Receiver) -> None:
    enqueue(1)
    receiver.prepare_error = NothingToSend()
    assert outbox_drain(lane="news") == 0
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize(
    ("asked", "shortest", "longest"), [(60, 60, 66), (1, 3.75, 5), (10**7, 86_400, 95_040)]
)
def test_nothing_is_sent_before_the_other_side_allowed_it(
    asked: int,
    shortest: float,
    longest: float,
    receiver: Receiver,
    hand_clock: HandClock,
) -> None:
    outbox_kind_register(
        OutboxKind(
            name="news",
            lane="news",
            lifetime=timedelta(days=7),
            gives_up_after=timedelta(days=7),
            prepare=receiver.prepare,
            record_sent=lambda _id, _answer: None,
            retry_delays=(timedelta(seconds=5),),
        )
    )
    enqueue(1)
    receiver.error = NotSent("busy", retry_after=timedelta(seconds=asked))
    outbox_drain(lane="news")
    next_attempt_at = OutboxMessage.objects.get().next_attempt_at
    assert next_attempt_at is not None
    assert shortest <= (next_attempt_at - NOON).total_seconds() <= longest


def test_receiver_that_answers_again_gets_what_failed_with_it_and_no_older_failure(
    receiver: Receiver, hand_clock: HandClock
) -> None:
    for object_id, failing_since in ((1, NOON - MINUTE), (2, NOON), (3, None)):
        enqueue(object_id)
        OutboxMessage.objects.filter(object_id=object_id).update(
            failing_since=failing_since, next_attempt_at=NOON + 60 * MINUTE
        )
    enqueue(4, "another lane")
    OutboxMessage.objects.filter(object_id=4).update(next_attempt_at=NOON + 60 * MINUTE)
    outbox_lane_retry_now("news")
    assert set(outbox_due_messages().values_list("object_id", flat=True)) == {3}
    outbox_lane_retry_now("news", failing_since=NOON)
    assert set(outbox_due_messages().values_list("object_id", flat=True)) == {2, 3}
