"""Each change that a check observes is recorded once, with the time at which it became true."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.sync.models import CheckRun, HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    failed_result,
    good_result,
    make_figures,
    refused_result,
    sync_status_of,
)
from tests.sync.test_check_recording import store

M, H = timedelta(minutes=1), timedelta(hours=1)
ANA = Actor("Ana")


def recorded_events(kind: str) -> list[tuple[datetime, dict[str, Any]]]:
    events = HistoryEvent.objects.filter(kind=kind).order_by("at", "pk")
    return list(events.values_list("at", "details"))


def recorded_states() -> list[tuple[str, datetime]]:
    events = HistoryEvent.objects.filter(kind__in=("health_changed", "key_changed"))
    return [
        (event.details["state"][1], event.at)
        for event in events.order_by("at", "pk")
        if "state" in event.details
    ]


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-02T{text}+00:00")


def check_brings(
    key: ApiKey, last_sync_time: str | None, next_sync_time: str | None, **figure_changes: Any
) -> SyncStatus:
    figures = make_figures(
        parse_time(last_sync_time) if last_sync_time else None,
        parse_time(next_sync_time) if next_sync_time else None,
        1,
    )
    for name, value in figure_changes.items():
        object.__setattr__(figures, name, value)
    return store(key, good_result(key, figures))


def test_a_new_key_is_recorded_with_its_first_state_and_figures(key: ApiKey) -> None:
    check_brings(key, "11:30", "12:30")
    assert recorded_states() == [("not_checked", NOON), ("up_to_date", NOON)]
    assert recorded_events("tools_changed") == [(NOON, {"enabled": [None, 7], "total": [None, 42]})]
    assert recorded_events("sync_seen") == []


def test_a_sync_is_recorded_with_its_own_time_however_late_it_is_seen(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=34)
    check_brings(key, "12:30:20", "13:30")
    hand_clock.advance(minutes=1)
    check_brings(key, "12:30:20", "13:30")
    assert recorded_events("sync_seen") == [(parse_time("12:30:20"), {})]
    event = HistoryEvent.objects.get(kind="sync_seen")
    assert event.noticed_at == NOON + 34 * M


def test_the_very_first_sync_is_recorded(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, None, "12:30")
    hand_clock.advance(minutes=31)
    check_brings(key, "12:30:20", "13:30")
    assert recorded_events("sync_seen") == [(parse_time("12:30:20"), {"first": True})]


def test_each_skipped_sync_is_recorded_when_it_was_due(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=35)
    check_brings(key, "11:30", "13:30")
    hand_clock.advance(hours=1)
    check_brings(key, "11:30", "14:30")
    assert recorded_events("sync_skipped") == [
        (parse_time("12:30"), {"next": "2026-03-02T13:30:00Z"}),
        (parse_time("13:30"), {"next": "2026-03-02T14:30:00Z"}),
    ]
    assert recorded_events("schedule_changed") == []


def test_a_next_sync_that_moves_before_it_is_due_is_a_changed_schedule(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "12:50", sync_interval_hours=2, incremental_sync_enabled=True)
    assert recorded_events("sync_skipped") == []
    assert recorded_events("schedule_changed") == [
        (
            NOON + 5 * M,
            {
                "next": ["2026-03-02T12:30:00Z", "2026-03-02T12:50:00Z"],
                "hours": [1, 2],
                "incremental": [False, True],
            },
        )
    ]


def test_a_tools_change_is_recorded_from_and_to(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "12:30", enabled_tools=9)
    assert recorded_events("tools_changed")[1:] == [
        (NOON + 5 * M, {"enabled": [7, 9], "total": [42, 42]})
    ]


def test_a_sync_that_is_taken_back_and_given_again_is_recorded_once(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:00", "12:00")
    for last_sync_time in ("12:00", "11:00", "12:00", None, "12:00"):
        hand_clock.advance(minutes=5)
        check_brings(key, last_sync_time, "13:00")
    assert [at for at, _ in recorded_events("sync_seen")] == [NOON]
    assert [details["last"][1] for _, details in recorded_events("sync_taken_back")] == [
        "2026-03-02T11:00:00Z",
        None,
    ]


def test_a_sync_that_lies_ahead_is_recorded_when_it_is_seen(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:00", "12:00")
    hand_clock.advance(minutes=5)
    check_brings(key, "15:00", "16:00")
    assert recorded_events("sync_seen") == [(NOON + 5 * M, {})]


def test_a_sync_years_ahead_hides_none_of_the_later_syncs(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=5)
    store(key, good_result(key, make_figures(NOON + timedelta(days=900), parse_time("12:30"), 1)))
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=25)
    check_brings(key, "12:31", "13:30")
    assert [at for at, _ in recorded_events("sync_seen")] == [
        parse_time("12:05"),
        parse_time("12:31"),
    ]
    assert [at for at, _ in recorded_events("sync_taken_back")] == [parse_time("12:10")]


def test_failing_checks_are_one_span_with_their_count(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, "11:30", "12:30")
    for _ in range(3):
        hand_clock.advance(minutes=5)
        store(key, failed_result(key, http_status=None))
    span = HistoryEvent.objects.get(kind="check_failed")
    assert (span.at, span.until) == (NOON + 5 * M, None)
    hand_clock.advance(minutes=5)
    check_brings(key, "11:30", "12:30")
    span.refresh_from_db()
    assert (span.until, span.details) == (
        NOON + 20 * M,
        {"kind": "read_timeout", "http": None, "code": "", "count": 3},
    )


def test_another_failure_is_another_span(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, failed_result(key))
    hand_clock.advance(minutes=5)
    store(key, failed_result(key, "server_error", http_status=500))
    hand_clock.advance(minutes=1)
    store(key, refused_result(key))
    spans = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert [(span.details["kind"], span.until) for span in spans] == [
        ("read_timeout", NOON + 5 * M),
        ("server_error", NOON + 6 * M),
        ("key_refused", None),
    ]


def test_time_without_checks_belongs_to_no_failure_span(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, failed_result(key))
    hand_clock.advance(hours=3)
    store(key, failed_result(key))
    spans = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert [(span.at, span.until) for span in spans] == [(NOON, NOON), (NOON + 3 * H, None)]
    assert [run.last_at for run in CheckRun.objects.all()] == [NOON]


def test_a_state_is_recorded_from_when_it_became_true(key: ApiKey, hand_clock: HandClock) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=32)
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=14)
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(minutes=5)
    check_brings(key, "12:49", "13:49")
    assert recorded_states()[1:] == [
        ("up_to_date", NOON),
        ("unknown", NOON + 15 * M),
        ("late", NOON + 32 * M),
        ("overdue", NOON + 45 * M),
        ("up_to_date", parse_time("12:49")),
    ]


def test_a_state_behind_an_unknown_span_is_recorded_with_its_own_start(
    key: ApiKey, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    hand_clock.advance(hours=5)
    check_brings(key, "11:30", "12:30")
    event = HistoryEvent.objects.filter(kind="health_changed").order_by("at").last()
    assert event is not None
    assert event.at == NOON + 5 * H
    assert event.details == {
        "state": ["unknown", "overdue"],
        "rule": 8,
        "since": "2026-03-02T12:45:00Z",
    }


@pytest.mark.django_db
def test_history_is_saved_in_the_transaction_of_the_check(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    check_brings(key, "11:30", "12:30")
    checked_before = sync_status_of(key).checked_at
    hand_clock.advance(minutes=31)

    def raise_error(*_: object, **__: object) -> None:
        raise RuntimeError("killed here")

    monkeypatch.setattr("freddy_admin.sync.checks.recording.pending_history_save", raise_error)
    with pytest.raises(RuntimeError, match="killed"):
        check_brings(key, "12:30", "13:30")
    assert sync_status_of(key).checked_at == checked_before
    monkeypatch.undo()
    with clock.override_clock(hand_clock):
        check_brings(key, "12:30", "13:30")
    assert [at for at, _ in recorded_events("sync_seen")] == [parse_time("12:30")]
