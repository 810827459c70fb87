"""The connectors of an organisation: a list that can be searched, however long it is."""

import pytest
from django.core.cache import cache
from django.test import Client

from freddy_admin.audit.services import Actor
from freddy_admin.sync.models import Listing
from freddy_admin.sync.orders.placing import order_switch
from freddy_admin.vault.models import ApiKey
from tests.web.conftest import HandClock, MakeKey, People, SignIn
from tests.web.listings import (
    CONNECTORS,
    connector,
    listed,
    names,
    page_of,
    text_of,
)

ITEMS = (
    connector("gmail", category="communication", is_connected=True, release_channel="stable"),
    connector("slack", category="communication", is_connected=False, description="Team chat"),
    connector("xero", category="finance", release_channel="beta"),
)


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """With three connectors listed."""
    made = make_key()
    listed(made, *ITEMS)
    return made


@pytest.fixture
def viewer(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def manager(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def test_connectors_are_listed_as_aitronos_gives_them(viewer: Client, key: ApiKey) -> None:
    page = page_of(viewer, CONNECTORS)
    assert names(page) == ["Gmail", "Slack", "Xero"]
    assert "3 connectors" in page
    text = text_of(page)
    assert "Gmail gmail communication Connected stable" in text
    assert "Slack slack Team chat communication Not connected —" in text
    assert "Xero xero finance — beta" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=TEAM", ["Slack"]),
        ("q=beta", ["Xero"]),
        ("q=not+connected", ["Slack"]),
        ("category=communication", ["Gmail", "Slack"]),
        ("category=communication&q=gm", ["Gmail"]),
        ("category=finance&q=gm", []),
        ("category=bogus", []),
    ],
)
def test_a_search_and_a_category_narrow_the_list(
    query: str, found: list[str], viewer: Client, key: ApiKey
) -> None:
    page = page_of(viewer, f"{CONNECTORS}?{query}")
    assert names(page) == found
    assert f"{len(found)} of 3 connectors" in page
    assert ("Clear the search" in page) is (not found)


def test_a_search_stays_with_the_key_that_was_chosen(viewer: Client, key: ApiKey) -> None:
    page = page_of(viewer, f"{CONNECTORS}?key={key.pk}&q=gm")
    assert f'<input type="hidden" name="key" value="{key.pk}">' in page
    assert f'href="{CONNECTORS}?key={key.pk}">Clear</a>' in page


def test_two_thousand_are_shown_in_pages(
    viewer: Client, make_key: MakeKey, django_assert_num_queries: object
) -> None:
    items = [connector(f"t{n:04}", category=f"c{n % 7}") for n in range(2000)]
    listed(make_key(), *items, total=4000)
    page = page_of(viewer, CONNECTORS)
    assert len(names(page)) == 50
    assert "Page 1 of 40" in page
    assert "Aitronos counts 4,000; the first 2,000 of them are kept here." in page
    last = page_of(viewer, f"{CONNECTORS}?page=40&category=c1")
    assert names(last)[-1] == "T1996"
    assert "286 of 2,000 connectors" in last
    assert "category=c1&amp;page=5" in last


def test_a_page_costs_the_same_queries_however_long_the_list(
    viewer: Client, make_key: MakeKey, django_assert_max_num_queries: object
) -> None:
    listed(make_key(), *(connector(f"t{n}") for n in range(500)))
    page_of(viewer, CONNECTORS)
    cache.clear()
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        page_of(viewer, CONNECTORS)


def test_an_empty_list_says_what_that_means(viewer: Client, make_key: MakeKey) -> None:
    listed(make_key())
    page = page_of(viewer, CONNECTORS)
    assert "No connector is listed" in page
    assert "Switched here" not in page


def test_looking_at_connectors_never_asks_for_more_than_one_call(
    viewer: Client, manager: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    now = hand_clock.forward(minutes=11)
    for client in (viewer, manager, viewer):
        page_of(client, CONNECTORS)
        hand_clock.forward(seconds=1)
    assert [one.wanted_at for one in Listing.objects.all()] == [now]


@pytest.mark.parametrize(("enable", "word"), [(True, "on"), (False, "off")])
def test_the_audit_log_says_which_way_a_connector_was_switched(
    enable: bool, word: str, people: People, signed_in: SignIn, key: ApiKey
) -> None:
    order_switch(
        organisation=key.organisation,
        actor=Actor(name="Ana"),
        key_id=key.pk,
        tool_key="gmail",
        tool_name="Gmail",
        enable=enable,
    )
    text = text_of(page_of(signed_in(people.manager), "/audit/"))
    assert f"asked for a connector to be switched: Main {word} " in text
