"""The auth config page: the catalog with its age, and what is shown when there is none."""

from typing import Any

import pytest
from django.test import Client

from freddy_admin.core import clock
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot
from tests.web.catalog_snapshots import (
    AUTH_CONFIGS_URL,
    create_snapshot,
    get_page,
    listed_names,
    request_live_update,
    time_minutes_ago,
    visible_text_of,
)
from tests.web.conftest import MakeKey, People, SignIn, shown_digests_of

KIND = CatalogKind.AUTH_CONFIGS
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
def viewer_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


def test_a_list_is_shown_with_both_its_ages(viewer_client: Client, make_key: MakeKey) -> None:
    create_snapshot(
        make_key(), *ITEMS, kind=KIND, ago=12, checked_at=time_minutes_ago(2), error_kind="tls"
    )
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "As of 12 min ago · we looked 2 min ago" in visible_text_of(page)
    assert listed_names(page) == ["gmail", "slack", "ac_3"]
    assert "3 auth configs" in page
    assert "4 Mar 2025, 05:06" in page


@pytest.mark.parametrize(
    ("search", "expected_names"),
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
    search: str, expected_names: list[str], viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), *ITEMS, kind=KIND)
    page = get_page(viewer_client, f"{AUTH_CONFIGS_URL}?q={search}")
    assert listed_names(page) == expected_names
    assert f"{len(expected_names)} of 3 auth configs" in page
    assert ("Nothing matches" in page) is (not expected_names)


def test_first_visit_of_a_catalog_page_requests_a_fetch_and_says_so(
    viewer_client: Client, make_key: MakeKey
) -> None:
    key = make_key()
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "Asking Aitronos for the list…" in page
    assert "No list yet · asking Aitronos now" in visible_text_of(page)
    assert page.count("data-pending") == 1
    assert CatalogSnapshot.objects.get().refresh_requested_at == clock.now()
    assert CatalogSnapshot.objects.get().key_id == key.pk


def test_an_old_list_is_shown_while_a_new_one_is_fetched(
    viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), *ITEMS, kind=KIND, ago=11)
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "As of 11 min ago · we looked 11 min ago · asking Aitronos now" in visible_text_of(page)
    assert len(listed_names(page)) == 3


def test_a_page_with_a_young_list_asks_for_nothing(
    viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), *ITEMS, kind=KIND)
    assert "data-pending" not in get_page(viewer_client, AUTH_CONFIGS_URL)
    assert CatalogSnapshot.objects.get().refresh_requested_at is None


def test_missing_catalog_is_not_shown_as_an_empty_one(
    viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), kind=KIND)
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "No auth config yet" in page
    assert 'role="search"' not in page


def test_a_failed_call_is_explained_above_the_list_that_stays(
    viewer_client: Client, make_key: MakeKey
) -> None:
    error: dict[str, Any] = {
        "error_kind": "key_not_permitted",
        "error_http_status": 403,
        "error_code": "INSUFFICIENT_PERMISSIONS",
        "error_message": "You do <b>not</b> have permission.",
        "trace_id": "req_def456",
        "request_id": "rid_1",
    }
    create_snapshot(make_key(), *ITEMS, kind=KIND, checked_at=time_minutes_ago(1), **error)
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "Aitronos does not let it read this list" in page
    assert "Aitronos says: “You do &lt;b&gt;not&lt;/b&gt; have permission.”" in page
    assert "A manager of this organisation." in page
    assert "GET http" in page
    assert "/v1/admin/composio/auth-configs" in page
    assert "trace_id: req_def456" in page
    assert "Replace the key" not in page
    assert len(listed_names(page)) == 3


@pytest.mark.parametrize(
    ("kind", "sentence", "offers"),
    [
        ("key_refused", "Aitronos does not accept this API key.", True),
        ("server_error", "Aitronos had an error of its own (502) and gave no list.", False),
        ("read_timeout", "Aitronos gave no complete answer", False),
        ("something new", "The check ended without an answer to rely on.", False),
    ],
)
def test_manager_is_offered_the_action_that_fixes_the_problem(
    kind: str, sentence: str, offers: bool, people: People, signed_in: SignIn, make_key: MakeKey
) -> None:
    status = {"error_kind": kind, "error_http_status": 502, "observed_at": None}
    create_snapshot(make_key(), kind=KIND, ago=0.5, **status)
    page = get_page(signed_in(people.manager), AUTH_CONFIGS_URL)
    assert sentence in page
    assert ("Replace the key" in page) is offers
    assert "there is none to show yet" in page
    assert "Asking Aitronos for the list" not in page


def test_catalog_page_without_a_key_offers_to_add_one(
    people: People, signed_in: SignIn, viewer_client: Client
) -> None:
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "No API key in use yet" in page
    assert "keys/add/" not in page
    assert "keys/add/" in get_page(signed_in(people.manager), AUTH_CONFIGS_URL)
    assert (
        request_live_update(viewer_client, shown_digests_of(page), AUTH_CONFIGS_URL).status_code
        == 204
    )


def test_odd_time_of_one_auth_config_hides_no_list_and_is_shown_as_it_came(
    viewer_client: Client, make_key: MakeKey
) -> None:
    odd = {"id": "ac_4", "toolkit": "github", "created_at": "<i>last Tuesday"}
    create_snapshot(make_key(), *ITEMS, odd, kind=KIND)
    page = get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "4 auth configs in the project" in page
    assert "&lt;i&gt;last Tuesday" in page
    assert "4 Mar 2025, 05:06" in page


def test_several_auth_configs_of_one_toolkit_are_flagged(
    viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), *ITEMS, {"id": "ac_4", "toolkit": "GMail"}, kind=KIND)
    text = visible_text_of(get_page(viewer_client, AUTH_CONFIGS_URL))
    assert "For gmail there is more than one auth config." in text
    assert text.count("more than one") == 3
    text = visible_text_of(get_page(viewer_client, f"{AUTH_CONFIGS_URL}?q=slack"))
    assert "For gmail there is more than one auth config." in text


def test_auth_configs_without_a_toolkit_are_not_flagged(
    viewer_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), {"id": "ac_1"}, {"id": "ac_2"}, kind=KIND)
    assert "more than one" not in get_page(viewer_client, AUTH_CONFIGS_URL)
