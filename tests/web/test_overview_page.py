"""The overview: counts, cards, the list, its query string, and its number of queries."""

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.core import clock
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


def test_tab_title_and_headline_count_the_readers_own_moves(
    people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    # Three keys need a manager, two syncs an operator; a platform admin can do all.
    expected = {people.viewer: (0, 5), people.operator: (2, 3), people.manager: (5, 0)}
    for person, (own, others) in (expected | {people.admin: (5, 0)}).items():
        page = signed_in(person).get("/").content.decode()
        title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
        assert title is not None
        count = [f"({own})"] if own else []
        assert title.group(1).split() == [*count, "Overview", "·", "Freddy", "Admin"]
        assert f'data-needs-you="{own}"' in page
        assert (f"{own} need you" in page) == bool(own)
        assert (f"{others} wait for others" in page) == bool(others)


@pytest.mark.parametrize("role", ["viewer", "operator", "manager", "admin"])
def test_filters_of_moves_show_as_many_keys_as_they_say(
    role: str, people: People, signed_in: SignIn, key_in_every_state: dict[HealthState, ApiKey]
) -> None:
    client, shown = signed_in(getattr(people, role)), Counter[str]()
    for move in ("you", "others", ""):
        page = client.get(f"/?state=needs_you&move={move}").content.decode()
        shown[move] = page.count("<tr id=")
        assert f"{shown[move]} of 12 keys" in page
    assert shown["you"] + shown["others"] == shown[""] == 5
    assert shown["you"] == {"viewer": 0, "operator": 2}.get(role, 5)
    # The search narrows both; a move without the state says nothing.
    page = client.get("/?state=needs_you&move=you&q=overdue").content.decode()
    assert page.count("<tr id=") == (role != "viewer")
    assert client.get("/?move=you").content.decode().count("<tr id=") == 12


def test_keys_that_expire_are_the_move_of_those_who_may_replace_them(
    people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    make_key(key={"expires_on": clock.now().date()})
    for person, own in ((people.operator, False), (people.manager, True)):
        page = signed_in(person).get("/").content.decode()
        assert ("1 needs you" in page) == own
        assert ("1 waits for others" in page) == (not own)


@pytest.mark.parametrize("number", [1, 50, 500])
def test_the_page_costs_seven_queries_however_many_keys(
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
    assert len(counted) == SESSION_AND_USER + 7


def test_unchanged_poll_reads_no_filter_options_and_no_saved_views(
    people: People, signed_in: SignIn, make_key: MakeKey, worker: WorkerHeartbeat
) -> None:
    make_key()
    client = signed_in(people.viewer)
    headers = {"x-live": "1", "x-seen": shown_digests_of(client.get("/").content.decode())}
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/", headers=headers).status_code == 204
    assert len(queries) == SESSION_AND_USER + 4


def _names(page: str) -> list[str]:
    return re.findall(r'class="c-name"><a href="[^"]*">([^<]*)<', page)
