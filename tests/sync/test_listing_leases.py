"""Who fetches a list, and whether its answer still belongs: a lease in the row, as for checks."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.core import clock
from freddy_admin.sync.lists.calls import (
    listing_claims_release,
    listing_claims_take,
    listings_store,
)
from freddy_admin.sync.models import Listing
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.sync.conftest import HandClock, MakeKey
from tests.sync.listing_ends import brought, connector, failed, names, taken, want


def test_a_lease_outlasts_the_longest_list(key: ApiKey, settings: Any) -> None:
    want(key)
    taken()
    lease = Listing.objects.get().lease_until - clock.now()
    assert lease > timedelta(seconds=3 * settings.AITRONOS_TOTAL_TIMEOUT)


def test_nothing_is_taken_without_room(key: ApiKey) -> None:
    want(key)
    assert listing_claims_take(limit=0, now=clock.now()) == []


def test_the_longest_wanted_is_taken_first(make_key: MakeKey, hand_clock: HandClock) -> None:
    keys = [make_key(str(n)) for n in range(3)]
    for key in reversed(keys):
        want(key)
        hand_clock.forward(seconds=1)
    claims = listing_claims_take(limit=2, now=clock.now())
    assert [one.key_id for one in claims] == [keys[2].pk, keys[1].pk]


def test_what_is_given_back_is_taken_again_at_once(key: ApiKey) -> None:
    want(key)
    listing_claims_release([taken()])
    assert taken().key_id == key.pk


def test_a_dead_workers_list_comes_back_when_its_lease_has_run_out(
    key: ApiKey, hand_clock: HandClock
) -> None:
    want(key)
    taken()
    until = Listing.objects.get().lease_until
    assert listing_claims_take(limit=5, now=clock.now()) == []
    hand_clock.at = until  # type: ignore[assignment]
    assert taken().key_id == key.pk


def test_with_our_clock_set_back_no_lease_and_no_wait_hold_for_hours(
    key: ApiKey, hand_clock: HandClock
) -> None:
    want(key)
    taken()
    Listing.objects.update(hold_until=clock.now() + timedelta(minutes=10))
    hand_clock.forward(hours=-9)
    assert taken().key_id == key.pk


@pytest.mark.parametrize("change", ["replaced", "paused", "revoked", "taken over", "gone"])
def test_an_answer_that_comes_too_late_is_thrown_away(
    change: str, key: ApiKey, hand_clock: HandClock
) -> None:
    want(key)
    claim = taken()
    keys = ApiKey.objects.filter(pk=key.pk)
    if change == "replaced":
        keys.update(version=2)
    elif change == "paused":
        keys.update(paused_at=clock.now())
    elif change == "revoked":
        keys.update(status=KeyStatus.REVOKED)
    elif change == "gone":
        Listing.objects.all().delete()
    else:
        Listing.objects.update(lease_token="another")
    assert listings_store([brought(claim, connector("late"))]) == []
    row = Listing.objects.filter(key=key).first()
    assert (row is None) is (change == "gone")
    if row is not None:
        assert (row.items, row.checked_at) == ([], None)
        # Its own lease is freed, somebody else's is not touched.
        assert row.lease_token == ("another" if change == "taken over" else "")


def test_a_replaced_keys_list_is_fetched_with_the_new_version(key: ApiKey) -> None:
    want(key)
    claim = taken()
    ApiKey.objects.filter(pk=key.pk).update(version=2)
    listings_store([brought(claim, connector("late"))])
    assert taken().key_version == 2


def test_a_change_while_the_call_ran_has_it_made_again(key: ApiKey, hand_clock: HandClock) -> None:
    want(key)
    claim = taken()
    hand_clock.forward(seconds=1)
    Listing.objects.update(wanted_at=clock.now())
    hand_clock.forward(seconds=1)
    listings_store([brought(claim, connector("gmail"))])
    assert names(key) == ["gmail"]
    assert taken().key_id == key.pk


def test_a_failure_after_a_good_list_leaves_it(key: ApiKey, hand_clock: HandClock) -> None:
    want(key)
    listings_store([brought(taken(), connector("gmail"))])
    hand_clock.forward(minutes=11)
    want(key)
    listings_store([failed(taken(), "server_error", request_id="req-9", field="total")])
    row = Listing.objects.get()
    assert (row.items, row.total) == (
        [{"id": "tool_gmail", "tool_key": "gmail", "display_name": "Gmail", "category": "crm"}],
        1,
    )
    assert (row.error_kind, row.request_id, row.error_field) == ("server_error", "req-9", "total")


def test_claims_hold_the_sealed_bytes_alone(key: ApiKey) -> None:
    want(key)
    claim = taken()
    assert claim.ciphertext == bytes(key.ciphertext or b"")
    assert "ciphertext" not in repr(claim)
