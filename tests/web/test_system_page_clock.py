"""A clock jump is shown on the system page, and confirmed there by a platform admin."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock, clock_skew
from freddy_admin.core.clock_skew import ClockReading, trusted_now
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clock_monitor import clocks_check_and_repair
from freddy_admin.sync.models import ApiHealth, WorkerHeartbeat
from tests.web.conftest import (
    NOON,
    HandClock,
    People,
    SignIn,
    asks_reauthentication,
    mark_reauthenticated,
)

YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def reference_clock(monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock) -> HandClock:
    """The reference clock, which stays at noon unless a test moves it."""
    true_clock = HandClock(NOON)

    def read_clock(now: object) -> ClockReading:
        return ClockReading(hand_clock(), "a-boot", (hand_clock() - true_clock()).total_seconds())

    monkeypatch.setattr(clock_skew, "clock_reading_get", read_clock)
    return true_clock


Admin = Callable[[], Client]


@pytest.fixture
def admin(people: People, signed_in: SignIn, worker: WorkerHeartbeat) -> Admin:
    """A function that returns a browser in which the platform admin has just signed in."""
    ApiHealth.objects.create(checked_at=NOON, reachable=True)
    return lambda: signed_in(people.admin)


def page(admin: Admin) -> str:
    """The text of the system page after the worker compared the clocks."""
    clocks_check_and_repair(now=clock.now())
    WorkerHeartbeat.objects.update(heartbeat_at=clock.now())
    return str(admin().get("/system/").content.decode())


def test_agreeing_clocks_are_shown_on_the_system_page(admin: Admin) -> None:
    text = page(admin)
    assert "The clocks agree." in text
    assert "Everything works" in text
    assert "The time is right" not in text


def test_clock_jump_is_shown_with_what_to_do(admin: Admin, hand_clock: HandClock) -> None:
    page(admin)
    hand_clock.at += YEAR
    text = page(admin)
    assert "The machine&#x27;s clock was moved by 365 days." in text
    assert "nothing is deleted for good" in text
    assert "1 part needs you" in text
    assert "2 Mar 2027, 12:00:00 UTC" in text
    assert "The time is right" in text


def test_confirmation_of_the_clock_is_audited(
    admin: Admin, people: People, hand_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at += YEAR
    page(admin)
    assert trusted_now() is None
    page_html = admin().post("/system/clock/", follow=True).content.decode()
    assert "The time is confirmed" in page_html
    assert trusted_now() == hand_clock()
    event = AuditEvent.objects.get(tag="clock_confirmed")
    assert event.actor_id == people.admin.pk


def test_clock_confirmation_needs_reauthentication(
    admin: Admin, people: People, hand_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at += YEAR
    page(admin)
    client = admin()
    mark_reauthenticated(client, people.admin, minutes_ago=16)
    assert asks_reauthentication(client.post("/system/clock/"))
    assert trusted_now() is None


def test_panel_that_was_switched_off_needs_no_clock_confirmation(
    admin: Admin, hand_clock: HandClock, reference_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at += timedelta(days=21)
    reference_clock.at += timedelta(days=21)
    ApiHealth.objects.update(checked_at=clock.now())
    text = page(admin)
    assert "The panel did not run for 21 days, or the clock was moved by that much." in text
    assert "Nothing is deleted for good before 13:00" in text
    assert "Everything works" in text


def test_clock_set_back_is_shown(
    admin: Admin, hand_clock: HandClock, reference_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at -= timedelta(hours=5)
    reference_clock.at -= timedelta(hours=5)
    assert "The machine&#x27;s clock was set back by 5 hours." in page(admin)


def test_system_page_says_that_clocks_were_not_compared_yet(admin: Admin) -> None:
    assert not ClockState.objects.exists()
    assert "The worker compares it once a minute." in admin().get("/system/").content.decode()
