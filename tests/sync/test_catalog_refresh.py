"""A catalog as a page gets it: served at once, with one refresh request when it is old."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_set
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.fetch_leases import catalog_fetches_claim, catalog_results_save
from freddy_admin.sync.catalog.selectors import (
    catalog_cache_key,
    catalog_items_get,
    catalog_key_list,
)
from freddy_admin.sync.catalog.services import catalog_request_refresh
from freddy_admin.sync.catalog.types import CatalogState
from freddy_admin.sync.key_lifecycle import key_revoke
from freddy_admin.sync.models import CatalogKind, CatalogSnapshot, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.sync.catalog_results import (
    CONNECTORS,
    auth_config,
    claim_single_fetch,
    connector,
    fetch_failed,
    fetch_succeeded,
    store_catalog,
)
from tests.sync.conftest import HandClock, MakeKey

AUTH = CatalogKind.AUTH_CONFIGS


def request_catalog_state(key: ApiKey, kind: CatalogKind = CONNECTORS) -> CatalogState:
    return catalog_request_refresh(
        organisation=key.organisation, key=key, kind=kind, now=clock.now()
    )


def reload_key(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_related("organisation").get(pk=key.pk)


def get_refresh_requested_at(key: ApiKey) -> datetime | None:
    return CatalogSnapshot.objects.get(key=key, kind=CONNECTORS).refresh_requested_at


def test_the_first_page_view_requests_a_refresh_and_has_no_items_yet(key: ApiKey) -> None:
    state = request_catalog_state(key)
    assert state.is_pending(clock.now())
    assert (state.observed_at, state.checked_at, state.error) == (None, None, None)
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert stored_items == ()
    assert get_refresh_requested_at(key) == clock.now()


def test_many_page_views_request_one_refresh(key: ApiKey, hand_clock: HandClock) -> None:
    first_requested_at = hand_clock()
    for _ in range(3):
        request_catalog_state(key)
        hand_clock.advance(seconds=1)
    assert get_refresh_requested_at(key) == first_requested_at
    assert len(catalog_fetches_claim(limit=5, now=clock.now())) == 1
    request_catalog_state(key)
    assert catalog_fetches_claim(limit=5, now=clock.now()) == []


def test_two_page_views_at_the_same_moment_request_one_refresh(
    key: ApiKey, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second page view read the state before the first one wrote it.
    monkeypatch.setattr(
        "freddy_admin.sync.catalog.services.catalog_state_get", lambda **_: CatalogState(CONNECTORS)
    )
    request_catalog_state(key)
    first_requested_at = hand_clock()
    hand_clock.advance(seconds=1)
    request_catalog_state(key)
    assert get_refresh_requested_at(key) == first_requested_at


def test_a_catalog_is_read_as_it_was_fetched(key: ApiKey) -> None:
    items = (
        connector("gmail", is_connected=True, connection_id="c1", release_channel="stable"),
        connector("slack", is_connected=False, description="Écrire <b>"),
        connector("xero"),
    )
    store_catalog(key, *items)
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert stored_items == items
    state = request_catalog_state(key)
    assert (state.total, state.observed_at) == (3, clock.now())


def test_auth_configs_keep_their_times(key: ApiKey) -> None:
    items = (auth_config("ac_1", "2025-01-02T03:04:00Z"), auth_config("ac_2", "last Tuesday"))
    store_catalog(key, *items, kind=AUTH)
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=AUTH)
    assert stored_items == items


def test_an_old_catalog_is_served_and_a_refresh_requested(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store_catalog(key, connector("gmail"))
    hand_clock.advance(minutes=9, seconds=59)
    assert request_catalog_state(key).refresh_requested_at is None
    hand_clock.advance(seconds=1)
    assert request_catalog_state(key).is_pending(clock.now())
    assert get_refresh_requested_at(key) == clock.now()
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [connector_item.tool_key for connector_item in stored_items] == ["gmail"]


def test_a_longer_status_freshness_holds_for_catalogs_too(
    key: ApiKey, hand_clock: HandClock, settings: object
) -> None:
    settings.STATUS_FRESH_SECONDS = 3600  # type: ignore[attr-defined]
    store_catalog(key, connector("gmail"))
    hand_clock.advance(minutes=59)
    assert request_catalog_state(key).refresh_requested_at is None


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [("read_timeout", 1), ("server_error", 1), ("key_refused", 10), ("key_unreadable", 10)],
)
def test_a_failed_fetch_keeps_the_good_items_and_is_not_repeated_at_once(
    kind: str, minutes: int, key: ApiKey, hand_clock: HandClock
) -> None:
    store_catalog(key, connector("gmail"))
    good_at = hand_clock()
    hand_clock.advance(minutes=11)
    request_catalog_state(key)
    catalog_results_save(
        [fetch_failed(claim_single_fetch(), kind, http_status=500, message="Oh no", trace_id="t1")]
    )
    state = request_catalog_state(key)
    assert state.error is not None
    assert (state.error.kind, state.error.message, state.error.trace_id) == (kind, "Oh no", "t1")
    assert (state.observed_at, state.checked_at) == (good_at, hand_clock())
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [connector_item.tool_key for connector_item in stored_items] == ["gmail"]
    hand_clock.advance(seconds=minutes * 60 - 1)
    assert request_catalog_state(key).refresh_requested_at is None
    hand_clock.advance(seconds=1)
    assert request_catalog_state(key).refresh_requested_at is not None


def test_no_refresh_is_requested_while_aitronos_asks_us_to_wait(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_catalog_state(key)
    catalog_results_save([fetch_failed(claim_single_fetch(), "rate_limited", retry_after=600.0)])
    hand_clock.advance(minutes=5)
    state = request_catalog_state(key)
    assert (state.is_held(clock.now()), state.refresh_requested_at) == (True, None)
    hand_clock.advance(minutes=5)
    assert request_catalog_state(key).refresh_requested_at is not None


@pytest.mark.parametrize("change", [{"paused_at": datetime(2026, 1, 1, tzinfo=UTC)}, "revoked"])
def test_no_refresh_is_requested_with_a_key_that_is_not_in_use(change: object, key: ApiKey) -> None:
    values = change if isinstance(change, dict) else {"status": KeyLifecycle.REVOKED}
    ApiKey.objects.filter(pk=key.pk).update(**values)
    assert request_catalog_state(reload_key(key)).refresh_requested_at is None
    assert not CatalogSnapshot.objects.exists()


def test_a_replaced_key_shows_its_former_catalog_and_fetches_a_new_one(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store_catalog(key, connector("gmail"))
    CatalogSnapshot.objects.update(error_kind="key_refused")
    hand_clock.advance(seconds=30)
    ApiKey.objects.filter(pk=key.pk).update(version=2, secret_set_at=hand_clock())
    state = request_catalog_state(reload_key(key))
    assert (state.is_from_previous_key, state.error, state.is_pending(clock.now())) == (
        True,
        None,
        True,
    )
    hand_clock.advance(seconds=1)
    catalog_results_save([fetch_succeeded(claim_single_fetch(), connector("slack"))])
    state = request_catalog_state(reload_key(key))
    assert (state.is_from_previous_key, state.key_version, state.refresh_requested_at) == (
        False,
        2,
        None,
    )


def test_a_catalog_from_the_future_is_fetched_anew(key: ApiKey, hand_clock: HandClock) -> None:
    store_catalog(key, connector("gmail"))
    hand_clock.advance(minutes=-4)
    assert request_catalog_state(key).refresh_requested_at is None
    hand_clock.advance(hours=-1)
    assert request_catalog_state(key).refresh_requested_at is not None
    CatalogSnapshot.objects.update(
        refresh_requested_at=None, hold_until=clock.now() + timedelta(days=1)
    )
    assert request_catalog_state(key).refresh_requested_at is not None


@pytest.fixture
def read_only(key: ApiKey) -> Iterator[None]:
    is_sqlite = connection.vendor == "sqlite"
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=ON" if is_sqlite else "SET TRANSACTION READ ONLY")
    yield
    if is_sqlite:
        connection.connection.execute("PRAGMA query_only=OFF")


@pytest.mark.usefixtures("read_only")
def test_a_read_only_database_is_no_error_of_the_page(
    key: ApiKey, caplog: pytest.LogCaptureFixture
) -> None:
    assert request_catalog_state(key).refresh_requested_at is None
    assert "A list could not be asked for" in caplog.text


def test_a_cache_entry_of_an_older_catalog_is_not_served(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store_catalog(key, connector("gmail"))
    observed_at = hand_clock().isoformat()
    hand_clock.advance(minutes=1)
    store_catalog(key, connector("slack"))
    cache_set(
        catalog_cache_key(key, CONNECTORS),
        {"of": observed_at, "items": [{"tool_key": "x"}]},
        seconds=60,
    )
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [connector_item.tool_key for connector_item in stored_items] == ["slack"]


def test_a_second_page_view_is_served_from_the_cache(
    key: ApiKey, django_assert_num_queries: object
) -> None:
    store_catalog(key, connector("gmail"))
    state = request_catalog_state(key)
    assert state.observed_at is not None
    entry = {"of": state.observed_at.isoformat(), "items": [{"tool_key": "kept"}, 5]}
    cache_set(catalog_cache_key(key, CONNECTORS), entry, seconds=60)
    stored_items = catalog_items_get(
        organisation=key.organisation, key=key, kind=CONNECTORS, state=state
    )
    assert [connector_item.tool_key for connector_item in stored_items] == ["kept"]


@pytest.mark.parametrize("items", [None, "text", {"a": 1}, [1, [2]], [{"id": 7, "created_at": 5}]])
def test_malformed_items_in_the_row_are_readable(items: object, key: ApiKey) -> None:
    store_catalog(key, auth_config("ac"), kind=AUTH)
    CatalogSnapshot.objects.update(items=items if items is not None else "null")
    stored_items = catalog_items_get(organisation=key.organisation, key=key, kind=AUTH)
    assert all(config.created_at == "" and config.id == "" for config in stored_items)


def test_a_deleted_snapshot_has_no_items(key: ApiKey) -> None:
    store_catalog(key, connector("gmail"))
    state = request_catalog_state(key)
    CatalogSnapshot.objects.all().delete()
    assert (
        catalog_items_get(organisation=key.organisation, key=key, kind=CONNECTORS, state=state)
        == ()
    )


def test_catalog_keys_come_by_label_and_say_which_work(
    make_key: MakeKey, organisation: Organisation
) -> None:
    labels = {"Beta": "good", "Alpha": "failed", "Gamma": "good", "Delta": ""}
    for label, outcome in labels.items():
        SyncStatus.objects.filter(pk=make_key(label).pk).update(outcome=outcome)
    ApiKey.objects.filter(label="Gamma").update(paused_at=clock.now())
    make_key("Revoked")
    ApiKey.objects.filter(label="Revoked").update(status=KeyLifecycle.REVOKED)
    catalog_keys = [
        (catalog_key.label, is_working)
        for catalog_key, is_working in catalog_key_list(organisation=organisation)
    ]
    assert catalog_keys == [("Alpha", False), ("Beta", True), ("Delta", False), ("Gamma", False)]


def test_a_revoked_keys_catalogs_are_deleted(key: ApiKey) -> None:
    store_catalog(key, connector("gmail"))
    key_revoke(organisation=key.organisation, actor=Actor(name="Ana"), key=key)
    assert not CatalogSnapshot.objects.exists()
