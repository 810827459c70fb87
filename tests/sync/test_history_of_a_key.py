"""What people do with a key is in the history, and runs of identical checks are one row."""

from datetime import timedelta

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.freshness import check_request
from freddy_admin.sync.lifecycle import (
    key_change,
    key_pause,
    key_resume,
    key_revoke,
    keys_watch,
)
from freddy_admin.sync.models import CheckRun, HistoryEvent, KeySync
from freddy_admin.vault.details import KeyDetails
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed, row_of
from tests.sync.test_history_tells import at, see, states, told
from tests.sync.test_recording import store

M, H = timedelta(minutes=1), timedelta(hours=1)
ANA = Actor("Ana")


def test_a_clock_that_was_years_ahead_for_one_check_spoils_no_later_time(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(days=900)
    store(key, failed(key))
    hand_clock.forward(days=-900, minutes=5)
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=27)
    see(key, "11:30", "12:30")
    late = HistoryEvent.objects.filter(kind="health_changed").order_by("pk").last()
    assert late is not None
    assert late.details["state"][1] == "late"
    assert NOON + 30 * M <= late.at <= hand_clock()
    assert row_of(key).run_from <= hand_clock()


def test_people_are_told_with_their_names(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock, person: User
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=1)
    check_request(organisation=organisation, actor=ANA, key_id=key.pk)
    details = KeyDetails(label="New", owner=person)
    key_change(organisation=organisation, actor=ANA, key=key, details=details)
    key_pause(organisation=organisation, actor=ANA, key=key)
    key_pause(organisation=organisation, actor=ANA, key=key)
    hand_clock.forward(hours=2)
    key.refresh_from_db()
    key_resume(organisation=organisation, actor=ANA, key=key)
    see(key, "13:30", "14:30")
    key_revoke(organisation=organisation, actor=ANA, key=key)
    people = HistoryEvent.objects.filter(actor_name="Ana").order_by("at", "pk")
    assert [one.details["what"] for one in people] == [
        "check",
        "edited",
        "paused",
        "resumed",
        "revoked",
    ]
    assert [state for state, _ in states()] == [
        "not_checked",
        "up_to_date",
        "paused",
        "not_checked",
        "up_to_date",
        "",
    ]
    # The sync of the pause is told, and no skip of a plan from before it.
    assert [moment for moment, _ in told("sync_seen")] == [at("13:30")]
    assert told("sync_skipped") == []
    assert not KeySync.objects.exists()


def test_an_unknown_span_ends_in_the_pause_that_came_after_it(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(hours=1)
    key_pause(organisation=organisation, actor=ANA, key=key)
    assert states()[-2:] == [("unknown", NOON + 15 * M), ("paused", NOON + H)]


def test_a_replaced_key_breaks_no_plan_of_the_former_one(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=40)
    keys_watch(keys=[key], actor=ANA)
    see(key, "11:30", "13:30", total_tools=50)
    assert told("sync_skipped") == told("schedule_changed") == []
    assert told("tools_changed")[-1][1] == {"enabled": [7, 7], "total": [42, 50]}
    row = row_of(key)
    assert (row.figures_before, row.figures_count) == ("", 1)


def test_a_run_that_ends_is_written_down_as_it_was(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:30", "18:30")
    hand_clock.forward(minutes=5)
    see(key, "11:30", "18:30")
    hand_clock.forward(minutes=5)
    store(key, failed(key, "server_error", http_status=502, code="BAD"))
    hand_clock.forward(minutes=5)
    see(key, "12:12", "18:30")
    first, second = CheckRun.objects.order_by("first_at")
    assert (first.first_at, first.last_at, first.count, first.outcome) == (
        NOON,
        NOON + 5 * M,
        2,
        "good",
    )
    assert (first.last_sync_at, first.total_tools, first.worst_ms) == (at("11:30"), 42, 12.0)
    assert (second.error_kind, second.error_http_status, second.error_code) == (
        "server_error",
        502,
        "BAD",
    )
    assert (second.total_tools, second.count) == (None, 1)


def test_a_quiet_key_costs_a_row_however_often_it_is_checked(
    key: ApiKey, hand_clock: HandClock
) -> None:
    for _ in range(20):
        see(key, "11:30", "18:30", sync_interval_hours=24)
        hand_clock.forward(minutes=5)
    assert CheckRun.objects.count() == 0
    row = row_of(key)
    assert (row.run_from, row.run_count, row.run_worst_ms) == (NOON, 20, 12.0)
    assert HistoryEvent.objects.count() == 3


def test_figures_are_marked_alike_where_they_are_alike(key: ApiKey, hand_clock: HandClock) -> None:
    first = see(key, "11:30", "12:30")
    again = see(key, "11:30", "12:30")
    assert again.figures_mark == first.figures_mark != ""
    assert again.figures_count == 2
    moved = see(key, "11:30", "13:30")
    assert (moved.figures_before, moved.figures_count) == (first.figures_mark, 1)
    kept = store(key, failed(key))
    assert (kept.figures_mark, kept.figures_count) == (moved.figures_mark, 1)
    assert see(key, "11:30", "13:30").figures_count == 2


def test_a_row_from_before_the_history_begins_it_with_its_next_check(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    HistoryEvent.objects.all().delete()
    KeySync.objects.update(
        told_state="", told_at=None, told_sync_at=None, run_mark="", run_from=None, run_count=0
    )
    hand_clock.forward(minutes=5)
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=26)
    see(key, "12:30", "13:30")
    assert states()[:1] == [("up_to_date", NOON + 5 * M)]
    assert [moment for moment, _ in told("sync_seen")] == [at("12:30")]
