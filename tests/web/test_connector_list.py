"""The connector page: a catalog that can be searched, however long it is."""

import pytest
from django.core.cache import cache
from django.test import Client

from freddy_admin.audit.services import Actor
from freddy_admin.sync.models import CatalogSnapshot
from freddy_admin.sync.operations.services import switch_operation_create
from freddy_admin.vault.models import ApiKey
from tests.entered_files import count_calls
from tests.web.catalog_snapshots import (
    CONNECTORS_URL,
    connector_item,
    create_snapshot,
    get_page,
    listed_names,
    visible_text_of,
)
from tests.web.conftest import HandClock, MakeKey, People, SignIn

ITEMS = (
    connector_item("gmail", category="communication", is_connected=True, release_channel="stable"),
    connector_item("slack", category="communication", is_connected=False, description="Team chat"),
    connector_item("xero", category="finance", release_channel="beta"),
)


@pytest.fixture
def key(make_key: MakeKey) -> ApiKey:
    """A key with three connectors in its catalog."""
    key = make_key()
    create_snapshot(key, *ITEMS)
    return key


@pytest.fixture
def viewer_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def manager_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.manager)


def test_connectors_are_listed_as_aitronos_gives_them(viewer_client: Client, key: ApiKey) -> None:
    page = get_page(viewer_client, CONNECTORS_URL)
    assert listed_names(page) == ["Gmail", "Slack", "Xero"]
    assert "3 connectors" in page
    text = visible_text_of(page)
    assert "Gmail gmail communication Connected stable" in text
    assert "Slack slack Team chat communication Not connected —" in text
    assert "Xero xero finance — beta" in text


@pytest.mark.parametrize(
    ("query", "expected_names"),
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
    query: str, expected_names: list[str], viewer_client: Client, key: ApiKey
) -> None:
    page = get_page(viewer_client, f"{CONNECTORS_URL}?{query}")
    assert listed_names(page) == expected_names
    assert f"{len(expected_names)} of 3 connectors" in page
    assert ("Clear the search" in page) is (not expected_names)


def test_a_search_stays_with_the_key_that_was_chosen(viewer_client: Client, key: ApiKey) -> None:
    page = get_page(viewer_client, f"{CONNECTORS_URL}?key={key.pk}&q=gm")
    assert f'<input type="hidden" name="key" value="{key.pk}">' in page
    assert f'href="{CONNECTORS_URL}?key={key.pk}">Clear</a>' in page


def test_two_thousand_connectors_are_shown_in_pages(
    viewer_client: Client, make_key: MakeKey, django_assert_num_queries: object
) -> None:
    items = [connector_item(f"t{n:04}", category=f"c{n % 7}") for n in range(2000)]
    create_snapshot(make_key(), *items, total=4000)
    page = get_page(viewer_client, CONNECTORS_URL)
    assert len(listed_names(page)) == 50
    assert "Page 1 of 40" in page
    assert "Aitronos counts 4,000; the first 2,000 of them are kept here." in page
    last_page = get_page(viewer_client, f"{CONNECTORS_URL}?page=40&category=c1")
    assert listed_names(last_page)[-1] == "T1996"
    assert "286 of 2,000 connectors" in last_page
    assert "category=c1&amp;page=5" in last_page


def test_a_page_costs_the_same_queries_however_long_the_list(
    viewer_client: Client, make_key: MakeKey, django_assert_max_num_queries: object
) -> None:
    create_snapshot(make_key(), *(connector_item(f"t{n}") for n in range(500)))
    get_page(viewer_client, CONNECTORS_URL)
    cache.clear()
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        get_page(viewer_client, CONNECTORS_URL)


def test_an_empty_list_says_what_that_means(viewer_client: Client, make_key: MakeKey) -> None:
    create_snapshot(make_key())
    page = get_page(viewer_client, CONNECTORS_URL)
    assert "No connector is listed" in page
    assert "Switched here" not in page


def test_connector_page_never_requests_more_than_one_call(
    viewer_client: Client, manager_client: Client, key: ApiKey, hand_clock: HandClock
) -> None:
    now = hand_clock.advance(minutes=11)
    for client in (viewer_client, manager_client, viewer_client):
        get_page(client, CONNECTORS_URL)
        hand_clock.advance(seconds=1)
    assert [snapshot.refresh_requested_at for snapshot in CatalogSnapshot.objects.all()] == [now]


@pytest.mark.parametrize(("enable", "expected_word"), [(True, "on"), (False, "off")])
def test_the_audit_log_says_which_way_a_connector_was_switched(
    enable: bool, expected_word: str, people: People, signed_in: SignIn, key: ApiKey
) -> None:
    switch_operation_create(
        organisation=key.organisation,
        actor=Actor(name="Ana"),
        key_id=key.pk,
        tool_key="gmail",
        tool_name="Gmail",
        enable=enable,
    )
    text = visible_text_of(get_page(signed_in(people.manager), "/audit/"))
    assert f"asked for a connector to be switched: Main to be switched {expected_word} " in text


def test_a_search_of_many_words_costs_about_what_one_word_does(
    make_key: MakeKey, viewer_client: Client
) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    create_snapshot(
        make_key(), *(connector_item(f"t{number}", description=letters) for number in range(300))
    )
    one, many = (
        count_calls(lambda query=query: viewer_client.get(CONNECTORS_URL, {"q": query}))
        for query in ("a", " ".join(letters))
    )
    assert len(listed_names(get_page(viewer_client, f"{CONNECTORS_URL}?q={'+'.join(letters)}"))) > 0
    assert many < 2 * one
