"""History grows with what changes, and never with how often we look."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.sync.models import CheckRun, HistoryEvent
from freddy_admin.sync.outcomes import Checked
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed, figures, good, refused, row_of
from tests.sync.test_history_tells import told
from tests.sync.test_recording import store

DAY = timedelta(days=1)


def watched(key: ApiKey, hand_clock: HandClock, *, brings: Callable[[], Checked]) -> int:
    """Check the key as planned for a day; how often."""
    checks = 0
    while hand_clock() < NOON + DAY:
        checks += 1
        hand_clock.at = store(key, brings()).next_check_at
    return checks


@pytest.mark.parametrize("end", [failed, refused])
def test_a_key_that_fails_all_day_is_one_span_and_one_run(
    end: Callable[[ApiKey], Checked], key: ApiKey, hand_clock: HandClock
) -> None:
    # Both are looked at so seldom that a figure would have gone stale in between.
    checks = watched(key, hand_clock, brings=lambda: end(key))
    assert checks > 20
    assert len(told("check_failed")) == 1
    assert (CheckRun.objects.count(), row_of(key).run_count) == (0, checks)
    assert HistoryEvent.objects.count() < 6


def test_a_span_of_failures_ends_where_nobody_looked_as_planned(
    key: ApiKey, hand_clock: HandClock
) -> None:
    last = store(key, failed(key))
    hand_clock.at = last.next_check_at + timedelta(minutes=16)
    store(key, failed(key))
    first, second = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert (first.until, second.until) == (NOON, None)


def test_a_plan_that_rolls_with_the_clock_is_told_once(key: ApiKey, hand_clock: HandClock) -> None:
    def rolling() -> Checked:
        return good(key, figures(NOON - timedelta(minutes=5), hand_clock() + 2 * DAY, 48))

    checks = watched(key, hand_clock, brings=rolling)
    assert checks > 250
    assert len(told("schedule_changed")) == 1
    # The first look, which knew of no rolling yet, is a run of its own.
    assert (CheckRun.objects.count(), row_of(key).run_count) == (1, checks - 1)
    row = row_of(key)
    assert row.next_sync_at - row.checked_at == 2 * DAY


def test_a_rolling_plan_that_skips_or_changes_is_told_again(
    key: ApiKey, hand_clock: HandClock
) -> None:
    last = NOON - timedelta(minutes=5)

    def look(following: timedelta, **span: float) -> None:
        hand_clock.forward(**span)
        store(key, good(key, figures(last, hand_clock() + following)))

    hour = timedelta(hours=1)
    look(hour)
    look(hour, minutes=5)
    look(hour, minutes=5)
    assert len(told("schedule_changed")) == 1
    look(3 * hour, minutes=5)
    assert len(told("schedule_changed")) == 2
    look(hour, minutes=200)
    assert [moment for moment, _ in told("sync_skipped")] == [NOON + timedelta(minutes=195)]
    store(key, good(key, figures(hand_clock(), hand_clock() + hour)))
    assert len(told("sync_seen")) == 1
