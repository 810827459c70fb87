"""A list as a page gets it: served at once, asked for when it is old, once, and never by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_set
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.lifecycle import key_revoke
from freddy_admin.sync.lists.calls import listing_claims_take, listings_store
from freddy_admin.sync.lists.reads import cache_name, listing_keys
from freddy_admin.sync.lists.rows import ListingState
from freddy_admin.sync.lists.services import listing_ask, listing_read
from freddy_admin.sync.models import KeySync, Listing, ListingKind
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.sync.conftest import HandClock, MakeKey
from tests.sync.listing_ends import CONNECTORS, auth_config, brought, connector, failed, fill, taken

AUTH = ListingKind.AUTH_CONFIGS


def look(key: ApiKey, kind: ListingKind = CONNECTORS) -> ListingState:
    return listing_ask(organisation=key.organisation, key=key, kind=kind, now=clock.now())


def again(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_related("organisation").get(pk=key.pk)


def wanted(key: ApiKey) -> datetime | None:
    return Listing.objects.get(key=key, kind=CONNECTORS).wanted_at


def test_the_first_look_asks_and_brings_nothing_yet(key: ApiKey) -> None:
    state = look(key)
    assert state.pending(clock.now())
    assert (state.observed_at, state.checked_at, state.error) == (None, None, None)
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert view.items == ()
    assert wanted(key) == clock.now()


def test_however_many_look_it_is_asked_for_once(key: ApiKey, hand_clock: HandClock) -> None:
    first = hand_clock()
    for _ in range(3):
        look(key)
        hand_clock.forward(seconds=1)
    assert wanted(key) == first
    assert len(listing_claims_take(limit=5, now=clock.now())) == 1
    look(key)
    assert listing_claims_take(limit=5, now=clock.now()) == []


def test_two_who_look_at_the_same_moment_ask_once(
    key: ApiKey, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The second one read before the first one wrote.
    monkeypatch.setattr(
        "freddy_admin.sync.lists.services.listing_state", lambda **_: ListingState(CONNECTORS)
    )
    look(key)
    first = hand_clock()
    hand_clock.forward(seconds=1)
    look(key)
    assert wanted(key) == first


def test_a_list_is_read_as_it_came(key: ApiKey) -> None:
    items = (
        connector("gmail", is_connected=True, connection_id="c1", release_channel="stable"),
        connector("slack", is_connected=False, description="Écrire <b>"),
        connector("xero"),
    )
    fill(key, *items)
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert tuple(view.connectors) == view.items == items
    assert view.auth_configs == []
    assert (view.state.total, view.state.observed_at) == (3, clock.now())


def test_auth_configs_keep_their_times(key: ApiKey) -> None:
    items = (auth_config("ac_1", datetime(2025, 1, 2, 3, 4, tzinfo=UTC)), auth_config("ac_2"))
    fill(key, *items, kind=AUTH)
    view = listing_read(organisation=key.organisation, key=key, kind=AUTH)
    assert tuple(view.auth_configs) == items


def test_a_young_list_is_served_and_an_old_one_is_served_and_asked_for(
    key: ApiKey, hand_clock: HandClock
) -> None:
    fill(key, connector("gmail"))
    hand_clock.forward(minutes=9, seconds=59)
    assert look(key).wanted_at is None
    hand_clock.forward(seconds=1)
    assert look(key).pending(clock.now())
    assert wanted(key) == clock.now()
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [one.tool_key for one in view.connectors] == ["gmail"]


def test_a_longer_freshness_of_the_operator_holds_for_lists_too(
    key: ApiKey, hand_clock: HandClock, settings: object
) -> None:
    settings.STATUS_FRESH_SECONDS = 3600  # type: ignore[attr-defined]
    fill(key, connector("gmail"))
    hand_clock.forward(minutes=59)
    assert look(key).wanted_at is None


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [("read_timeout", 1), ("server_error", 1), ("key_refused", 10), ("key_unreadable", 10)],
)
def test_a_failed_call_keeps_the_good_list_and_is_not_repeated_by_who_looks(
    kind: str, minutes: int, key: ApiKey, hand_clock: HandClock
) -> None:
    fill(key, connector("gmail"))
    good_at = hand_clock()
    hand_clock.forward(minutes=11)
    look(key)
    listings_store([failed(taken(), kind, http_status=500, message="Oh no", trace_id="t1")])
    state = look(key)
    assert state.error is not None
    assert (state.error.kind, state.error.message, state.error.trace_id) == (kind, "Oh no", "t1")
    assert (state.observed_at, state.checked_at) == (good_at, hand_clock())
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [one.tool_key for one in view.connectors] == ["gmail"]
    hand_clock.forward(seconds=minutes * 60 - 1)
    assert look(key).wanted_at is None
    hand_clock.forward(seconds=1)
    assert look(key).wanted_at is not None


def test_nothing_is_asked_for_while_aitronos_wants_us_to_wait(
    key: ApiKey, hand_clock: HandClock
) -> None:
    look(key)
    listings_store([failed(taken(), "rate_limited", retry_after=600.0)])
    hand_clock.forward(minutes=5)
    state = look(key)
    assert (state.held(clock.now()), state.wanted_at) == (True, None)
    hand_clock.forward(minutes=5)
    assert look(key).wanted_at is not None


@pytest.mark.parametrize("change", [{"paused_at": datetime(2026, 1, 1, tzinfo=UTC)}, "revoked"])
def test_nothing_is_asked_for_with_a_key_that_is_not_in_use(change: object, key: ApiKey) -> None:
    values = change if isinstance(change, dict) else {"status": KeyStatus.REVOKED}
    ApiKey.objects.filter(pk=key.pk).update(**values)
    assert look(again(key)).wanted_at is None
    assert not Listing.objects.exists()


def test_a_replaced_key_shows_its_former_list_and_fetches_a_new_one(
    key: ApiKey, hand_clock: HandClock
) -> None:
    fill(key, connector("gmail"))
    Listing.objects.update(error_kind="key_refused")
    hand_clock.forward(seconds=30)
    ApiKey.objects.filter(pk=key.pk).update(version=2, secret_set_at=hand_clock())
    state = look(again(key))
    assert (state.former, state.error, state.pending(clock.now())) == (True, None, True)
    hand_clock.forward(seconds=1)
    listings_store([brought(taken(), connector("slack"))])
    state = look(again(key))
    assert (state.former, state.key_version, state.wanted_at) == (False, 2, None)


def test_with_our_clock_set_back_the_list_is_fetched_anew(
    key: ApiKey, hand_clock: HandClock
) -> None:
    fill(key, connector("gmail"))
    hand_clock.forward(minutes=-4)
    assert look(key).wanted_at is None
    hand_clock.forward(hours=-1)
    assert look(key).wanted_at is not None
    Listing.objects.update(wanted_at=None, hold_until=clock.now() + timedelta(days=1))
    assert look(key).wanted_at is not None


@pytest.fixture
def read_only(key: ApiKey) -> Iterator[None]:
    sqlite = connection.vendor == "sqlite"
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only=ON" if sqlite else "SET TRANSACTION READ ONLY")
    yield
    if sqlite:
        connection.connection.execute("PRAGMA query_only=OFF")


@pytest.mark.usefixtures("read_only")
def test_a_database_that_can_only_be_read_is_no_error(
    key: ApiKey, caplog: pytest.LogCaptureFixture
) -> None:
    assert look(key).wanted_at is None
    assert "A list could not be asked for" in caplog.text


def test_a_cache_entry_of_an_older_list_is_not_served(key: ApiKey, hand_clock: HandClock) -> None:
    fill(key, connector("gmail"))
    old = hand_clock().isoformat()
    hand_clock.forward(minutes=1)
    fill(key, connector("slack"))
    cache_set(cache_name(key, CONNECTORS), {"of": old, "items": [{"tool_key": "x"}]}, seconds=60)
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS)
    assert [one.tool_key for one in view.connectors] == ["slack"]


def test_a_second_reader_is_served_from_the_cache(
    key: ApiKey, django_assert_num_queries: object
) -> None:
    fill(key, connector("gmail"))
    state = look(key)
    assert state.observed_at is not None
    entry = {"of": state.observed_at.isoformat(), "items": [{"tool_key": "kept"}, 5]}
    cache_set(cache_name(key, CONNECTORS), entry, seconds=60)
    view = listing_read(organisation=key.organisation, key=key, kind=CONNECTORS, state=state)
    assert [one.tool_key for one in view.connectors] == ["kept"]


@pytest.mark.parametrize("kept", [None, "text", {"a": 1}, [1, [2]], [{"id": 7, "created_at": "x"}]])
def test_whatever_stands_in_the_row_is_readable(kept: object, key: ApiKey) -> None:
    fill(key, auth_config("ac"), kind=AUTH)
    Listing.objects.update(items=kept if kept is not None else "null")
    view = listing_read(organisation=key.organisation, key=key, kind=AUTH)
    assert all(one.created_at is None and one.id == "" for one in view.auth_configs)


def test_a_list_that_went_meanwhile_is_empty(key: ApiKey) -> None:
    fill(key, connector("gmail"))
    state = look(key)
    Listing.objects.all().delete()
    assert (
        listing_read(organisation=key.organisation, key=key, kind=CONNECTORS, state=state).items
        == ()
    )


def test_the_keys_to_choose_from_come_by_label_and_say_which_work(
    make_key: MakeKey, organisation: Organisation
) -> None:
    labels = {"Beta": "good", "Alpha": "failed", "Gamma": "good", "Delta": ""}
    for label, outcome in labels.items():
        KeySync.objects.filter(pk=make_key(label).pk).update(outcome=outcome)
    ApiKey.objects.filter(label="Gamma").update(paused_at=clock.now())
    make_key("Revoked")
    ApiKey.objects.filter(label="Revoked").update(status=KeyStatus.REVOKED)
    found = [(one.key.label, one.works) for one in listing_keys(organisation=organisation)]
    assert found == [("Alpha", False), ("Beta", True), ("Delta", False), ("Gamma", False)]


def test_a_revoked_keys_lists_are_forgotten(key: ApiKey) -> None:
    fill(key, connector("gmail"))
    key_revoke(organisation=key.organisation, actor=Actor(name="Ana"), key=key)
    assert not Listing.objects.exists()
