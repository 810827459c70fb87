"""Clocks that disagree keep anything from being deleted, and people read why and what to do."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import DeletionHold, DeletionHoldReason, trusted_now
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clock_monitor import (
    clock_confirm,
    clocks_check_and_repair,
    deletion_hold_sentence,
    is_deletion_hold_harmless,
)
from freddy_admin.sync.models import WorkerHeartbeat
from freddy_admin.vault.models import ApiKey
from tests.skewed_clock import SkewedClock
from tests.sync.conftest import sync_status_of
from tests.sync.test_operation_requests import ANA

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def skewed_clock() -> Iterator[SkewedClock]:
    source = SkewedClock()
    with clock.override_clock(source):
        yield source


def test_first_look_at_the_clocks_of_a_new_panel_finds_nothing(skewed_clock: SkewedClock) -> None:
    clocks_check_and_repair(now=clock.now())
    assert ClockState.objects.get().held_since is None
    assert trusted_now() is not None


def test_first_look_at_the_clocks_compares_with_the_newest_moment_in_the_database(
    skewed_clock: SkewedClock,
) -> None:
    """A panel that was updated from a version without this comparison, with its clock set back."""
    ahead = clock.now() + 400 * DAY
    WorkerHeartbeat.objects.create(name="w", version="1", started_at=ahead, heartbeat_at=ahead)
    clocks_check_and_repair(now=clock.now())
    assert trusted_now() is None


def test_clock_that_was_moved_holds_deletions_until_a_person_confirms_it(
    skewed_clock: SkewedClock,
) -> None:
    clocks_check_and_repair(now=clock.now())
    skewed_clock.skew = 400 * DAY
    clocks_check_and_repair(now=clock.now())
    assert trusted_now() is None
    clock_confirm(actor=ANA)
    assert trusted_now() is not None
    assert [event.tag for event in AuditEvent.objects.all()] == ["clock_confirmed"]


def test_what_a_clock_that_was_ahead_stamped_is_set_right(
    skewed_clock: SkewedClock, key: ApiKey, caplog: pytest.LogCaptureFixture
) -> None:
    clocks_check_and_repair(now=clock.now())
    row = sync_status_of(key)
    row.checked_at = row.observed_at = clock.now() + 30 * DAY
    row.save()
    clocks_check_and_repair(now=clock.now())
    row.refresh_from_db()
    assert row.checked_at is not None
    assert row.checked_at <= clock.now()
    assert "A clock was ahead until now" in caplog.text


@pytest.mark.parametrize(
    ("reason", "skew", "is_harmless"),
    [
        (DeletionHoldReason.GAP, 3 * DAY, True),
        (DeletionHoldReason.GAP, 32 * DAY, False),
        (DeletionHoldReason.GAP, -HOUR, False),
        (DeletionHoldReason.DATABASE, 3 * DAY, False),
    ],
)
def test_panel_that_was_off_for_a_while_needs_nobody(
    reason: DeletionHoldReason, skew: timedelta, is_harmless: bool
) -> None:
    hold = DeletionHold(reason=reason, skew=skew, until=clock.now())
    assert is_deletion_hold_harmless(hold) is is_harmless


@pytest.mark.parametrize(
    ("reason", "skew", "is_limited", "words"),
    [
        (DeletionHoldReason.DATABASE, -2 * DAY, False, "the database's are 2 days apart. Until an"),
        (DeletionHoldReason.GAP, 5 * HOUR, False, "clock was moved by 5 hours. Until an hour"),
        (DeletionHoldReason.GAP, 2 * DAY, True, "did not run for 2 days, or the clock was moved"),
        (DeletionHoldReason.GAP, -HOUR / 4, True, "clock was set back by 1 hour. Nothing is"),
    ],
)
def test_sentence_says_what_is_wrong_and_until_when_nothing_is_deleted(
    reason: DeletionHoldReason, skew: timedelta, is_limited: bool, words: str
) -> None:
    hold = DeletionHold(reason=reason, skew=skew, until=clock.now() if is_limited else None)
    sentence = deletion_hold_sentence(hold, until="tomorrow at noon")
    assert words in sentence
    assert ("before tomorrow at noon" in sentence) is is_limited
