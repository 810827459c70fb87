"""The auth configs of an organisation: a list with its age, and what is said when there is none."""

from typing import Any

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import Listing, ListingKind
from tests.web.conftest import MakeKey, People, SignIn, seen_of
from tests.web.listings import AUTH, listed, live, minutes_ago, names, page_of, text_of

KIND = ListingKind.AUTH_CONFIGS
ITEMS = (
    {
        "id": "ac_1",
        "toolkit": "gmail",
        "type": "default",
        "created_at": "2025-03-04T05:06:00+00:00",
    },
    {"id": "ac_2", "toolkit": "slack", "type": "custom"},
    {"id": "ac_3"},
)


@pytest.fixture
def viewer(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def test_a_list_is_shown_with_both_its_ages(viewer: Client, make_key: MakeKey) -> None:
    listed(make_key(), *ITEMS, kind=KIND, ago=12, checked_at=minutes_ago(2), error_kind="tls")
    page = page_of(viewer, AUTH)
    assert "As of 12 min ago · we looked 2 min ago" in text_of(page)
    assert names(page) == ["gmail", "slack", "ac_3"]
    assert "3 auth configs" in page
    assert "4 Mar 2025, 05:06" in page


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("GMA", ["gmail"]),
        ("custom", ["slack"]),
        ("ac_", ["gmail", "slack", "ac_3"]),
        ("ac_ slack", ["slack"]),
        ("mar 2025", ["gmail"]),
        ("nobody-has-this", []),
    ],
)
def test_everything_that_is_shown_can_be_searched(
    search: str, found: list[str], viewer: Client, make_key: MakeKey
) -> None:
    listed(make_key(), *ITEMS, kind=KIND)
    page = page_of(viewer, f"{AUTH}?q={search}")
    assert names(page) == found
    assert f"{len(found)} of 3 auth configs" in page
    assert ("Nothing matches" in page) is (not found)


def test_the_first_look_asks_and_says_so(viewer: Client, make_key: MakeKey) -> None:
    key = make_key()
    page = page_of(viewer, AUTH)
    assert "Asking Aitronos for the list…" in page
    assert "No list yet · asking Aitronos now" in text_of(page)
    assert page.count("data-pending") == 1
    assert Listing.objects.get().wanted_at == clock.now()
    assert Listing.objects.get().key_id == key.pk


def test_an_old_list_is_shown_while_a_new_one_is_fetched(viewer: Client, make_key: MakeKey) -> None:
    listed(make_key(), *ITEMS, kind=KIND, ago=11)
    page = page_of(viewer, AUTH)
    assert "As of 11 min ago · we looked 11 min ago · asking Aitronos now" in text_of(page)
    assert len(names(page)) == 3


def test_a_page_with_a_young_list_asks_for_nothing(viewer: Client, make_key: MakeKey) -> None:
    listed(make_key(), *ITEMS, kind=KIND)
    assert "data-pending" not in page_of(viewer, AUTH)
    assert Listing.objects.get().wanted_at is None


def test_no_list_is_not_the_same_as_an_empty_one(viewer: Client, make_key: MakeKey) -> None:
    listed(make_key(), kind=KIND)
    page = page_of(viewer, AUTH)
    assert "No auth config yet" in page
    assert 'role="search"' not in page


def test_a_failed_call_is_explained_above_the_list_that_stays(
    viewer: Client, make_key: MakeKey
) -> None:
    error: dict[str, Any] = {
        "error_kind": "key_not_permitted",
        "error_http_status": 403,
        "error_code": "INSUFFICIENT_PERMISSIONS",
        "error_message": "You do <b>not</b> have permission.",
        "trace_id": "req_def456",
        "request_id": "rid_1",
    }
    listed(make_key(), *ITEMS, kind=KIND, checked_at=minutes_ago(1), **error)
    page = page_of(viewer, AUTH)
    assert "Aitronos does not let it read this list" in page
    assert "Aitronos says: “You do &lt;b&gt;not&lt;/b&gt; have permission.”" in page
    assert "A manager of this organisation." in page
    assert "GET http" in page
    assert "/v1/admin/composio/auth-configs" in page
    assert "trace_id: req_def456" in page
    assert "Replace the key" not in page
    assert len(names(page)) == 3


@pytest.mark.parametrize(
    ("kind", "sentence", "offers"),
    [
        ("key_refused", "Aitronos does not accept this API key.", True),
        ("server_error", "Aitronos had an error of its own (502) and gave no list.", False),
        ("read_timeout", "Aitronos gave no complete answer", False),
        ("something new", "The check ended without an answer to rely on.", False),
    ],
)
def test_a_manager_is_offered_what_cures_it(
    kind: str, sentence: str, offers: bool, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    status = {"error_kind": kind, "error_http_status": 502, "observed_at": None}
    listed(make_key(), kind=KIND, ago=0.5, **status)
    page = page_of(signed_in(people.manager), AUTH)
    assert sentence in page
    assert ("Replace the key" in page) is offers
    assert "there is none to show yet" in page
    assert "Asking Aitronos for the list" not in page


def test_without_a_key_there_is_a_way_to_add_one(
    people: People, signed_in: SignIn, viewer: Client
) -> None:
    page = page_of(viewer, AUTH)
    assert "No API key in use yet" in page
    assert "keys/add/" not in page
    assert "keys/add/" in page_of(signed_in(people.manager), AUTH)
    assert live(viewer, seen_of(page), AUTH).status_code == 204
