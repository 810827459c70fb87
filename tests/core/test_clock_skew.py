"""A clock that jumps holds all deletion until the clocks agree for an hour or a person confirms."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.core import clock, clock_skew
from freddy_admin.core.clock_skew import (
    ClockReading,
    DeletionHoldReason,
    clock_comparison_record,
    deletion_hold_get,
    has_clock_skew,
    history_prune_cutoff_advance,
    later_clock_now,
    machine_clock_confirmation_record,
    reference_clock_cache_clear,
    trusted_now,
)
from freddy_admin.core.models import ClockState
from tests.skewed_clock import SkewedClock

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
YEAR = 365 * DAY


class SimulatedClocks:
    """The true time, the machine's skewed clock, and the reference clock."""

    def __init__(self) -> None:
        self.true = NOON
        self.skew = timedelta()
        self.reference = "database"
        self.is_reference_skewed = False  # whether it jumps with the machine's

    def now(self) -> datetime:
        return self.true + self.skew

    def reading(self, now: datetime) -> ClockReading:
        reference_time = self.now() if self.is_reference_skewed else self.true
        offset = (now - reference_time).total_seconds()
        return ClockReading(
            now, self.reference, offset if self.reference == "database" else offset + 7
        )

    def pass_minutes(self, number: int) -> None:
        for _ in range(number):
            self.true += MINUTE
            self.compare()

    def compare(self, last_seen_at: datetime | None = None) -> ClockState:
        return clock_comparison_record(now=self.now(), get_last_seen_at=lambda: last_seen_at)


@pytest.fixture(params=["database", "a-boot"])
def simulated_clocks(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[SimulatedClocks]:
    simulated_clocks = SimulatedClocks()
    simulated_clocks.reference = request.param
    monkeypatch.setattr(clock_skew, "clock_reading_get", simulated_clocks.reading)
    with clock.override_clock(simulated_clocks.now):
        yield simulated_clocks


def test_nothing_is_deleted_before_the_clocks_were_compared(
    simulated_clocks: SimulatedClocks,
) -> None:
    assert trusted_now() is None
    simulated_clocks.compare()
    assert trusted_now() == NOON


def test_the_first_comparison_on_an_empty_database_holds_no_deletion(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare(last_seen_at=None)
    assert deletion_hold_get() is None


def test_the_first_comparison_uses_the_newest_heartbeat(simulated_clocks: SimulatedClocks) -> None:
    simulated_clocks.compare(last_seen_at=NOON - 3 * DAY)
    hold = deletion_hold_get()
    assert hold is not None
    assert (hold.reason, hold.skew, hold.until) == (DeletionHoldReason.GAP, 3 * DAY, NOON + HOUR)


@pytest.mark.parametrize("skew", [YEAR, -YEAR, 2 * HOUR, -2 * HOUR])
def test_a_jump_holds_deletion_and_an_hour_of_agreement_ends_it(
    simulated_clocks: SimulatedClocks, skew: timedelta
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = skew
    assert trusted_now() is None, "asked before any comparison has seen it"
    simulated_clocks.compare()
    assert trusted_now() is None
    assert has_clock_skew()

    simulated_clocks.skew = timedelta()
    simulated_clocks.compare()
    assert trusted_now() is None
    assert not has_clock_skew()
    simulated_clocks.pass_minutes(59)
    assert trusted_now() is None
    simulated_clocks.pass_minutes(1)
    assert trusted_now() == simulated_clocks.now()


def test_a_jump_that_no_worker_compared_holds_deletion_too(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = YEAR
    assert trusted_now() is None
    simulated_clocks.skew = timedelta()
    assert trusted_now() == NOON


def test_a_clock_that_stays_ahead_holds_deletion_for_ever(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = YEAR
    simulated_clocks.pass_minutes(200)
    assert trusted_now() is None
    hold = deletion_hold_get()
    assert hold is not None
    assert (hold.skew, hold.until) == (YEAR, None)


def test_both_clocks_ahead_hold_deletion_for_an_hour(simulated_clocks: SimulatedClocks) -> None:
    simulated_clocks.is_reference_skewed = True
    simulated_clocks.compare()
    simulated_clocks.skew = YEAR
    simulated_clocks.compare()
    simulated_clocks.pass_minutes(59)
    assert trusted_now() is None
    assert deletion_hold_get() is not None


def test_a_step_of_less_than_an_hour_holds_no_deletion(simulated_clocks: SimulatedClocks) -> None:
    simulated_clocks.compare()
    for _ in range(3 if simulated_clocks.reference != "database" else 1):
        simulated_clocks.skew += timedelta(minutes=50)
        simulated_clocks.pass_minutes(1)
        assert trusted_now() is not None


def test_a_panel_that_was_off_for_weeks_holds_deletion_for_an_hour(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.true += 21 * DAY
    simulated_clocks.reference = (
        "database" if simulated_clocks.reference == "database" else "another-boot"
    )
    simulated_clocks.compare()
    hold = deletion_hold_get()
    assert hold is not None
    assert (hold.reason, hold.skew, hold.until) == (
        DeletionHoldReason.GAP,
        21 * DAY,
        simulated_clocks.true + HOUR,
    )
    simulated_clocks.pass_minutes(60)
    assert trusted_now() is not None


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_a_time_that_a_person_confirms_is_trusted(
    simulated_clocks: SimulatedClocks, skew: timedelta
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = skew
    simulated_clocks.compare()
    machine_clock_confirmation_record()
    simulated_clocks.pass_minutes(3)
    assert trusted_now() == simulated_clocks.now()
    # A confirmed mistake that is corrected holds once more, and may be confirmed once more.
    simulated_clocks.skew = timedelta()
    assert trusted_now() is None
    simulated_clocks.compare()
    if simulated_clocks.reference == "database":
        simulated_clocks.pass_minutes(60)
    else:
        machine_clock_confirmation_record()
    assert trusted_now() == simulated_clocks.now()


def test_the_accelerated_clock_of_the_demo_is_always_trusted(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    with clock.override_clock(lambda: NOON + YEAR, speed=60):
        assert trusted_now() == NOON + YEAR
        assert deletion_hold_get() is None
        simulated_clocks.compare()
    assert deletion_hold_get() is None


@pytest.mark.parametrize(
    ("skews", "future_skew"),
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
def test_future_timestamps_are_to_be_repaired_once_the_clock_is_back(
    simulated_clocks: SimulatedClocks, skews: list[timedelta], future_skew: timedelta | None
) -> None:
    simulated_clocks.compare()
    for skew in skews:
        simulated_clocks.true += timedelta(seconds=20)
        simulated_clocks.skew = skew
        state = simulated_clocks.compare()
    if future_skew is None:
        assert state.repair_from is None
        return
    assert state.repair_from is not None
    assert state.repair_from <= NOON + future_skew
    assert simulated_clocks.now() < state.repair_from


def test_future_timestamps_are_to_be_repaired_also_after_a_night_switched_off(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = YEAR
    simulated_clocks.compare()
    simulated_clocks.true += DAY / 2
    simulated_clocks.skew = timedelta()
    simulated_clocks.reference = (
        "database" if simulated_clocks.reference == "database" else "another-boot"
    )
    assert simulated_clocks.compare().repair_from is not None


def test_future_timestamps_of_a_confirmed_mistake_are_to_be_repaired(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.skew = YEAR
    simulated_clocks.compare()
    machine_clock_confirmation_record()
    simulated_clocks.pass_minutes(90)
    simulated_clocks.skew = timedelta()
    simulated_clocks.compare()
    if simulated_clocks.reference != "database":
        machine_clock_confirmation_record()
    simulated_clocks.pass_minutes(1)
    state = ClockState.objects.get()
    assert state.repair_from is not None
    assert state.repair_from <= NOON + YEAR


def test_weeks_switched_off_leave_no_timestamps_to_repair(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    simulated_clocks.true += 21 * DAY
    simulated_clocks.compare()
    simulated_clocks.pass_minutes(61)
    simulated_clocks.skew = -YEAR
    assert simulated_clocks.compare().repair_from is None


def test_history_is_pruned_by_two_days_an_hour_however_many_workers_run(
    simulated_clocks: SimulatedClocks,
) -> None:
    simulated_clocks.compare()
    oldest = NOON - YEAR

    def cutoff() -> datetime:
        return history_prune_cutoff_advance(
            target=simulated_clocks.true - 31 * DAY,
            now=simulated_clocks.now(),
            get_oldest=lambda: oldest,
        )

    assert cutoff() == oldest
    simulated_clocks.true += 5 * DAY  # nobody ran
    first_cutoff = cutoff()
    assert first_cutoff - oldest < 2 * HOUR
    for _ in range(60):
        simulated_clocks.true += MINUTE
        cutoffs = [cutoff() for _ in range(3)]
    assert DAY < cutoffs[-1] - first_cutoff <= 2 * DAY - (first_cutoff - oldest)


def test_history_is_pruned_no_further_than_the_target(simulated_clocks: SimulatedClocks) -> None:
    simulated_clocks.compare()
    target = NOON - 31 * DAY
    assert history_prune_cutoff_advance(target=target, now=NOON, get_oldest=lambda: None) == target
    assert history_prune_cutoff_advance(
        target=target + MINUTE, now=NOON + MINUTE, get_oldest=lambda: None
    ) == (target + MINUTE)
    # More days are kept from now on, or the clock was set back.
    assert (
        history_prune_cutoff_advance(target=target - DAY, now=NOON, get_oldest=lambda: None)
        == target - DAY
    )


def test_latest_now_is_the_later_of_the_two_clocks(
    simulated_clocks: SimulatedClocks,
) -> None:
    assert later_clock_now() == NOON
    simulated_clocks.compare()
    reference_clock_cache_clear()
    simulated_clocks.skew = -YEAR
    assert abs(later_clock_now() - NOON) < MINUTE
    simulated_clocks.skew = YEAR
    assert later_clock_now() == NOON + YEAR


@pytest.mark.parametrize("skew", [YEAR, -YEAR])
def test_real_clocks_are_compared(skew: timedelta) -> None:
    """With SQLite the clock since boot, with PostgreSQL the clock of its server."""
    machine = SkewedClock()
    with clock.override_clock(machine):
        clock_comparison_record(now=clock.now(), get_last_seen_at=lambda: None)
        assert trusted_now() is not None
        machine.skew = skew
        # As in a process between two comparisons: the reference clock alone shows the skew.
        ClockState.objects.update(compared_at=clock.now())
        assert has_clock_skew()
        assert trusted_now() is None
        machine.skew = timedelta()
        ClockState.objects.update(compared_at=clock.now())
        assert trusted_now() is not None
