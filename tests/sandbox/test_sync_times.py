from datetime import datetime, timedelta

import pytest

from freddy_admin.sandbox.key_scenarios import ParsedKey, Scenario, parse_sandbox_key, sandbox_key
from freddy_admin.sandbox.sandbox_clock import SandboxClock
from freddy_admin.sandbox.sandbox_server import SandboxServer
from freddy_admin.sandbox.sync_figures import sync_times_at
from tests.sandbox.conftest import (
    NOON,
    QUICK_OPTIONS,
    STATUS_PATH,
    TRIGGER_SYNC_PATH,
    send_request,
)
from tests.sandbox.reference_health_rule import HOUR, KeyObservation, expected_state

STATE_BY_SCENARIO = {
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


def parsed_key(scenario: Scenario, name: str) -> ParsedKey:
    key = parse_sandbox_key(sandbox_key(scenario, name))
    assert key is not None
    return key


def observe_key(key: ParsedKey, now: datetime) -> KeyObservation:
    times = sync_times_at(key, now)
    return KeyObservation(
        times.last_sync_at, times.next_sync_at, times.interval_hours, now, now, times.next_sync_at
    )


@pytest.mark.parametrize(("scenario", "state"), STATE_BY_SCENARIO.items())
def test_first_observation_at_any_moment_has_the_state_of_the_scenario(
    scenario: Scenario, state: str
) -> None:
    for name in ("Oak", "Elm", "Birch"):
        key = parsed_key(scenario, name)
        assert {expected_state(observe_key(key, now)) for now in MOMENTS} == {state}


def test_skipping_key_is_overdue_once_the_skip_was_observed() -> None:
    key = parsed_key(Scenario.SKIPPING, "Oak")
    states = []
    for now in MOMENTS:
        first_observation, second_observation = observe_key(key, now), observe_key(key, now + HOUR)
        assert first_observation.next_sync_at is not None
        assert second_observation.next_sync_at == first_observation.next_sync_at + HOUR
        second_observation.was_skipped = (
            second_observation.last_sync_at == first_observation.last_sync_at
        )
        states.append(expected_state(second_observation))
    assert set(states) == {"overdue", "late"}
    assert states.count("overdue") > states.count("late")


def test_waiting_key_still_waits_four_weeks_after_the_first_observation() -> None:
    key = parsed_key(Scenario.WAITING, "Oak")
    observation = observe_key(key, NOON + timedelta(days=28))
    observation.first_seen_at = NOON
    observation.first_next_sync_at = sync_times_at(key, NOON).next_sync_at
    assert expected_state(observation) == "waiting"


def test_healthy_key_syncs_when_it_is_due() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = sandbox_key(Scenario.HEALTHY, "Oak")
    with SandboxServer(clock=clock, options=QUICK_OPTIONS) as server:
        status_before = send_request(server.base_url, key=key).json
        clock.set(datetime.fromisoformat(status_before["next_sync_at"]) - timedelta(seconds=1))
        assert send_request(server.base_url, key=key).json == status_before
        clock.advance(timedelta(seconds=1))
        status_after = send_request(server.base_url, key=key).json
    assert status_after["last_sync_at"] == status_before["next_sync_at"]
    next_sync_at = datetime.fromisoformat(status_after["next_sync_at"])
    hours = timedelta(hours=status_after["sync_interval_hours"])
    assert next_sync_at == datetime.fromisoformat(status_after["last_sync_at"]) + hours


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
def test_started_sync_becomes_the_last_one_and_makes_the_key_healthy(
    scenario: Scenario, state: str
) -> None:
    for now in MOMENTS:
        times = sync_times_at(parsed_key(scenario, "Oak"), now, [now])
        assert times.last_sync_at == now
        assert (
            expected_state(
                KeyObservation(
                    times.last_sync_at,
                    times.next_sync_at,
                    times.interval_hours,
                    now,
                    now,
                    times.next_sync_at,
                )
            )
            == state
        )


def test_overdue_key_falls_behind_again_after_its_started_sync() -> None:
    key = parsed_key(Scenario.OVERDUE, "Oak")
    for now in MOMENTS:
        times = sync_times_at(key, now + 6 * HOUR, [now])
        six_hours_later = now + 6 * HOUR
        observation = KeyObservation(
            times.last_sync_at,
            times.next_sync_at,
            times.interval_hours,
            six_hours_later,
            now,
            times.next_sync_at,
        )
        assert expected_state(observation) == "overdue"


def test_running_sync_does_not_hide_the_one_before() -> None:
    key = parsed_key(Scenario.OVERDUE, "Oak")
    assert sync_times_at(key, NOON, [NOON - HOUR / 2, NOON + HOUR]).last_sync_at == NOON - HOUR / 2


def test_started_sync_appears_once_it_has_ended() -> None:
    clock = SandboxClock(NOON, speed=0)
    key = sandbox_key(Scenario.LATE, "Oak")
    with SandboxServer(clock=clock, options=QUICK_OPTIONS) as server:
        status_before = send_request(server.base_url, STATUS_PATH, key=key).json
        reply = send_request(server.base_url, TRIGGER_SYNC_PATH, key=key, method="POST")
        status_after = send_request(server.base_url, STATUS_PATH, key=key).json
    assert reply.status == 200
    assert status_before["last_sync_at"] < "2025-11-15T12:00:00Z"
    assert status_after["last_sync_at"] == "2025-11-15T12:00:00Z"
