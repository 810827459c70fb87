"""History grows with what changes, and never with how often a key is checked."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.models import CheckRun, HistoryEvent
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    failed_result,
    good_result,
    make_figures,
    refused_result,
    sync_status_of,
)
from tests.sync.test_check_recording import store
from tests.sync.test_history_recorder import recorded_events

DAY = timedelta(days=1)


def check_for_a_day(
    key: ApiKey, hand_clock: HandClock, *, make_result: Callable[[], CheckResult]
) -> int:
    """Check the key as scheduled for a day; returns how often."""
    checks = 0
    while hand_clock() < NOON + DAY:
        checks += 1
        hand_clock.at = store(key, make_result()).next_check_at
    return checks


@pytest.mark.parametrize("make_failure", [failed_result, refused_result])
def test_a_key_that_fails_all_day_is_one_span_and_one_run(
    make_failure: Callable[[ApiKey], CheckResult], key: ApiKey, hand_clock: HandClock
) -> None:
    # Both are checked so seldom that figures would have gone stale in between.
    checks = check_for_a_day(key, hand_clock, make_result=lambda: make_failure(key))
    assert checks > 20
    assert len(recorded_events("check_failed")) == 1
    assert (CheckRun.objects.count(), sync_status_of(key).run_count) == (0, checks)
    assert HistoryEvent.objects.count() < 6


def test_a_failure_span_ends_where_the_next_check_was_missed(
    key: ApiKey, hand_clock: HandClock
) -> None:
    row = store(key, failed_result(key))
    hand_clock.at = row.next_check_at + timedelta(minutes=16)
    store(key, failed_result(key))
    first, second = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert (first.until, second.until) == (NOON, None)


def test_a_rolling_schedule_is_recorded_once(key: ApiKey, hand_clock: HandClock) -> None:
    def make_rolling_result() -> CheckResult:
        return good_result(
            key, make_figures(NOON - timedelta(minutes=5), hand_clock() + 2 * DAY, 48)
        )

    checks = check_for_a_day(key, hand_clock, make_result=make_rolling_result)
    assert checks > 250
    assert len(recorded_events("schedule_changed")) == 1
    # The first check, before which no schedule could roll, is a run of its own.
    assert (CheckRun.objects.count(), sync_status_of(key).run_count) == (1, checks - 1)
    row = sync_status_of(key)
    assert row.next_sync_at - row.checked_at == 2 * DAY


def test_a_rolling_schedule_that_skips_or_changes_is_recorded_again(
    key: ApiKey, hand_clock: HandClock
) -> None:
    last_sync_at = NOON - timedelta(minutes=5)

    def check(until_next_sync: timedelta, **wait: float) -> None:
        hand_clock.advance(**wait)
        store(key, good_result(key, make_figures(last_sync_at, hand_clock() + until_next_sync)))

    hour = timedelta(hours=1)
    check(hour)
    check(hour, minutes=5)
    check(hour, minutes=5)
    assert len(recorded_events("schedule_changed")) == 1
    check(3 * hour, minutes=5)
    assert len(recorded_events("schedule_changed")) == 2
    check(hour, minutes=200)
    assert [at for at, _ in recorded_events("sync_skipped")] == [NOON + timedelta(minutes=195)]
    store(key, good_result(key, make_figures(hand_clock(), hand_clock() + hour)))
    assert len(recorded_events("sync_seen")) == 1
