from datetime import datetime, timedelta

import pytest

from freddy_admin.sandbox.clock import SandboxClock
from freddy_admin.sandbox.figures import times_at
from freddy_admin.sandbox.scenarios import ParsedKey, Scenario, key_for, parse_key
from freddy_admin.sandbox.server import SandboxServer
from tests.sandbox.conftest import NOON, QUICK, STATUS, TRIGGER, ask_at
from tests.sandbox.rule import HOUR, Seen, judge

ALWAYS = {
    Scenario.HEALTHY: "up_to_date",
    Scenario.JUMPING: "up_to_date",
    Scenario.LATE: "late",
    Scenario.OVERDUE: "overdue",
    Scenario.NEVER_SYNCED: "never_synced",
    Scenario.WAITING: "waiting",
    Scenario.NO_SCHEDULE: "no_schedule",
    Scenario.IMPOSSIBLE_TIMES: "unknown",
    Scenario.SKIPPING: "late",
    Scenario.SYNC_VANISHES: "up_to_date",
    Scenario.SYNC_REFUSED: "up_to_date",
    Scenario.SYNC_FAILS: "up_to_date",
    Scenario.SYNC_IGNORED: "up_to_date",
}
# Steps that share no factor with an hour or a day, so that every time of day comes up.
MOMENTS = [NOON + step * timedelta(minutes=37, seconds=11) for step in range(200)]


def key_of(scenario: Scenario, name: str) -> ParsedKey:
    key = parse_key(key_for(scenario, name))
    assert key is not None
    return key


def seen_at(key: ParsedKey, now: datetime) -> Seen:
    times = times_at(key, now)
    return Seen(times.last, times.next, times.hours, now, now, times.next)


@pytest.mark.parametrize(("scenario", "state"), ALWAYS.items())
def test_a_first_look_at_any_moment_finds_the_state_of_the_scenario(
    scenario: Scenario, state: str
) -> None:
    for name in ("Oak", "Elm", "Birch"):
        key = key_of(scenario, name)
        assert {judge(seen_at(key, now)) for now in MOMENTS} == {state}


def test_a_skipping_key_is_overdue_once_the_skip_was_seen() -> None:
    key = key_of(Scenario.SKIPPING, "Oak")
    found = []
    for now in MOMENTS:
        before, after = seen_at(key, now), seen_at(key, now + HOUR)
        assert before.next is not None
        assert after.next == before.next + HOUR
        after.skipped = after.last == before.last
        found.append(judge(after))
    assert set(found) == {"overdue", "late"}
    assert found.count("overdue") > found.count("late")


def test_a_waiting_key_still_waits_four_weeks_after_the_first_look() -> None:
    key = key_of(Scenario.WAITING, "Oak")
    later = seen_at(key, NOON + timedelta(days=28))
    later.seen, later.first_next = NOON, times_at(key, NOON).next
    assert judge(later) == "waiting"


def test_a_healthy_key_syncs_when_its_time_has_come() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = key_for(Scenario.HEALTHY, "Oak")
    with SandboxServer(clock=clock, options=QUICK) as server:
        before = ask_at(server.base_url, key=key).json
        clock.set(datetime.fromisoformat(before["next_sync_at"]) - timedelta(seconds=1))
        assert ask_at(server.base_url, key=key).json == before
        clock.advance(timedelta(seconds=1))
        after = ask_at(server.base_url, key=key).json
    assert after["last_sync_at"] == before["next_sync_at"]
    moved = datetime.fromisoformat(after["next_sync_at"])
    hours = timedelta(hours=after["sync_interval_hours"])
    assert moved == datetime.fromisoformat(after["last_sync_at"]) + hours


@pytest.mark.parametrize(
    ("scenario", "state"),
    [
        (Scenario.LATE, "up_to_date"),
        (Scenario.OVERDUE, "up_to_date"),
        (Scenario.NEVER_SYNCED, "up_to_date"),
        (Scenario.WAITING, "up_to_date"),
        (Scenario.SKIPPING, "up_to_date"),
        (Scenario.HEALTHY, "up_to_date"),
        (Scenario.NO_SCHEDULE, "no_schedule"),
    ],
)
def test_a_started_sync_is_the_last_one_and_sets_things_right(
    scenario: Scenario, state: str
) -> None:
    for now in MOMENTS:
        times = times_at(key_of(scenario, "Oak"), now, [now])
        assert times.last == now
        assert judge(Seen(times.last, times.next, times.hours, now, now, times.next)) == state


def test_an_overdue_key_falls_behind_again_after_its_started_sync() -> None:
    key = key_of(Scenario.OVERDUE, "Oak")
    for now in MOMENTS:
        times = times_at(key, now + 6 * HOUR, [now])
        later = now + 6 * HOUR
        seen = Seen(times.last, times.next, times.hours, later, now, times.next)
        assert judge(seen) == "overdue"


def test_a_sync_that_still_runs_does_not_hide_the_one_before() -> None:
    key = key_of(Scenario.OVERDUE, "Oak")
    assert times_at(key, NOON, [NOON - HOUR / 2, NOON + HOUR]).last == NOON - HOUR / 2


def test_a_started_sync_shows_when_it_has_ended() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = key_for(Scenario.LATE, "Oak")
    with SandboxServer(clock=clock, options=QUICK) as server:
        before = ask_at(server.base_url, STATUS, key=key).json
        answer = ask_at(server.base_url, TRIGGER, key=key, method="POST")
        after = ask_at(server.base_url, STATUS, key=key).json
    assert answer.status == 200
    assert before["last_sync_at"] < "2025-11-15T12:00:00Z"
    assert after["last_sync_at"] == "2025-11-15T12:00:00Z"
