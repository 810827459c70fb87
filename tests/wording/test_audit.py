"""The audit log's events and its condition in words, the same in the panel and in commands."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from freddy_admin.audit.chain_verification import (
    ChainProblem,
    ChainProblemKind,
    VerificationProgress,
)
from freddy_admin.audit.models import AuditEvent, AuditVerification
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.wording.audit import (
    AUDIT_ACTIONS,
    DETAIL_LABELS,
    VALUE_LABELS,
    audit_action,
    audit_details,
)
from freddy_admin.wording.audit_verification import (
    audit_verification_status,
    intact_chain_sentences,
    missing_triggers_sentence,
    tampering_sentences,
)
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.states import BAD, GOOD, QUIET
from freddy_admin.wording.times import UserTime

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USER_TIME = UserTime(NOW, UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.override_clock(lambda: NOW):
        yield


def detail_texts(details: Any, *, tag: str = "key_changed", at: datetime = NOW) -> list[str]:
    event = AuditEvent(tag=tag, details=details, at=at)
    return [render_text(line, USER_TIME) for line in audit_details(event)]


def test_label_stands_alone() -> None:
    pieces = {"at", "by", "from", "off", "of them", "on", "to"}
    assert not pieces & {str(label) for label in (*DETAIL_LABELS.values(), *VALUE_LABELS.values())}


def test_each_tag_has_an_action_of_its_own() -> None:
    actions = [str(action) for action in AUDIT_ACTIONS.values()]
    assert set(AUDIT_ACTIONS) == set(AuditTag)
    assert len(set(actions)) == len(actions)
    assert all(action[0].islower() for action in actions)


def test_action_of_another_version_is_its_tag() -> None:
    assert str(audit_action(AuditEvent(tag=AuditTag.KEY_ADDED))) == "added an API key"
    assert str(audit_action(AuditEvent(tag="of_tomorrow"))) == "of_tomorrow"


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({}, []),
        ([], []),
        ({"changes": {"label": ["Old", "New"]}}, ["label: Old → New"]),
        ({"changes": {"owner": [None, "Ana"]}}, ["owner: nothing → Ana"]),
        ({"changes": {"tags": [[], ["a", "b"]]}}, ["tags: nothing → a, b"]),
        ({"changes": {"label": True}}, ["label"]),
        ({"old": "Alder", "new": "Birch"}, ["Alder → Birch"]),
        ({"old": None, "new": "Birch"}, ["Birch"]),
        ({"enable": True, "outcome": "done"}, ["to be switched on", "outcome: done"]),
        ({"enable": False}, ["to be switched off"]),
        (
            {"full": True, "way": "single sign-on"},
            ["everything anew", "sign-in method: single sign-on"],
        ),
        ({"step": "password", "key_id": 7, "message": ""}, ["step: password"]),
        (
            {"filters": {"q": "x", "from": "2026-03-01"}},
            ["filters: search x, first day 2026-03-01"],
        ),
        ({"rows": 1234, "something_new": "{x}"}, ["rows: 1234", "something new: {x}"]),
    ],
)
def test_details_are_short_lines(details: Any, lines: list[str]) -> None:
    assert detail_texts(details) == lines


def test_role_of_a_member_is_named() -> None:
    details = {"old": "viewer", "new": "operator"}
    assert detail_texts(details, tag="member_changed") == ["role: viewer → operator"]


@pytest.mark.parametrize(
    ("details", "line"),
    [
        ({"more_times": 1}, "once more until 10:12"),
        ({"more_times": 1200}, "1,200 more times until 10:12"),
        ({"more_times": 1, "differing": True}, "once more until 10:12, in another way"),
        ({"more_times": 3, "differing": True}, "3 more times until 10:12, in different ways"),
    ],
)
def test_repeats_are_counted(details: dict[str, Any], line: str) -> None:
    assert detail_texts(details | {"until": "2026-03-02T10:12:00+00:00"}) == [line]


def test_file_has_times_as_they_were_written_down() -> None:
    details = {"more_times": 2, "until": "2026-03-02T10:12:00+00:00"}
    event = AuditEvent(tag="exported", details=details, at=NOW)
    (line,) = audit_details(event, is_for_file=True)
    assert render_text(line) == "2 more times until 2026-03-02T10:12:00+00:00"


def test_event_from_the_future_was_written_while_the_clock_was_ahead() -> None:
    assert detail_texts({}, at=NOW + timedelta(hours=2)) == ["Written while the clock was ahead."]


@pytest.mark.parametrize("kind", [*ChainProblemKind, "of another version"])
def test_panel_and_command_say_the_same_of_a_problem(kind: ChainProblemKind) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    command_text = render_text(tampering_sentences(ChainProblem(kind, 57, at)))
    problem = {"wrong": str(kind), "number": 57, "at": at}
    verification = AuditVerification(verified_at=NOW, problem=problem)
    tone, word, sentences = audit_verification_status(verification)
    assert (tone, str(word)) == (BAD, "tampered with")
    page_text = render_text(sentences, USER_TIME)
    assert page_text.endswith(
        " Keep a copy of the database and run `manage.py doctor`. Last verified just now."
    )
    what = page_text.partition(" Keep a copy")[0]
    assert what[0].isupper()
    assert what.endswith(".")
    assert command_text == (
        what.replace("2 Mar 2026, 11:00:00 UTC", "2026-03-02 11:00:00 UTC")
        + " Keep a copy of the database, and compare it with a backup."
    )


def test_problem_without_a_number_or_a_time_is_a_sentence() -> None:
    text = render_text(tampering_sentences(ChainProblem(ChainProblemKind.REMOVED)))
    assert text.startswith("An event (number ?) was removed by hand, written after the beginning.")


@pytest.mark.parametrize(
    ("verification", "expected"),
    [
        (
            None,
            (
                QUIET,
                "not verified yet",
                "The worker verifies the log once a day, a little at a time.",
            ),
        ),
        (
            AuditVerification(verified_at=NOW - timedelta(hours=3), events=12_345, problem={}),
            (
                GOOD,
                "in order",
                "Last verified 3 h ago. 12,345 events, none was changed or removed.",
            ),
        ),
    ],
)
def test_log_without_a_problem(
    verification: AuditVerification | None, expected: tuple[str, str, str]
) -> None:
    tone, word, sentences = audit_verification_status(verification)
    assert (tone, str(word), render_text(sentences, USER_TIME)) == expected


def test_command_says_what_is_proven_and_what_is_not() -> None:
    progress = VerificationProgress(
        place=1200, last="a" * 64, former=[[1, 3], [4, 900]], unproven_since=901
    )
    sentences = intact_chain_sentences(progress, secret_key_changes=[NOW], unlinked_count=2)
    assert render_text(sentences) == (
        f"in order: 1,200 events, the last one {'a' * 16}. "
        "SECRET_KEY was changed on 2026-03-02 12:00:00 UTC. "
        "Events 1 to 900 are as they were then. "
        "SECRET_KEY is another one since event 901: only with the former one in "
        "SECRET_KEY_FALLBACKS can be proven that nothing was changed. "
        "2 wait for the worker to link them."
    )
    assert "manage.py migrate" in render_text(missing_triggers_sentence(["a", "b"]))
