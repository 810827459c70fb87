"""A clock that jumps holds all deletion until the clocks agree for an hour or a person confirms."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.core import clock, clock_guard
from freddy_admin.core.clock_guard import (
    Reading,
    Reason,
    clocks_compare,
    clocks_confirm,
    clocks_disagree,
    deletion_hold,
    deletion_now,
    history_cutoff,
)
from freddy_admin.core.either_clock import either_clock_reset, latest_now
from freddy_admin.core.models import ClockState
from tests.clocks import SkewedClock

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = 365 * DAY


class World:
    """The true time, and what the machine's clock and the other one make of it."""

    def __init__(self) -> None:
        self.true = NOON
        self.skew = timedelta()
        self.reference = "database"
        self.both = False  # the other clock jumps with the machine's

    def now(self) -> datetime:
        return self.true + self.skew

    def reading(self, now: datetime) -> Reading:
        other = self.now() if self.both else self.true
        offset = (now - other).total_seconds()
        return Reading(now, self.reference, offset if self.reference == "database" else offset + 7)

    def pass_minutes(self, number: int) -> None:
        for _ in range(number):
            self.true += MINUTE
            self.look()

    def look(self, seen: datetime | None = None) -> ClockState:
        return clocks_compare(now=self.now(), seen=lambda: seen)


@pytest.fixture(params=["database", "a-boot"])
def world(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[World]:
    world = World()
    world.reference = request.param
    monkeypatch.setattr(clock_guard, "reading_take", world.reading)
    with clock.using(world.now):
        yield world


def test_nothing_is_deleted_before_the_clocks_were_compared(world: World) -> None:
    assert deletion_now() is None
    world.look()
    assert deletion_now() == NOON


def test_a_first_start_on_an_empty_database_holds_nothing(world: World) -> None:
    world.look(seen=None)
    assert deletion_hold() is None


def test_a_first_comparison_looks_at_the_newest_row(world: World) -> None:
    world.look(seen=NOON - 3 * DAY)
    hold = deletion_hold()
    assert hold is not None
    assert (hold.reason, hold.apart, hold.until) == (Reason.GAP, 3 * DAY, NOON + HOUR)


@pytest.mark.parametrize("skew", [YEAR, -YEAR, 2 * HOUR, -2 * HOUR])
def test_a_jump_holds_deletion_and_an_hour_of_agreement_ends_it(
    world: World, skew: timedelta
) -> None:
    world.look()
    world.skew = skew
    assert deletion_now() is None, "asked before any comparison has seen it"
    world.look()
    assert deletion_now() is None
    assert clocks_disagree()

    world.skew = timedelta()
    world.look()
    assert deletion_now() is None
    assert not clocks_disagree()
    world.pass_minutes(59)
    assert deletion_now() is None
    world.pass_minutes(1)
    assert deletion_now() == world.now()


def test_a_jump_that_no_worker_saw_deletes_nothing_either(world: World) -> None:
    world.look()
    world.skew = YEAR
    assert deletion_now() is None
    world.skew = timedelta()
    assert deletion_now() == NOON


def test_a_clock_that_stays_ahead_holds_deletion_for_ever(world: World) -> None:
    world.look()
    world.skew = YEAR
    world.pass_minutes(200)
    assert deletion_now() is None
    hold = deletion_hold()
    assert hold is not None
    assert (hold.apart, hold.until) == (YEAR, None)


def test_both_clocks_ahead_hold_deletion_for_an_hour(world: World) -> None:
    world.both = True
    world.look()
    world.skew = YEAR
    world.look()
    world.pass_minutes(59)
    assert deletion_now() is None
    assert deletion_hold() is not None


def test_a_step_of_less_than_an_hour_holds_nothing(world: World) -> None:
    world.look()
    for _ in range(3 if world.reference != "database" else 1):
        world.skew += timedelta(minutes=50)
        world.pass_minutes(1)
        assert deletion_now() is not None


def test_a_panel_that_was_off_for_weeks_holds_deletion_for_an_hour(world: World) -> None:
    world.look()
    world.true += 21 * DAY
    world.reference = "database" if world.reference == "database" else "another-boot"
    world.look()
    hold = deletion_hold()
    assert hold is not None
    assert (hold.reason, hold.apart, hold.until) == (Reason.GAP, 21 * DAY, world.true + HOUR)
    world.pass_minutes(60)
    assert deletion_now() is not None


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_whoever_confirms_the_time_is_believed(world: World, skew: timedelta) -> None:
    world.look()
    world.skew = skew
    world.look()
    clocks_confirm()
    world.pass_minutes(3)
    assert deletion_now() == world.now()
    # A confirmed mistake that is mended holds once more, and may be confirmed once more.
    world.skew = timedelta()
    assert deletion_now() is None
    world.look()
    if world.reference == "database":
        world.pass_minutes(60)
    else:
        clocks_confirm()
    assert deletion_now() == world.now()


def test_the_fast_clock_of_the_demo_is_exempt(world: World) -> None:
    world.look()
    with clock.using(lambda: NOON + YEAR, speed=60):
        assert deletion_now() == NOON + YEAR
        assert deletion_hold() is None
        world.look()
    assert deletion_hold() is None


@pytest.mark.parametrize(
    ("skews", "from_then"),
    [
        ([YEAR, timedelta()], YEAR),
        ([30 * DAY, YEAR, timedelta()], 30 * DAY),
        ([YEAR, 30 * DAY, timedelta()], YEAR),
        ([YEAR, -YEAR, timedelta()], YEAR),
        ([YEAR], None),
        ([-YEAR], None),
        ([-YEAR, timedelta()], None),
        ([-YEAR, 30 * DAY], None),
    ],
)
def test_what_a_clock_wrote_ahead_is_known_once_it_is_back(
    world: World, skews: list[timedelta], from_then: timedelta | None
) -> None:
    world.look()
    for skew in skews:
        world.true += timedelta(seconds=20)
        world.skew = skew
        state = world.look()
    if from_then is None:
        assert state.repair_from is None
        return
    assert state.repair_from is not None
    assert state.repair_from <= NOON + from_then
    assert world.now() < state.repair_from


def test_what_a_clock_wrote_ahead_is_known_also_after_a_night_switched_off(world: World) -> None:
    world.look()
    world.skew = YEAR
    world.look()
    world.true += DAY / 2
    world.skew = timedelta()
    world.reference = "database" if world.reference == "database" else "another-boot"
    assert world.look().repair_from is not None


def test_a_confirmed_mistake_is_set_right_once_it_is_mended(world: World) -> None:
    world.look()
    world.skew = YEAR
    world.look()
    clocks_confirm()
    world.pass_minutes(90)
    world.skew = timedelta()
    world.look()
    if world.reference != "database":
        clocks_confirm()
    world.pass_minutes(1)
    state = ClockState.objects.get()
    assert state.repair_from is not None
    assert state.repair_from <= NOON + YEAR


def test_weeks_switched_off_are_no_time_that_was_ahead(world: World) -> None:
    world.look()
    world.true += 21 * DAY
    world.look()
    world.pass_minutes(61)
    world.skew = -YEAR
    assert world.look().repair_from is None


def test_history_goes_by_two_days_an_hour_however_many_ask(world: World) -> None:
    world.look()
    oldest = NOON - YEAR

    def cutoff() -> datetime:
        return history_cutoff(wanted=world.true - 31 * DAY, now=world.now(), oldest=lambda: oldest)

    assert cutoff() == oldest
    world.true += 5 * DAY  # nobody ran
    begin = cutoff()
    assert begin - oldest < 2 * HOUR
    for _ in range(60):
        world.true += MINUTE
        moved = [cutoff() for _ in range(3)]
    assert DAY < moved[-1] - begin <= 2 * DAY - (begin - oldest)


def test_history_goes_no_further_than_it_is_wanted(world: World) -> None:
    world.look()
    wanted = NOON - 31 * DAY
    assert history_cutoff(wanted=wanted, now=NOON, oldest=lambda: None) == wanted
    assert history_cutoff(wanted=wanted + MINUTE, now=NOON + MINUTE, oldest=lambda: None) == (
        wanted + MINUTE
    )
    # More days are kept from now on, or the clock was set back.
    assert history_cutoff(wanted=wanted - DAY, now=NOON, oldest=lambda: None) == wanted - DAY


def test_the_later_of_the_two_clocks_is_the_end_of_what_ends(world: World) -> None:
    assert latest_now() == NOON
    world.look()
    either_clock_reset()
    world.skew = -YEAR
    assert abs(latest_now() - NOON) < MINUTE
    world.skew = YEAR
    assert latest_now() == NOON + YEAR


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_the_real_clocks_are_compared(skew: timedelta) -> None:
    """With SQLite the machine's own, with PostgreSQL the one of its server."""
    machine = SkewedClock()
    with clock.using(machine):
        clocks_compare(now=clock.now(), seen=lambda: None)
        assert deletion_now() is not None
        machine.skew = skew
        # Another process, which has not seen the last comparison: the other clock alone tells.
        ClockState.objects.update(compared_at=clock.now())
        assert clocks_disagree()
        assert deletion_now() is None
        machine.skew = timedelta()
        ClockState.objects.update(compared_at=clock.now())
        assert deletion_now() is not None
