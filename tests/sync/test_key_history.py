"""Actions of people are in the history of a key, and a run of identical checks is one row."""

from datetime import timedelta

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.requests import check_request
from freddy_admin.sync.key_lifecycle import (
    key_monitoring_start,
    key_pause,
    key_resume,
    key_revoke,
    key_update,
)
from freddy_admin.sync.models import CheckRun, HistoryEvent, SyncStatus
from freddy_admin.vault.key_details import KeyDetails
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed_result, sync_status_of
from tests.sync.test_check_recording import store
from tests.sync.test_history_recorder import (
    check_brings,
    parse_time,
    recorded_events,
    recorded_states,
)

M, H = timedelta(minutes=1), timedelta(hours=1)
ANA = Actor("Ana")


def test_a_clock_years_ahead_for_one_check_spoils_no_later_event_time(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(days=900)
    store(key, failed_result(key))
    hand_clock.advance(days=-900, minutes=5)
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=27)
    check_brings(key, "11:30", "12:30")
    event = HistoryEvent.objects.filter(kind="health_changed").order_by("pk").last()
    assert event is not None
    assert event.details["state"][1] == "late"
    assert NOON + 30 * M <= event.at <= hand_clock()
    assert sync_status_of(key).run_started_at <= hand_clock()


def test_actions_of_people_are_recorded_with_their_names(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock, operator: User
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=1)
    check_request(organisation=organisation, actor=ANA, key_id=key.pk)
    details = KeyDetails(label="New", owner=operator)
    key_update(organisation=organisation, actor=ANA, key=key, details=details)
    key_pause(organisation=organisation, actor=ANA, key=key)
    key_pause(organisation=organisation, actor=ANA, key=key)
    hand_clock.advance(hours=2)
    key.refresh_from_db()
    key_resume(organisation=organisation, actor=ANA, key=key)
    check_brings(key, "13:30", "14:30")
    key_revoke(organisation=organisation, actor=ANA, key=key)
    events = HistoryEvent.objects.filter(actor_name="Ana").order_by("at", "pk")
    assert [event.details["what"] for event in events] == [
        "check",
        "edited",
        "paused",
        "resumed",
        "revoked",
    ]
    assert [state for state, _ in recorded_states()] == [
        "not_checked",
        "up_to_date",
        "paused",
        "not_checked",
        "up_to_date",
        "",
    ]
    # The sync during the pause is recorded, and no skipped sync of a schedule from before it.
    assert [at for at, _ in recorded_events("sync_seen")] == [parse_time("13:30")]
    assert recorded_events("sync_skipped") == []
    assert not SyncStatus.objects.exists()


def test_an_unknown_span_ends_in_the_pause_that_came_after_it(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(hours=1)
    key_pause(organisation=organisation, actor=ANA, key=key)
    assert recorded_states()[-2:] == [("unknown", NOON + 15 * M), ("paused", NOON + H)]


def test_a_replaced_key_skips_no_sync_of_the_former_one(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=40)
    key_monitoring_start(keys=[key], actor=ANA)
    check_brings(key, "11:30", "13:30", total_tools=50)
    assert recorded_events("sync_skipped") == recorded_events("schedule_changed") == []
    assert recorded_events("tools_changed")[-1][1] == {"enabled": [7, 7], "total": [42, 50]}
    row = sync_status_of(key)
    assert (row.previous_figures_digest, row.figures_check_count) == ("", 1)


def test_a_check_run_that_ends_is_saved_with_its_figures(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "18:30")
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "18:30")
    hand_clock.advance(minutes=5)
    store(key, failed_result(key, "server_error", http_status=502, code="BAD"))
    hand_clock.advance(minutes=5)
    check_brings(key, "12:12", "18:30")
    first, second = CheckRun.objects.order_by("first_at")
    assert (first.first_at, first.last_at, first.count, first.outcome) == (
        NOON,
        NOON + 5 * M,
        2,
        "good",
    )
    assert (first.last_sync_at, first.total_tools, first.worst_ms) == (
        parse_time("11:30"),
        42,
        12.0,
    )
    assert (second.error_kind, second.error_http_status, second.error_code) == (
        "server_error",
        502,
        "BAD",
    )
    assert (second.total_tools, second.count) == (None, 1)


def test_a_quiet_key_costs_one_row_however_often_it_is_checked(
    key: ApiKey, hand_clock: HandClock
) -> None:
    for _ in range(20):
        check_brings(key, "11:30", "18:30", sync_interval_hours=24)
        hand_clock.advance(minutes=5)
    assert CheckRun.objects.count() == 0
    row = sync_status_of(key)
    assert (row.run_started_at, row.run_count, row.run_worst_ms) == (NOON, 20, 12.0)
    assert HistoryEvent.objects.count() == 3


def test_equal_figures_have_equal_digests(key: ApiKey, hand_clock: HandClock) -> None:
    row = check_brings(key, "11:30", "12:30")
    same_row = check_brings(key, "11:30", "12:30")
    assert same_row.figures_digest == row.figures_digest != ""
    assert same_row.figures_check_count == 2
    changed_row = check_brings(key, "11:30", "13:30")
    assert (changed_row.previous_figures_digest, changed_row.figures_check_count) == (
        row.figures_digest,
        1,
    )
    failed_row = store(key, failed_result(key))
    assert (failed_row.figures_digest, failed_row.figures_check_count) == (
        changed_row.figures_digest,
        1,
    )
    assert check_brings(key, "11:30", "13:30").figures_check_count == 2


def test_a_row_without_history_begins_it_with_its_next_check(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    HistoryEvent.objects.all().delete()
    SyncStatus.objects.update(
        recorded_state="",
        recorded_at=None,
        recorded_sync_at=None,
        run_digest="",
        run_started_at=None,
        run_count=0,
    )
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=26)
    check_brings(key, "12:30", "13:30")
    assert recorded_states()[:1] == [("up_to_date", NOON + 5 * M)]
    assert [at for at, _ in recorded_events("sync_seen")] == [parse_time("12:30")]
