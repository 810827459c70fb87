"""Every kind of failure and every state has its sentences, and times are never absurd."""

from datetime import UTC, datetime, timedelta

import pytest

from freddy_admin.aitronos.errors import FailureKind
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.results import LocalFailureKind
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.status.selectors import organisation_key_rows
from freddy_admin.sync.status.types import CheckError
from freddy_admin.vault.models import ApiKey
from freddy_admin.web.presenters.failure_wording import _FAILURE_WORDINGS, failure_wording
from freddy_admin.web.presenters.headline import key_headline
from freddy_admin.web.presenters.state_pill import STATE_STYLES
from freddy_admin.web.presenters.user_time import EITHER, FUTURE, PAST, UserTime, format_interval
from tests.web.conftest import People

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
USER_TIME = UserTime(NOW, UTC)


def _error(kind: str, **more: object) -> CheckError:
    empty_texts = {
        "code": "",
        "message": "",
        "field": "",
        "detail": "",
        "trace_id": "",
        "request_id": "",
    }
    return CheckError(**{"kind": kind, "http_status": None, **empty_texts, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*FailureKind, *LocalFailureKind])
def test_every_kind_of_failure_has_sentences_of_its_own(kind: str) -> None:
    assert kind in _FAILURE_WORDINGS
    wording = failure_wording(_error(kind))
    assert all(
        [
            wording.brief,
            wording.words.endswith("."),
            wording.responsible_party,
            wording.advice.endswith("."),
        ]
    )


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
def test_wording_covers_every_failure_of_the_list(error: CheckError, brief: str) -> None:
    assert failure_wording(error).brief == brief


def test_a_failed_secure_connection_names_its_reason() -> None:
    words = failure_wording(_error("tls", detail="certificate expired")).words
    assert words.startswith("Secure connection failed: certificate expired")


def test_every_state_has_an_icon_and_a_tone() -> None:
    assert set(STATE_STYLES) == set(HealthState)


def test_every_state_has_a_headline_without_a_hole(
    people: People, organisation: Organisation, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    now = clock.now()
    rows = organisation_key_rows(user=people.viewer, organisation=organisation, now=now)
    assert {row.state for row in rows} == set(HealthState)
    for row in rows:
        headline = key_headline(row, UserTime(now, UTC))
        assert headline.sentence.endswith((".", "</time>."))
        assert "{" not in headline.sentence + headline.overdue_announcement + headline.next_move
        assert "None" not in headline.sentence


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
    assert USER_TIME.format_relative(NOW - timedelta(seconds=seconds), side) == words


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, "every hour"), (6, "every 6 hours"), (24, "every day"), (720, "every 30 days")],
)
def test_an_interval_reads_as_people_say_it(hours: int, words: str) -> None:
    assert format_interval(hours) == words


def test_a_clock_time_names_the_day_only_where_it_is_another() -> None:
    assert USER_TIME.format_clock(NOW + timedelta(hours=2)) == "14:00"
    assert USER_TIME.format_clock(NOW + timedelta(days=1)) == "3 Mar, 12:00"
    assert USER_TIME.format_clock(NOW - timedelta(days=365)) == "2 Mar 2025, 12:00"


def test_the_exact_time_stands_behind_the_relative_one() -> None:
    element = USER_TIME.render_ago(NOW - timedelta(minutes=12))
    assert 'datetime="2026-03-02T11:48:00Z"' in element
    assert 'title="2 Mar 2026, 11:48:00 UTC"' in element
    assert 'tabindex="0"' in element
