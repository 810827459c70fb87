"""Every kind of event is a plain sentence, whatever was stored of it."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core import clock
from freddy_admin.sync.clock_repair import WRITTEN_AHEAD_DETAIL
from freddy_admin.sync.models import EventKind as Kind
from freddy_admin.wording.events import event_wording
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.states import STATE_WORDINGS
from freddy_admin.wording.times import UserTime
from tests.wording.timeline_entries import AT, MINUTE, XSS, iso_time, timeline_entry

THAT_DAY = UserTime(AT, UTC)
ANA = "Ana Berg (ana@example.org)"


@pytest.fixture(autouse=True)
def _evening() -> Iterator[None]:
    with clock.override_clock(lambda: AT + timedelta(hours=4)):
        yield


def event_sentence_text(kind: Kind, details: Any, **more: Any) -> str:
    wording = event_wording(timeline_entry(kind, details, **more))
    return render_text((wording.words, *wording.notes), THAT_DAY)


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
            "Up to date became Overdue",
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


def test_change_of_state_shows_an_arrow_and_is_heard_as_a_word() -> None:
    entry = timeline_entry(Kind.HEALTH_CHANGED, {"state": ["up_to_date", "overdue"], "rule": 8})
    wording = event_wording(entry)
    assert render_html(wording.words, THAT_DAY) == (
        'Up to date <span aria-hidden="true">→</span> '
        '<span class="visually-hidden">became</span> Overdue'
    )
    overdue = next(row for state, row in STATE_WORDINGS.items() if state == "overdue")
    assert (wording.icon, wording.tone) == (overdue.icon, overdue.tone)


def test_times_of_an_event_are_elements_in_html_and_foreign_text_is_escaped() -> None:
    skipped = event_wording(timeline_entry(Kind.SYNC_SKIPPED, {"next": iso_time(15)}))
    assert 'tabindex="-1">14:00</time> was skipped.' in render_html(skipped.words, THAT_DAY)
    switched = event_wording(timeline_entry(Kind.PERSON_ACTION, {"what": "switch"}, by=XSS))
    assert "&lt;script&gt;" in render_html(switched.words, THAT_DAY)
    assert XSS in render_text(switched.words)


def test_event_written_while_the_clock_was_ahead_says_so() -> None:
    text = "Synced. Written while the clock was ahead."
    assert event_sentence_text(Kind.SYNC_SEEN, {WRITTEN_AHEAD_DETAIL: True}) == text
    assert event_sentence_text(Kind.SYNC_SEEN, {}, noticed=timedelta(hours=9)) == text


@pytest.mark.parametrize(
    ("details", "sentence"),
    [
        ({"what": "check"}, "Somebody asked for a check."),
        ({"what": "sync", "full": True}, "Somebody asked for a full sync."),
        (DONE, "The sync that somebody asked for is done."),
        ({"what": "switch", "enable": True}, "Somebody asked to switch a connector on."),
        ({"what": "switch_ended", "outcome": "done"}, "a connector was switched off."),
    ],
)
def test_operation_of_nobody_known_is_worded_as_a_sentence(details: Any, sentence: str) -> None:
    assert event_sentence_text(Kind.PERSON_ACTION, details, by="worker") == sentence


def test_operator_of_the_command_line_is_named() -> None:
    text = event_sentence_text(Kind.PERSON_ACTION, {"what": "check"}, by="operator (command line)")
    assert text == "The operator (command line) asked for a check."


def test_key_that_nobody_decided_about_is_named() -> None:
    details = {"what": "never_decided", "label": "Sales"}
    text = event_sentence_text(Kind.KEY_CHANGED, details)
    assert text.startswith("The new key for “Sales” was thrown away: nobody decided within ")
