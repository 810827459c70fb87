"""The ids that support asks for stay in the history and the export once the key works again."""

from dataclasses import replace

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.export import check_runs_export, history_export
from freddy_admin.sync.history.timeline import TimelineFilters, timeline_page
from freddy_admin.sync.models import EventKind, HistoryEvent
from freddy_admin.vault.models import ApiKey
from freddy_admin.wording.events import event_wording
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import UserTime, get_user_time
from tests.sync.conftest import HandClock, failed_result, good_result, lease_key


def _record_three_failures_and_recovery(key: ApiKey, hand_clock: HandClock) -> None:
    for number in (1, 2, 3):
        lease_key(key)
        ids = {"trace_id": f"trace-{number}", "request_id": f"request-{number}"}
        check_results_record([failed_result(key, "server_error", http_status=500, **ids)])
        hand_clock.advance(minutes=5)
    lease_key(key)
    check_results_record([replace(good_result(key), finished_at=hand_clock())])


def test_ids_of_the_first_and_the_latest_failure_stay_in_the_history(
    key: ApiKey, hand_clock: HandClock
) -> None:
    _record_three_failures_and_recovery(key, hand_clock)
    event = HistoryEvent.objects.get(kind=EventKind.CHECK_FAILED)
    assert event.until is not None
    assert (event.details["trace_id"], event.details["request_id"]) == ("trace-1", "request-1")
    assert event.details["latest_ids"] == {"trace_id": "trace-3", "request_id": "request-3"}


def test_ids_of_a_failed_span_are_in_the_export(
    organisation: Organisation, key: ApiKey, hand_clock: HandClock
) -> None:
    _record_three_failures_and_recovery(key, hand_clock)
    (span,) = (
        event for event in history_export(organisation=organisation) if event["until"] is not None
    )
    assert span["details"]["latest_ids"]["trace_id"] == "trace-3"
    (run,) = check_runs_export(organisation=organisation)
    assert (run["trace_id"], run["request_id"]) == ("trace-3", "request-3")


def test_timeline_names_the_ids_of_a_failed_span(
    organisation: Organisation, key: ApiKey, hand_clock: HandClock
) -> None:
    _record_three_failures_and_recovery(key, hand_clock)
    page = timeline_page(organisation=organisation, filters=TimelineFilters(group="failures"))
    (entry,) = page.entries
    user_time: UserTime = get_user_time(hand_clock())
    notes = render_text(event_wording(entry).notes, user_time)
    assert "trace_id trace-1, x-request-id request-1." in notes
    assert "The latest: trace_id trace-3, x-request-id request-3." in notes
