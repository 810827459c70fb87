"""The overview: counts, cards, the list, its query string, and its number of queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import (
    HandClock,
    MakeKey,
    People,
    SignIn,
    create_keys_like,
    shown_digests_of,
)

SESSION_AND_USER = 2


def test_the_first_visit_says_what_this_is_and_offers_one_step(
    people: People, signed_in: SignIn, organisation: Organisation, other_organisation: Organisation
) -> None:
    organisation.delete()
    other_organisation.delete()
    page = signed_in(people.admin).get("/").content.decode()
    assert "Nothing is watched yet" in page
    assert "Add the first organisation" in page


def test_somebody_without_an_organisation_is_told_whom_to_ask(
    people: People, signed_in: SignIn
) -> None:
    people.stranger.memberships.all().delete()  # type: ignore[attr-defined]
    page = signed_in(people.stranger).get("/").content.decode()
    assert "You are not a member of any organisation yet" in page
    assert "Add organisation" not in page


def test_every_state_has_its_word_its_shape_and_a_sentence(
    people: People,
    signed_in: SignIn,
    key_in_every_state: dict[HealthState, ApiKey],
    worker: WorkerHeartbeat,
) -> None:
    page = signed_in(people.manager).get("/").content.decode()
    for state in key_in_every_state:
        assert f"/>{'</svg>'}{state.label}</span>" in page, state
    assert "5 need you" in page
    assert page.count('class="needs-you-card tone-') == 5
    assert "in -" not in page


def test_counts_are_filters_and_stay_in_the_address(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    client = signed_in(people.manager)
    page = client.get("/").content.decode()
    assert 'href="/?state=needs_you"' in page
    late_page = client.get("/?state=late").content.decode()
    assert _names(late_page) == ["Alder"]
    assert "1 of 12 keys" in late_page
    assert 'aria-current="true"' in late_page


@pytest.mark.parametrize(
    "query", ["q=zzz", "tag=none", "owner=99999", "state=paused&q=zzz", "q=%00%ED%A0%80zz"]
)
def test_empty_search_result_offers_a_way_back(
    query: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    page = signed_in(people.viewer).get(f"/?{query}").content.decode()
    assert "Nothing matches" in page
    assert "Clear the filters" in page


@pytest.mark.parametrize(
    "query",
    [
        "sort=drop table",
        "page=-1",
        "page=99999999999999999999",
        "state=bogus",
        "owner=x",
        "sort=--",
    ],
)
def test_values_that_are_not_offered_are_ignored(
    query: str, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key()
    answer = signed_in(people.viewer).get(f"/?{query}")
    assert answer.status_code == 200
    assert _names(answer.content.decode()) == ["Alder"]


def test_a_viewer_is_offered_no_button(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    page = signed_in(people.viewer).get("/").content.decode()
    cards = page[page.index('id="needs"') : page.index('class="card list"')]
    assert "<button" not in cards
    assert "btn-primary" not in cards
    assert "A manager pastes the key again." in cards


def test_tab_title_says_how_many_keys_need_somebody(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    page = signed_in(people.viewer).get("/").content.decode()
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    assert title.group(1).split() == ["(5)", "Overview", "·", "Freddy", "Admin"]


@pytest.mark.parametrize("number", [1, 50, 500])
def test_the_page_costs_six_queries_however_many_keys(
    number: int, people: People, signed_in: SignIn, make_key: MakeKey, hand_clock: HandClock
) -> None:
    template = make_key("0")
    create_keys_like(template, number - 1)
    # All are stale, so that the page also asks for their checks: one statement for all.
    hand_clock.advance(minutes=2)
    SyncStatus.objects.update(next_check_at=hand_clock() + timedelta(minutes=5))
    client = signed_in(people.viewer)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get("/")
    assert answer.content.decode().count('data-part="row-') == min(number, 50)
    # Only within a test's own transaction the request for checks needs a savepoint.
    counted = [query for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
    assert len(counted) == SESSION_AND_USER + 6


def test_unchanged_poll_reads_no_filter_options_and_no_saved_views(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    headers = {"x-live": "1", "x-seen": shown_digests_of(client.get("/").content.decode())}
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/", headers=headers).status_code == 204
    assert len(queries) == SESSION_AND_USER + 3


def _names(page: str) -> list[str]:
    return re.findall(r'class="c-name"><a href="[^"]*">([^<]*)<', page)
