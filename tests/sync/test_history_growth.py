"""History grows with what changes, and never with how often we look."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.sync.models import CheckRun, HistoryEvent
from freddy_admin.sync.outcomes import Checked
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed, refused, row_of
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
