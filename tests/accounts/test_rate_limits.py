"""The limits on guesses: windows slide, refusals do not count, and no two count as one."""

from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from freddy_admin.accounts.auth.rate_limits import (
    CountedAttempt,
    attempt_count,
    attempt_histories_prune,
    attempts_clear,
)
from freddy_admin.accounts.models import AttemptHistory, User
from freddy_admin.accounts.people import person_get_or_create
from freddy_admin.core import clock
from tests.accounts.conftest import ACTOR, PASSWORD, sign_in
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.hand_clock import NOON, HandClock

THREE_A_MINUTE, TWO_AN_HOUR = ("three", "account"), ("two", "account")


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {
        "three": "3/m/key",
        "two": "2/h/key",
        "both": "2/m/key,3/h/key",
        "none": "0/m/key",
    }


def post(ip: str = "192.0.2.1") -> HttpRequest:
    return RequestFactory(REMOTE_ADDR=ip).post("/")


def count_accepted(action: tuple[str, str], times: int = 5) -> int:
    return sum(attempt_count(post(), action) is not None for _ in range(times))


@pytest.mark.django_db
def test_a_limit_counts_each_key_apart(hand_clock: HandClock) -> None:
    assert count_accepted(THREE_A_MINUTE) == 3
    assert count_accepted(("three", "other account")) == 3
    assert count_accepted(THREE_A_MINUTE) == 0


@pytest.mark.django_db
def test_a_window_slides_with_each_attempt(hand_clock: HandClock) -> None:
    for _ in range(3):
        assert count_accepted(THREE_A_MINUTE, 1) == 1
        hand_clock.advance(seconds=19)
    assert count_accepted(THREE_A_MINUTE, 1) == 0
    hand_clock.advance(seconds=3)  # a minute after the first one
    assert count_accepted(THREE_A_MINUTE) == 1
    hand_clock.advance(seconds=19)
    assert count_accepted(THREE_A_MINUTE) == 1


@pytest.mark.django_db
def test_no_window_wherever_it_begins_holds_more_than_the_limit(hand_clock: HandClock) -> None:
    accepted_at = []
    for _ in range(200):
        if attempt_count(post(), THREE_A_MINUTE) is not None:
            accepted_at.append(hand_clock())
        hand_clock.advance(seconds=2.3)
    for at in accepted_at:
        assert sum(at <= other < at + timedelta(minutes=1) for other in accepted_at) <= 3


@pytest.mark.django_db
def test_a_refused_attempt_does_not_make_the_wait_longer(hand_clock: HandClock) -> None:
    count_accepted(THREE_A_MINUTE)
    for _ in range(5):
        hand_clock.advance(seconds=11)
        assert count_accepted(THREE_A_MINUTE) == 0
    hand_clock.advance(seconds=5)
    assert count_accepted(THREE_A_MINUTE) == 3


@pytest.mark.django_db
def test_an_attempt_that_one_limit_refuses_does_not_count_for_the_next(
    hand_clock: HandClock,
) -> None:
    for _ in range(9):
        attempt_count(post(), ("three", "from one address"), TWO_AN_HOUR)
    attempts_clear(post(), TWO_AN_HOUR)
    assert attempt_count(post(), ("three", "from one address"), TWO_AN_HOUR) is None
    assert count_accepted(TWO_AN_HOUR) == 2


@pytest.mark.django_db
def test_all_limits_of_one_action_hold(hand_clock: HandClock) -> None:
    assert count_accepted(("both", "account")) == 2
    hand_clock.advance(minutes=2)
    assert count_accepted(("both", "account")) == 1


@pytest.mark.django_db
def test_a_limit_of_none_accepts_nothing() -> None:
    assert count_accepted(("none", "account")) == 0


@pytest.mark.django_db
def test_a_right_attempt_is_given_back_and_no_other(hand_clock: HandClock) -> None:
    first, second = (attempt_count(post(), THREE_A_MINUTE) for _ in range(2))
    assert isinstance(second, CountedAttempt)
    second.rollback()
    second.rollback()
    assert first is not None
    assert count_accepted(THREE_A_MINUTE) == 2


@pytest.mark.django_db
def test_a_page_that_is_only_shown_does_not_count() -> None:
    page = RequestFactory().get("/")
    assert all(attempt_count(page, THREE_A_MINUTE) is not None for _ in range(5))
    assert [attempt_count(page, THREE_A_MINUTE, limit_get=True) is not None for _ in range(4)] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.django_db
def test_attempts_counted_while_the_clock_was_ahead_hold_nobody_back(
    hand_clock: HandClock,
) -> None:
    hand_clock.advance(days=300)
    assert count_accepted(THREE_A_MINUTE) == 3
    hand_clock.advance(days=-300)
    assert count_accepted(THREE_A_MINUTE) == 3


@pytest.mark.django_db
def test_an_accelerated_clock_makes_no_window_shorter() -> None:
    with clock.override_clock(lambda: NOON, speed=60.0):
        assert count_accepted(THREE_A_MINUTE) == 3
    with clock.override_clock(lambda: NOON + timedelta(minutes=59), speed=60.0):
        assert count_accepted(THREE_A_MINUTE) == 0
    with clock.override_clock(lambda: NOON + timedelta(minutes=60), speed=60.0):
        assert count_accepted(THREE_A_MINUTE) == 3


@pytest.mark.django_db
@pytest.mark.usefixtures("trusted_clock")
def test_rows_whose_attempts_count_no_more_are_deleted(hand_clock: HandClock) -> None:
    count_accepted(THREE_A_MINUTE)
    hand_clock.advance(minutes=2)
    count_accepted(TWO_AN_HOUR)
    attempt_histories_prune()
    assert [row.key.rpartition(":")[0] for row in AttemptHistory.objects.all()] == [
        "allauth:rl:allauth.account:two:2/3600/key"
    ]
    assert count_accepted(TWO_AN_HOUR) == 0


@pytest.mark.django_db
def test_rows_stay_while_the_clock_is_not_trusted(hand_clock: HandClock) -> None:
    count_accepted(THREE_A_MINUTE)
    hand_clock.advance(hours=2)
    attempt_histories_prune()
    assert AttemptHistory.objects.count() == 1


@pytest.mark.django_db(transaction=not IS_SQLITE)
@pytest.mark.usefixtures("shared_database")
def test_attempts_of_the_same_moment_are_counted_one_by_one() -> None:
    with clock.override_clock(lambda: NOON):
        calls = [lambda: attempt_count(post(), THREE_A_MINUTE) is not None] * 12
        assert sum(run_concurrently(calls)) == 3


@pytest.mark.django_db(transaction=not IS_SQLITE)
@pytest.mark.usefixtures("shared_database")
def test_attempts_given_back_at_once_do_not_wait_for_one_another() -> None:
    actions = [("three", "a"), ("three", "b"), ("three", "c")]

    def count_and_give_back(turn: int) -> bool:
        counted = [attempt_count(post(), *actions[turn:], *actions[:turn]) for _ in range(5)]
        for attempt in counted:
            if attempt is not None:
                attempt.rollback()
        return True

    calls = [lambda turn=number % 3: count_and_give_back(turn) for number in range(6)]
    assert all(run_concurrently(calls))
    assert run_in_thread(lambda: count_accepted(("three", "a"))) <= 3


@pytest.mark.django_db(transaction=True)
def test_an_attempt_counts_though_the_request_fails_afterwards(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    del settings.ACCOUNT_RATE_LIMITS
    ada: User = person_get_or_create(actor=ACTOR, email="ada@example.org", password=PASSWORD)[0]
    client = Client(raise_request_exception=False)
    with monkeypatch.context() as patch:
        patch.setattr(User, "check_password", lambda *_: 1 / 0)
        assert [sign_in(client, ada.email, "guess").status_code for _ in range(5)] == [500] * 5
    assert "Too many failed" in sign_in(client, ada.email).content.decode()
