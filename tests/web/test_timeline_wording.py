"""Every kind of event is a plain sentence; nothing that is stored can break or invade a page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.html import strip_tags

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.sync.history.timeline import TimelineEntry, TimelineFilters, TimelinePage
from freddy_admin.sync.models import EventKind as Kind
from freddy_admin.web.history_query import HistoryQuery
from freddy_admin.web.presenters.timeline.timeline_section import (
    TimelineEventRow,
    timeline_section,
)
from freddy_admin.web.presenters.user_time import UserTime

NOW = datetime(2026, 11, 23, 18, tzinfo=UTC)
AT = datetime(2026, 11, 23, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ANA = "Ana Berg (ana@example.org)"
XSS = '"><script>alert(1)</script>'
QUERY = HistoryQuery("/organisations/alder/", "", "month", TimelineFilters())


def render_timeline_event(
    kind: Kind, details: Any, *, by: str = "", until: Any = None, noticed: timedelta = 0 * MINUTE
) -> TimelineEventRow:
    entry = TimelineEntry(
        id=1,
        kind=kind,
        at=AT,
        noticed_at=AT + noticed,
        until=until,
        actor_name=by,
        details=details,
        key_id=1,
        key_label="Main",
    )
    page = TimelinePage(TimelineFilters(), (entry,), has_older=False)
    view = timeline_section(page, QUERY, UserTime(NOW, UTC), slug="alder", keys={1: "Main"})
    return view.days[0].events[0]


def event_sentence_text(kind: Kind, details: Any, **more: Any) -> str:
    event = render_timeline_event(kind, details, **more)
    return " ".join(strip_tags(f"{event.words} {event.note}").split())


def iso_time(hour: int, day: int = 23) -> str:
    return f"2026-11-{day:02}T{hour:02}:00:00Z"


@pytest.mark.parametrize(
    ("kind", "details", "sentence"),
    [
        (Kind.SYNC_SEEN, {}, "Synced."),
        (Kind.SYNC_SEEN, {"first": True}, "Synced. The first sync that we know of."),
        (
            Kind.SYNC_SKIPPED,
            {"next": iso_time(15)},
            "The sync planned for 14:00 was skipped. The next one is planned for 15:00.",
        ),
        (Kind.SYNC_SKIPPED, {}, "The sync planned for 14:00 was skipped."),
        (
            Kind.SYNC_SKIPPED,
            {"next": iso_time(9, 24)},
            "The sync planned for 14:00 was skipped. The next one is planned for 24 Nov, 09:00.",
        ),
        (
            Kind.SYNC_TAKEN_BACK,
            {"last": [iso_time(13), iso_time(12)]},
            "Aitronos took the last sync back. From 13:00 to 12:00.",
        ),
        (
            Kind.SYNC_TAKEN_BACK,
            {"last": [iso_time(13), None]},
            "Aitronos took the last sync back. From 13:00 to no sync at all.",
        ),
        (
            Kind.SCHEDULE_CHANGED,
            {"next": [iso_time(15), iso_time(16)], "hours": [1, 6], "incremental": [True, False]},
            (
                "Schedule changed: next sync 16:00 instead of 15:00; every 6 hours instead of "
                "every hour; incremental sync off."
            ),
        ),
        (
            Kind.SCHEDULE_CHANGED,
            {"next": [None, iso_time(16)], "hours": [0, 1]},
            (
                "Schedule changed: next sync 16:00, where none was planned; every hour instead of "
                "no interval."
            ),
        ),
        (
            Kind.SCHEDULE_CHANGED,
            {"next": [iso_time(16), None]},
            "Schedule changed: no next sync is planned any more.",
        ),
        (
            Kind.TOOLS_CHANGED,
            {"enabled": [None, 7], "total": [None, 42]},
            "First figures: 7 of 42 tools on.",
        ),
        (
            Kind.TOOLS_CHANGED,
            {"enabled": [7, 1900], "total": [42, 2000]},
            "1,900 of 2,000 tools on; before that 7 of 42 tools on.",
        ),
        (
            Kind.HEALTH_CHANGED,
            {"state": ["up_to_date", "overdue"], "rule": 8},
            "Up to date → became Overdue",
        ),
        (Kind.HEALTH_CHANGED, {"state": ["", "up_to_date"]}, "First state: Up to date."),
        (
            Kind.HEALTH_CHANGED,
            {"state": ["unknown", "overdue"], "since": iso_time(12)},
            "Overdue, as it has been since 12:00.",
        ),
    ],
)
def test_observed_change_is_worded_as_a_sentence(kind: Kind, details: Any, sentence: str) -> None:
    assert event_sentence_text(kind, details) == sentence


@pytest.mark.parametrize(
    ("details", "until", "sentence"),
    [
        (
            {"kind": "server_error", "http": 502, "code": "", "count": 6},
            AT + 31 * MINUTE,
            "Our checks failed: Aitronos error 502. From 14:00 to 14:31, 6 checks.",
        ),
        (
            {"kind": "read_timeout", "http": None, "code": "", "count": 1},
            AT,
            "A check failed: No answer in 0.5 s.",
        ),
        ({"kind": "tls"}, None, "Our checks fail: Secure connection failed. Still so."),
        (
            {"kind": "key_refused", "http": 401, "code": "API_KEY_EXPIRED"},
            None,
            "Our checks fail: The key has expired. Still so.",
        ),
        (
            {"kind": "server_error"},
            AT + 600 * MINUTE,
            "Our checks failed: Aitronos had an error of its own. From 14:00 to 24 Nov, 00:00.",
        ),
        (
            {"kind": "of another version"},
            None,
            "Our checks fail: No answer to rely on. Still so.",
        ),
    ],
)
def test_failing_checks_are_one_line_with_their_number(
    details: Any, until: Any, sentence: str
) -> None:
    assert event_sentence_text(Kind.CHECK_FAILED, details, until=until) == sentence


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_a_timeline_sentence(kind: str) -> None:
    assert event_sentence_text(Kind.CHECK_FAILED, {"kind": kind, "http": None}).startswith(
        "Our checks fail: "
    )


@pytest.mark.parametrize(
    ("change", "by_ana", "by_nobody"),
    [
        ("added", "Ana Berg added the key.", "The key was added."),
        ("replaced", "Ana Berg replaced the key.", "The key was replaced."),
        (
            "kept_untested",
            "Ana Berg kept a key that could not be tested.",
            "The key was kept without a test.",
        ),
        ("paused", "Ana Berg paused the key.", "The key was paused."),
        ("resumed", "Ana Berg resumed the key.", "The key was resumed."),
        ("revoked", "Ana Berg revoked the key.", "The key was revoked."),
        ("edited", "Ana Berg changed the key's details.", "The key's details were changed."),
    ],
)
def test_key_event_names_its_actor(change: str, by_ana: str, by_nobody: str) -> None:
    assert event_sentence_text(Kind.KEY_CHANGED, {"what": change}, by=ANA) == by_ana
    assert event_sentence_text(Kind.KEY_CHANGED, {"what": change}, by="worker") == by_nobody


DONE = {"what": "sync_ended", "outcome": "done"}


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"what": "check"}, "Ana Berg asked for a check."),
        ({"what": "sync", "full": False}, "Ana Berg asked for a sync."),
        ({"what": "sync", "full": True}, "Ana Berg asked for a full sync."),
        (DONE, "The sync that Ana Berg asked for is done."),
        (
            DONE | {"synced": 1, "created": 3, "unchanged": None, "message": "Hi"},
            "The sync that Ana Berg asked for is done. 1 tool synced, 3 new. Aitronos says: “Hi”",
        ),
        (
            {
                "what": "sync_ended",
                "outcome": "refused",
                "kind": "rate_limited",
                "message": "Later",
            },
            (
                "The sync that Ana Berg asked for was not started. Limited by Aitronos. "
                "Aitronos says: “Later”"
            ),
        ),
        (
            {"what": "sync_ended", "outcome": "unclear", "kind": "read_timeout"},
            (
                "It is not known whether the sync that Ana Berg asked for was started. "
                "No answer in 0.5 s."
            ),
        ),
        (
            {"what": "switch", "tool": "gmail", "name": "Gmail", "enable": True},
            "Ana Berg asked to switch Gmail on.",
        ),
        ({"what": "switch", "tool": "gmail"}, "Ana Berg asked to switch gmail off."),
        (
            {"what": "switch_ended", "name": "Gmail", "enable": True, "outcome": "done"},
            "Gmail was switched on. Asked for by Ana Berg.",
        ),
        (
            {"what": "switch_ended", "name": "Gmail", "enable": False, "outcome": "refused"},
            "Gmail was not switched off. Asked for by Ana Berg.",
        ),
        (
            {"what": "switch_ended", "enable": True, "outcome": "unclear"},
            "It is not known whether a connector was switched on. Asked for by Ana Berg.",
        ),
    ],
)
def test_operation_event_says_who_requested_it_and_its_result(details: Any, sentence: str) -> None:
    assert event_sentence_text(Kind.PERSON_ACTION, details, by=ANA) == sentence


def test_requested_sync_names_its_requester() -> None:
    assert event_sentence_text(Kind.SYNC_SEEN, {}, by=ANA) == "Synced, as Ana Berg had asked."
    assert (
        event_sentence_text(Kind.SYNC_SEEN, {}, by="bo@example.org")
        == "Synced, as bo@example.org had asked."
    )


def test_event_noticed_late_says_when_it_was_noticed() -> None:
    assert "Noticed" not in event_sentence_text(Kind.SYNC_SEEN, {}, noticed=10 * MINUTE)
    assert (
        event_sentence_text(Kind.SYNC_SEEN, {}, noticed=65 * MINUTE) == "Synced. Noticed at 15:05."
    )


@pytest.mark.parametrize("kind", Kind)
def test_event_of_another_version_is_worded_by_its_kind(kind: Kind) -> None:
    details = {"state": ["a", "b"], "what": "something new", "enabled": 1, "next": 7, "kind": 5}
    assert event_sentence_text(kind, details)
    assert event_sentence_text(kind, {})
