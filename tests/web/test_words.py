"""Every kind of failure and every state has its sentences, and times are never absurd."""

from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.outcomes import OwnFailure
from freddy_admin.sync.rows import CheckError
from freddy_admin.sync.selectors import organisation_rows
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.presenters.failures import _SENTENCES, failure
from freddy_admin.web.presenters.states import LOOKS
from freddy_admin.web.presenters.story import story
from freddy_admin.web.presenters.times import EITHER, FUTURE, PAST, Reading, interval_words
from tests.web.conftest import People

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ON = Reading(NOW, UTC)


def _error(kind: str, **more: object) -> CheckError:
    blank = {"code": "", "message": "", "field": "", "detail": "", "trace_id": "", "request_id": ""}
    return CheckError(**{"kind": kind, "http_status": None, **blank, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*FailureKind, *OwnFailure])
def test_every_kind_of_failure_has_sentences_of_its_own(kind: str) -> None:
    assert kind in _SENTENCES
    said = failure(_error(kind))
    assert all([said.brief, said.words.endswith("."), said.who, said.todo.endswith(".")])


@pytest.mark.parametrize(
    ("error", "brief"),
    [
        (_error("server_error", http_status=502), "Aitronos error 502"),
        (_error("unexpected_status", http_status=404), "Unexpected answer 404"),
        (_error("unreadable_answer"), "Unreadable answer"),
        (_error("rate_limited", http_status=429), "Limited by Aitronos"),
        (_error("key_refused", code="API_KEY_EXPIRED"), "The key has expired"),
        (_error("name_not_found"), "Not reachable: name not found"),
        (_error("read_timeout"), "No answer in 0.5 s"),
        (_error("something_new"), "No answer to rely on"),
    ],
)
def test_what_the_list_of_faults_promises_is_said(error: CheckError, brief: str) -> None:
    assert failure(error).brief == brief


def test_a_failed_secure_connection_names_its_reason() -> None:
    words = failure(_error("tls", detail="certificate expired")).words
    assert words.startswith("Secure connection failed: certificate expired")


def test_every_state_has_a_look() -> None:
    assert set(LOOKS) == set(State)


def test_every_state_has_a_headline_without_a_hole(
    people: People, organisation: Organisation, every_state: dict[State, ApiKey]
) -> None:
    now = clock.now()
    rows = organisation_rows(user=people.viewer, organisation=organisation, now=now)
    assert {row.state for row in rows} == set(State)
    for row in rows:
        told = story(row, Reading(now, UTC))
        assert told.headline.endswith((".", "</time>."))
        assert "{" not in told.headline + told.promise + told.move
        assert "None" not in told.headline


@pytest.mark.parametrize(
    ("seconds", "side", "words"),
    [
        (0, PAST, "just now"),
        (-180, PAST, "just now"),
        (40, PAST, "40 s ago"),
        (720, PAST, "12 min ago"),
        (7200, PAST, "2 h ago"),
        (3 * 86400, PAST, "3 days ago"),
        (-20, FUTURE, "in 20 s"),
        (60, FUTURE, "any moment"),
        (-1500, EITHER, "in 25 min"),
        (1500, EITHER, "25 min ago"),
    ],
)
def test_times_read_as_people_say_them(seconds: int, side: str, words: str) -> None:
    assert ON.relative(NOW - timedelta(seconds=seconds), side) == words


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, "every hour"), (6, "every 6 hours"), (24, "every day"), (720, "every 30 days")],
)
def test_an_interval_reads_as_people_say_it(hours: int, words: str) -> None:
    assert interval_words(hours) == words


def test_a_clock_time_names_the_day_only_where_it_is_another() -> None:
    assert ON.clock(NOW + timedelta(hours=2)) == "14:00"
    assert ON.clock(NOW + timedelta(days=1)) == "3 Mar, 12:00"
    assert ON.clock(NOW - timedelta(days=365)) == "2 Mar 2025, 12:00"


def test_the_exact_time_stands_behind_the_relative_one() -> None:
    element = ON.ago(NOW - timedelta(minutes=12))
    assert 'datetime="2026-03-02T11:48:00Z"' in element
    assert 'title="2 Mar 2026, 11:48:00 UTC"' in element
    assert 'tabindex="0"' in element
