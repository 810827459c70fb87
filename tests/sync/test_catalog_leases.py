"""A lease in the row decides which worker fetches a catalog and whether its result is saved."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.core import clock
from freddy_admin.sync.catalog.fetch_execution import catalog_fetch
from freddy_admin.sync.catalog.fetch_leases import (
    catalog_fetches_claim,
    catalog_fetches_release,
    catalog_results_save,
)
from freddy_admin.sync.models import CatalogSnapshot
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.sync.catalog_results import (
    PagedClient,
    claim_single_fetch,
    connector,
    connector_keys,
    connector_page,
    fetch_all,
    fetch_failed,
    fetch_succeeded,
    request_refresh,
)
from tests.sync.conftest import HandClock, MakeKey


def test_a_lease_outlasts_one_call_and_ends_within_three(key: ApiKey, settings: Any) -> None:
    request_refresh(key)
    claim_single_fetch()
    lease = CatalogSnapshot.objects.get().lease_until - clock.now()
    call = timedelta(seconds=settings.AITRONOS_TOTAL_TIMEOUT)
    assert call < lease < 3 * call


def test_a_fetch_of_many_pages_renews_its_lease_before_each_further_page(
    key: ApiKey, hand_clock: HandClock, settings: Any
) -> None:
    request_refresh(key)
    pages = (connector_page(connector(name), total=3) for name in "abc")
    client = PagedClient(*pages, call_seconds=settings.AITRONOS_TOTAL_TIMEOUT)

    def pass_time() -> None:
        assert catalog_fetches_claim(limit=5, now=clock.now()) == []
        hand_clock.advance(seconds=settings.AITRONOS_TOTAL_TIMEOUT)

    client.before_answer = pass_time
    fetch_all(client)
    assert (client.requested_offsets, connector_keys(key)) == ([0, 1, 2], ["a", "b", "c"])


def test_a_fetch_whose_lease_passed_to_another_worker_requests_no_further_page(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    client = PagedClient(*(connector_page(connector(name), total=2) for name in "ab"))
    other_claims = []

    def take_over() -> None:
        hand_clock.advance(minutes=10)
        other_claims.append(claim_single_fetch())

    client.before_answer = take_over
    late_result = catalog_fetch(client, claim_single_fetch())  # type: ignore[arg-type]
    assert (client.requested_offsets, late_result.is_withheld) == ([0], True)
    assert catalog_results_save([late_result]) == []
    catalog_results_save([fetch_succeeded(other_claims[0], connector("gmail"))])
    assert connector_keys(key) == ["gmail"]


def test_nothing_is_taken_without_room(key: ApiKey) -> None:
    request_refresh(key)
    assert catalog_fetches_claim(limit=0, now=clock.now()) == []


def test_the_oldest_refresh_request_is_claimed_first(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = [make_key(str(n)) for n in range(3)]
    for key in reversed(keys):
        request_refresh(key)
        hand_clock.advance(seconds=1)
    claims = catalog_fetches_claim(limit=2, now=clock.now())
    assert [claim.key_id for claim in claims] == [keys[2].pk, keys[1].pk]


def test_a_released_fetch_is_claimed_again_at_once(key: ApiKey) -> None:
    request_refresh(key)
    catalog_fetches_release([claim_single_fetch()])
    assert claim_single_fetch().key_id == key.pk


def test_a_dead_workers_fetch_is_claimed_again_when_its_lease_has_expired(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    claim_single_fetch()
    lease_until = CatalogSnapshot.objects.get().lease_until
    assert catalog_fetches_claim(limit=5, now=clock.now()) == []
    hand_clock.at = lease_until  # type: ignore[assignment]
    assert claim_single_fetch().key_id == key.pk


def test_no_lease_and_no_hold_lasts_for_hours_after_the_clock_is_set_back(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    claim_single_fetch()
    CatalogSnapshot.objects.update(hold_until=clock.now() + timedelta(minutes=10))
    hand_clock.advance(hours=-9)
    assert claim_single_fetch().key_id == key.pk


@pytest.mark.parametrize("change", ["replaced", "paused", "revoked", "taken over", "gone"])
def test_a_result_that_comes_too_late_is_dropped(
    change: str, key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    claim = claim_single_fetch()
    keys = ApiKey.objects.filter(pk=key.pk)
    if change == "replaced":
        keys.update(version=2)
    elif change == "paused":
        keys.update(paused_at=clock.now())
    elif change == "revoked":
        keys.update(status=KeyLifecycle.REVOKED)
    elif change == "gone":
        CatalogSnapshot.objects.all().delete()
    else:
        CatalogSnapshot.objects.update(lease_token="another")
    assert catalog_results_save([fetch_succeeded(claim, connector("late"))]) == []
    snapshot = CatalogSnapshot.objects.filter(key=key).first()
    assert (snapshot is None) is (change == "gone")
    if snapshot is not None:
        assert (snapshot.items, snapshot.checked_at) == ([], None)
        # Its own lease is released, another worker's is not touched.
        assert snapshot.lease_token == ("another" if change == "taken over" else "")


def test_a_replaced_keys_catalog_is_fetched_with_the_new_version(key: ApiKey) -> None:
    request_refresh(key)
    claim = claim_single_fetch()
    ApiKey.objects.filter(pk=key.pk).update(version=2)
    catalog_results_save([fetch_succeeded(claim, connector("late"))])
    assert claim_single_fetch().key_version == 2


def test_a_refresh_request_during_a_fetch_has_it_made_again(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    claim = claim_single_fetch()
    hand_clock.advance(seconds=1)
    CatalogSnapshot.objects.update(refresh_requested_at=clock.now())
    hand_clock.advance(seconds=1)
    catalog_results_save([fetch_succeeded(claim, connector("gmail"))])
    assert connector_keys(key) == ["gmail"]
    assert claim_single_fetch().key_id == key.pk


def test_a_failure_after_a_good_catalog_leaves_its_items(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    catalog_results_save([fetch_succeeded(claim_single_fetch(), connector("gmail"))])
    hand_clock.advance(minutes=11)
    request_refresh(key)
    catalog_results_save(
        [fetch_failed(claim_single_fetch(), "server_error", request_id="req-9", field="total")]
    )
    snapshot = CatalogSnapshot.objects.get()
    assert (snapshot.items, snapshot.total) == (
        [{"id": "tool_gmail", "tool_key": "gmail", "display_name": "Gmail", "category": "crm"}],
        1,
    )
    assert (snapshot.error_kind, snapshot.request_id, snapshot.error_field) == (
        "server_error",
        "req-9",
        "total",
    )


def test_fetch_claims_hold_the_ciphertext_alone(key: ApiKey) -> None:
    request_refresh(key)
    claim = claim_single_fetch()
    assert claim.ciphertext == bytes(key.ciphertext or b"")
    assert "ciphertext" not in repr(claim)
