"""What a check changed is in the history once, with the time at which it became true."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.sync.models import CheckRun, HistoryEvent, KeySync
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, failed, figures, good, refused, row_of
from tests.sync.test_recording import store

M, H = timedelta(minutes=1), timedelta(hours=1)
ANA = Actor("Ana")


def told(kind: str) -> list[tuple[datetime, dict[str, Any]]]:
    events = HistoryEvent.objects.filter(kind=kind).order_by("at", "pk")
    return list(events.values_list("at", "details"))


def states() -> list[tuple[str, datetime]]:
    events = HistoryEvent.objects.filter(kind__in=("health_changed", "key_changed"))
    return [
        (one.details["state"][1], one.at)
        for one in events.order_by("at", "pk")
        if "state" in one.details
    ]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


def see(key: ApiKey, last: str | None, following: str | None, **more: Any) -> KeySync:
    status = figures(at(last) if last else None, at(following) if following else None, 1)
    for name, value in more.items():
        object.__setattr__(status, name, value)
    return store(key, good(key, status))


def test_a_new_key_is_told_with_who_added_it_and_its_first_figures(key: ApiKey) -> None:
    see(key, "11:30", "12:30")
    assert states() == [("not_checked", NOON), ("up_to_date", NOON)]
    assert told("tools_changed") == [(NOON, {"enabled": [None, 7], "total": [None, 42]})]
    assert told("sync_seen") == []


def test_a_sync_is_told_with_its_own_time_however_late_it_is_seen(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=34)
    see(key, "12:30:20", "13:30")
    hand_clock.forward(minutes=1)
    see(key, "12:30:20", "13:30")
    assert told("sync_seen") == [(at("12:30:20"), {})]
    event = HistoryEvent.objects.get(kind="sync_seen")
    assert event.noticed_at == NOON + 34 * M


def test_the_very_first_sync_is_told(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, None, "12:30")
    hand_clock.forward(minutes=31)
    see(key, "12:30:20", "13:30")
    assert told("sync_seen") == [(at("12:30:20"), {"first": True})]


def test_each_skipped_sync_is_told_when_it_was_due(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=35)
    see(key, "11:30", "13:30")
    hand_clock.forward(hours=1)
    see(key, "11:30", "14:30")
    assert told("sync_skipped") == [
        (at("12:30"), {"next": "2026-03-01T13:30:00Z"}),
        (at("13:30"), {"next": "2026-03-01T14:30:00Z"}),
    ]
    assert told("schedule_changed") == []


def test_a_plan_that_moves_before_it_is_due_is_a_changed_schedule(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=5)
    see(key, "11:30", "12:50", sync_interval_hours=2, incremental_sync_enabled=True)
    assert told("sync_skipped") == []
    assert told("schedule_changed") == [
        (
            NOON + 5 * M,
            {
                "next": ["2026-03-01T12:30:00Z", "2026-03-01T12:50:00Z"],
                "hours": [1, 2],
                "incremental": [False, True],
            },
        )
    ]


def test_tools_are_told_from_and_to(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=5)
    see(key, "11:30", "12:30", enabled_tools=9)
    assert told("tools_changed")[1:] == [(NOON + 5 * M, {"enabled": [7, 9], "total": [42, 42]})]


def test_a_sync_that_is_taken_back_and_given_again_is_told_once(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:00", "12:00")
    for last in ("12:00", "11:00", "12:00", None, "12:00"):
        hand_clock.forward(minutes=5)
        see(key, last, "13:00")
    assert [moment for moment, _ in told("sync_seen")] == [NOON]
    assert [details["last"][1] for _, details in told("sync_taken_back")] == [
        "2026-03-01T11:00:00Z",
        None,
    ]


def test_a_sync_that_lies_ahead_is_told_when_it_is_seen(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:00", "12:00")
    hand_clock.forward(minutes=5)
    see(key, "15:00", "16:00")
    assert told("sync_seen") == [(NOON + 5 * M, {})]


def test_a_sync_years_ahead_hides_none_of_those_that_come(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=5)
    store(key, good(key, figures(NOON + timedelta(days=900), at("12:30"), 1)))
    hand_clock.forward(minutes=5)
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=25)
    see(key, "12:31", "13:30")
    assert [moment for moment, _ in told("sync_seen")] == [at("12:05"), at("12:31")]
    assert [moment for moment, _ in told("sync_taken_back")] == [at("12:10")]


def test_failing_checks_are_one_span_with_their_number(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:30", "12:30")
    for _ in range(3):
        hand_clock.forward(minutes=5)
        store(key, failed(key, http_status=None))
    span = HistoryEvent.objects.get(kind="check_failed")
    assert (span.at, span.until) == (NOON + 5 * M, None)
    hand_clock.forward(minutes=5)
    see(key, "11:30", "12:30")
    span.refresh_from_db()
    assert (span.until, span.details) == (
        NOON + 20 * M,
        {"kind": "read_timeout", "http": None, "code": "", "count": 3},
    )


def test_another_failure_is_another_span(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, failed(key))
    hand_clock.forward(minutes=5)
    store(key, failed(key, "server_error", http_status=500))
    hand_clock.forward(minutes=1)
    store(key, refused(key))
    spans = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert [(one.details["kind"], one.until) for one in spans] == [
        ("read_timeout", NOON + 5 * M),
        ("server_error", NOON + 6 * M),
        ("key_refused", None),
    ]


def test_what_nobody_saw_belongs_to_no_span(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, failed(key))
    hand_clock.forward(hours=3)
    store(key, failed(key))
    spans = HistoryEvent.objects.filter(kind="check_failed").order_by("at")
    assert [(one.at, one.until) for one in spans] == [(NOON, NOON), (NOON + 3 * H, None)]
    assert [run.last_at for run in CheckRun.objects.all()] == [NOON]


def test_a_state_is_told_from_when_it_became_true(key: ApiKey, hand_clock: HandClock) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=32)
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=14)
    see(key, "11:30", "12:30")
    hand_clock.forward(minutes=5)
    see(key, "12:49", "13:49")
    assert states()[1:] == [
        ("up_to_date", NOON),
        ("unknown", NOON + 15 * M),
        ("late", NOON + 32 * M),
        ("overdue", NOON + 45 * M),
        ("up_to_date", at("12:49")),
    ]


def test_what_an_unknown_span_hid_is_told_with_its_own_beginning(
    key: ApiKey, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    hand_clock.forward(hours=5)
    see(key, "11:30", "12:30")
    event = HistoryEvent.objects.filter(kind="health_changed").order_by("at").last()
    assert event is not None
    assert event.at == NOON + 5 * H
    assert event.details == {
        "state": ["unknown", "overdue"],
        "rule": 8,
        "since": "2026-03-01T12:45:00Z",
    }


@pytest.mark.django_db
def test_history_is_told_in_the_transaction_of_the_check(
    key: ApiKey, monkeypatch: pytest.MonkeyPatch, hand_clock: HandClock
) -> None:
    see(key, "11:30", "12:30")
    before = row_of(key).checked_at
    hand_clock.forward(minutes=31)

    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("killed here")

    monkeypatch.setattr("freddy_admin.sync.recording.telling_store", breaks)
    with pytest.raises(RuntimeError, match="killed"):
        see(key, "12:30", "13:30")
    assert row_of(key).checked_at == before
    monkeypatch.undo()
    with clock.using(hand_clock):
        see(key, "12:30", "13:30")
    assert [moment for moment, _ in told("sync_seen")] == [at("12:30")]
