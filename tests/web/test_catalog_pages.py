"""Catalog pages of both kinds: choice of key, permissions, fetching anew, hostile content."""

import re

import pytest
from django.test import Client

from freddy_admin.audit.models import AuditEvent
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.web.catalog_snapshots import (
    AUTH_CONFIGS_URL,
    CONNECTORS_URL,
    ORGANISATION_URL,
    create_snapshot,
    get_page,
    listed_names,
    request_live_update,
    visible_text_of,
)
from tests.web.conftest import HandClock, MakeKey, People, SignIn, shown_digests_of

KIND = CatalogKind.AUTH_CONFIGS
ITEMS = ({"id": "ac_1", "toolkit": "gmail"}, {"id": "ac_2"}, {"id": "ac_3"})


@pytest.fixture
def viewer_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.viewer)


@pytest.fixture
def operator_client(people: People, signed_in: SignIn) -> Client:
    return signed_in(people.operator)


def test_a_viewer_is_not_offered_the_button(
    viewer_client: Client, operator_client: Client, make_key: MakeKey
) -> None:
    create_snapshot(make_key(), *ITEMS, kind=KIND)
    assert "Check now" not in get_page(viewer_client, AUTH_CONFIGS_URL)
    assert "Check now" in get_page(operator_client, AUTH_CONFIGS_URL)


def test_check_now_locks_its_button_and_ends_on_evidence(
    operator_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    create_snapshot(key, *ITEMS, kind=KIND)
    location = operator_client.post(f"{ORGANISATION_URL}keys/{key.pk}/lists/auth_configs/check/")[
        "Location"
    ]
    assert location.startswith(f"{AUTH_CONFIGS_URL}?key={key.pk}&asked=")
    page = get_page(operator_client, location)
    assert "Asking Aitronos, as you asked" in page
    assert 'disabled aria-busy="true"' in page
    assert AuditEvent.objects.get(tag="check_requested").details == {"kind": "auth_configs"}
    hand_clock.advance(seconds=50)
    assert "The worker may be busy or stopped." in get_page(operator_client, location)
    hand_clock.advance(seconds=50)
    assert "waiting for the worker" in get_page(operator_client, location)
    assert "data-pending" not in get_page(operator_client, location)
    finished_at = hand_clock.advance(seconds=1)
    CatalogSnapshot.objects.update(
        checked_at=finished_at,
        observed_at=finished_at,
        refresh_requested_at=None,
        requested_at=None,
    )
    page = get_page(operator_client, location)
    assert "Fetched at 12:01, after you asked." in visible_text_of(page)
    assert "aria-busy" not in page
    CatalogSnapshot.objects.update(error_kind="server_error", error_http_status=500)
    assert "Tried at 12:01, after you asked: Aitronos error 500." in visible_text_of(
        get_page(operator_client, location)
    )
    hand_clock.advance(minutes=11)
    assert "after you asked" not in get_page(operator_client, location)


def test_repeated_and_held_back_catalog_fetches_are_explained(
    operator_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    create_snapshot(key, *ITEMS, kind=KIND, ago=0.1)
    address = f"{ORGANISATION_URL}keys/{key.pk}/lists/auth_configs/check/"
    assert "fetched a moment ago" in operator_client.post(address, follow=True).content.decode()
    hand_clock.advance(seconds=10)
    CatalogSnapshot.objects.update(hold_until=hand_clock().replace(hour=12, minute=20))
    page = operator_client.post(address, follow=True).content.decode()
    assert "Aitronos asked us to wait until 12:20. The list can be fetched after that." in page
    assert "Aitronos asked us to wait until 12:20" in visible_text_of(page)


@pytest.mark.parametrize("kind", ["bogus", "keys", "connector_switch", "overview"])
def test_unknown_kind_of_catalog_is_404(
    kind: str, operator_client: Client, make_key: MakeKey
) -> None:
    answer = operator_client.post(f"{ORGANISATION_URL}keys/{make_key().pk}/lists/{kind}/check/")
    assert answer.status_code == 404


@pytest.mark.parametrize("page", ["connectors", "auth-configs"])
def test_key_of_another_organisation_is_404(
    page: str,
    people: People,
    signed_in: SignIn,
    make_key: MakeKey,
    other_organisation: Organisation,
) -> None:
    own_key, foreign_key = make_key("Mine"), make_key("Theirs", at=other_organisation)
    create_snapshot(own_key)
    create_snapshot(foreign_key, {"tool_key": "secret-of-birch", "display_name": "Secret of Birch"})
    admin, manager = signed_in(people.admin), signed_in(people.manager)
    for client in (manager, admin):
        assert client.get(f"{ORGANISATION_URL}{page}/?key={foreign_key.pk}").status_code == 404
        posts = f"{ORGANISATION_URL}keys/{foreign_key.pk}/lists/connectors/check/"
        assert client.post(posts).status_code == 404
        switch = f"{ORGANISATION_URL}keys/{foreign_key.pk}/connectors/switch/?tool=gmail&on=0"
        assert client.get(switch).status_code == 404
        assert client.post(switch, {"understood": "on"}).status_code == 404
    assert not CatalogSnapshot.objects.filter(key=foreign_key, requested_at__isnull=False).exists()


def test_the_first_key_that_works_is_shown_and_another_can_be_chosen(
    viewer_client: Client, make_key: MakeKey
) -> None:
    broken_key, working, last_key = make_key("A", outcome="refused"), make_key("B"), make_key("C")
    for key in (broken_key, working, last_key):
        create_snapshot(key, {"id": f"of {key.label}"}, kind=KIND)
    assert listed_names(get_page(viewer_client, AUTH_CONFIGS_URL)) == ["of B"]
    assert listed_names(get_page(viewer_client, f"{AUTH_CONFIGS_URL}?key={last_key.pk}")) == [
        "of C"
    ]
    assert listed_names(get_page(viewer_client, f"{AUTH_CONFIGS_URL}?key=bogus&page=-3")) == [
        "of B"
    ]
    assert viewer_client.get(f"{AUTH_CONFIGS_URL}?key=999999").status_code == 404
    SyncStatus.objects.update(outcome="failed")
    assert listed_names(get_page(viewer_client, AUTH_CONFIGS_URL)) == ["of A"]


def test_a_key_that_is_not_in_use_cannot_be_chosen(
    viewer_client: Client, make_key: MakeKey
) -> None:
    make_key("A")
    draft = make_key("Draft")
    ApiKey.objects.filter(pk=draft.pk).update(status=KeyLifecycle.DRAFT)
    assert viewer_client.get(f"{AUTH_CONFIGS_URL}?key={draft.pk}").status_code == 404


def test_a_paused_key_says_why_its_list_stays_as_it_is(
    operator_client: Client, make_key: MakeKey
) -> None:
    key = make_key(key={"paused_at": clock.now(), "paused_by": "Ann"})
    create_snapshot(key, *ITEMS, kind=KIND, ago=60)
    page = get_page(operator_client, AUTH_CONFIGS_URL)
    assert "This key is paused" in page
    assert "Check now" not in page
    assert CatalogSnapshot.objects.get().refresh_requested_at is None


def test_a_replaced_keys_former_list_is_marked(viewer_client: Client, make_key: MakeKey) -> None:
    key = make_key(key={"secret_set_at": clock.now()})
    create_snapshot(key, *ITEMS, kind=KIND)
    assert "This list came with the former key" in get_page(viewer_client, AUTH_CONFIGS_URL)


def test_catalog_page_gets_the_result_once_and_by_itself(
    viewer_client: Client, make_key: MakeKey, hand_clock: HandClock
) -> None:
    key = make_key()
    shown_digests = shown_digests_of(get_page(viewer_client, AUTH_CONFIGS_URL))
    assert request_live_update(viewer_client, shown_digests, AUTH_CONFIGS_URL).status_code == 204
    finished_at = hand_clock.advance(seconds=3)
    CatalogSnapshot.objects.filter(key=key).update(
        items=list(ITEMS),
        observed_at=finished_at,
        checked_at=finished_at,
        refresh_requested_at=None,
    )
    answer = request_live_update(viewer_client, shown_digests, AUTH_CONFIGS_URL)
    page = answer.content.decode()
    assert len(listed_names(page)) == 3
    assert "<html" not in page
    assert (
        request_live_update(viewer_client, shown_digests_of(page), AUTH_CONFIGS_URL).status_code
        == 204
    )


@pytest.mark.parametrize("address", [AUTH_CONFIGS_URL, f"{CONNECTORS_URL}"])
def test_hostile_catalog_is_shown_as_text_however_long(
    address: str, viewer_client: Client, make_key: MakeKey
) -> None:
    markup = '"><script>alert(1)</script>'
    key, long = make_key(markup), markup + "x" * 10_000
    item = dict.fromkeys(
        (
            "id",
            "toolkit",
            "type",
            "tool_key",
            "display_name",
            "description",
            "category",
            "release_channel",
            "connection_id",
        ),
        long,
    )
    for kind in CatalogKind:
        create_snapshot(key, item, kind=kind, error_kind="tls", error_message=markup * 9)
    page = get_page(viewer_client, f"{address}?q={markup}&category={markup}")
    assert "<script>alert" not in page
    page = get_page(viewer_client, address)
    assert "<script>alert" not in page
    assert "x" * 10_000 in page


def test_the_tabs_lead_from_one_part_to_the_next(viewer_client: Client, make_key: MakeKey) -> None:
    key = make_key()
    for address, current in (
        (ORGANISATION_URL, ORGANISATION_URL),
        (AUTH_CONFIGS_URL, AUTH_CONFIGS_URL),
    ):
        page = get_page(viewer_client, address)
        tabs = page[page.index('class="tabs"') : page.index("</nav>", page.index('class="tabs"'))]
        assert re.findall(r'<a class="tab" href="([^"]*)"', tabs) == [
            ORGANISATION_URL,
            f"{CONNECTORS_URL}",
            AUTH_CONFIGS_URL,
            "/organisations/alder/members/",
            "/alerts/?organisation=alder",
        ]
        assert re.search(r'href="([^"]*)" aria-current="page"', tabs).group(1) == current  # type: ignore[union-attr]
    page = get_page(viewer_client, f"{AUTH_CONFIGS_URL}?key={key.pk}")
    assert f"{CONNECTORS_URL}?key={key.pk}" in page
