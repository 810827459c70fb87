"""A clock that jumped is said on the page System, and confirmed there by a platform admin."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock, clock_guard
from freddy_admin.core.clock_guard import Reading, deletion_now
from freddy_admin.core.models import ClockState
from freddy_admin.sync.clocks import clocks_look
from freddy_admin.sync.models import ApiHealth, WorkerBeat
from tests.web.conftest import NOON, HandClock, People, SignIn, confirm, is_asked

YEAR = timedelta(days=365)


@pytest.fixture(autouse=True)
def true_time(monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock) -> HandClock:
    """The other clock, which stays at noon unless a test moves it."""
    still = HandClock()

    def reading(now: object) -> Reading:
        return Reading(hand_clock(), "a-boot", (hand_clock() - still()).total_seconds())

    monkeypatch.setattr(clock_guard, "reading_take", reading)
    return still


Admin = Callable[[], Client]


@pytest.fixture
def admin(people: People, signed_in: SignIn, worker: WorkerBeat) -> Admin:
    """A browser in which the platform admin has just signed in."""
    ApiHealth.objects.create(pk=1, checked_at=NOON, reachable=True)
    return lambda: signed_in(people.admin)


def page(admin: Admin) -> str:
    """The page, once the worker has looked at the clocks."""
    clocks_look(now=clock.now())
    WorkerBeat.objects.update(beat_at=clock.now())
    return str(admin().get("/system/").content.decode())


def test_clocks_that_agree_are_said_to(admin: Admin) -> None:
    said = page(admin)
    assert "The clocks agree." in said
    assert "Everything works" in said
    assert "The time is right" not in said


def test_a_clock_that_jumped_is_said_with_what_to_do(admin: Admin, hand_clock: HandClock) -> None:
    page(admin)
    hand_clock.at += YEAR
    said = page(admin)
    assert "The machine&#x27;s clock was moved by 365 days." in said
    assert "nothing is deleted for good" in said
    assert "1 part needs you" in said
    assert "2 Mar 2027, 12:00:00 UTC" in said
    assert "The time is right" in said


def test_a_platform_admin_confirms_it_and_that_is_written_down(
    admin: Admin, people: People, hand_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at += YEAR
    page(admin)
    assert deletion_now() is None
    done = admin().post("/system/clock/", follow=True).content.decode()
    assert "The time is confirmed" in done
    assert deletion_now() == hand_clock()
    event = AuditEvent.objects.get(tag="clock_confirmed")
    assert event.actor_id == people.admin.pk


def test_who_did_not_confirm_who_they_are_confirms_no_time(
    admin: Admin, people: People, hand_clock: HandClock
) -> None:
    page(admin)
    hand_clock.at += YEAR
    page(admin)
    client = admin()
    confirm(client, people.admin, minutes_ago=16)
    assert is_asked(client.post("/system/clock/"))
    assert deletion_now() is None


def test_a_panel_that_was_switched_off_needs_nobody(
    admin: Admin, hand_clock: HandClock, true_time: HandClock
) -> None:
    page(admin)
    hand_clock.at += timedelta(days=21)
    true_time.at += timedelta(days=21)
    ApiHealth.objects.update(checked_at=clock.now())
    said = page(admin)
    assert "The panel did not run for 21 days, or the clock was moved by that much." in said
    assert "Nothing is deleted for good before 13:00" in said
    assert "Everything works" in said


def test_a_clock_set_back_is_said(
    admin: Admin, hand_clock: HandClock, true_time: HandClock
) -> None:
    page(admin)
    hand_clock.at -= timedelta(hours=5)
    true_time.at -= timedelta(hours=5)
    assert "The machine&#x27;s clock was set back by 5 hours." in page(admin)


def test_before_any_comparison_the_page_says_so(admin: Admin) -> None:
    assert not ClockState.objects.exists()
    assert "The worker compares it once a minute." in admin().get("/system/").content.decode()
