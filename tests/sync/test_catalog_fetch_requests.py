"""*Check now* for a catalog: audited, first in the queue, and one fetch for each request."""

from datetime import timedelta

import pytest

from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.catalog.fetch_leases import catalog_fetches_claim, catalog_results_save
from freddy_admin.sync.catalog.selectors import catalog_items_get
from freddy_admin.sync.catalog.services import catalog_fetch_request
from freddy_admin.sync.checks.requests import CheckRequestOutcome
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.catalog_results import (
    CONNECTORS,
    claim_single_fetch,
    connector,
    fetch_failed,
    fetch_succeeded,
    request_refresh,
    store_catalog,
)
from tests.sync.conftest import HandClock, MakeKey

ANA = Actor(name="Ana", id=1)


def press_check_now(key: ApiKey, kind: str = "connectors") -> CheckRequestOutcome:
    return catalog_fetch_request(
        organisation=key.organisation, actor=ANA, key_id=key.pk, kind=kind
    ).outcome


def reload_key(key: ApiKey) -> ApiKey:
    return ApiKey.objects.select_related("organisation").get(pk=key.pk)


def test_a_key_on_hold_after_a_check_holds_its_catalog_fetches(key: ApiKey) -> None:
    hold_until = clock.now() + timedelta(minutes=3)
    SyncStatus.objects.filter(pk=key.pk).update(hold_until=hold_until)
    request_refresh(key)
    request = catalog_fetch_request(
        organisation=key.organisation, actor=ANA, key_id=key.pk, kind="connectors"
    )
    assert (request.outcome, request.held_until) == (CheckRequestOutcome.HELD, hold_until)
    assert catalog_fetches_claim(limit=5, now=clock.now()) == []


def test_a_fetch_request_is_audited_and_claimed_first(
    key: ApiKey, make_key: MakeKey, hand_clock: HandClock
) -> None:
    request_refresh(make_key("Other"))
    hand_clock.advance(seconds=1)
    assert press_check_now(key) is CheckRequestOutcome.ASKED
    (event,) = AuditEvent.objects.filter(tag="check_requested")
    assert (event.subject, event.details) == ("Main", {"kind": "connectors"})
    (claim,) = catalog_fetches_claim(limit=1, now=clock.now())
    assert claim.key_id == key.pk


def test_a_second_request_joins_and_one_after_the_result_is_just_checked(
    key: ApiKey, hand_clock: HandClock
) -> None:
    press_check_now(key)
    assert press_check_now(key) is CheckRequestOutcome.JOINED
    claim = claim_single_fetch()
    assert press_check_now(key) is CheckRequestOutcome.JOINED
    catalog_results_save([fetch_succeeded(claim, connector("gmail"))])
    hand_clock.advance(seconds=9)
    assert press_check_now(key) is CheckRequestOutcome.JUST_CHECKED
    hand_clock.advance(seconds=1)
    assert press_check_now(key) is CheckRequestOutcome.ASKED
    assert AuditEvent.objects.filter(tag="check_requested").count() == 2


def test_a_fetch_request_joins_a_refresh_that_is_under_way(key: ApiKey) -> None:
    request_refresh(key)
    catalog_fetches_claim(limit=5, now=clock.now())
    assert press_check_now(key) is CheckRequestOutcome.JOINED


def test_a_fetch_request_ignores_the_result_of_a_former_key(key: ApiKey) -> None:
    store_catalog(key, connector("gmail"))
    ApiKey.objects.filter(pk=key.pk).update(version=2)
    assert press_check_now(reload_key(key)) is CheckRequestOutcome.ASKED


def test_a_fetch_request_ignores_a_result_of_the_future(key: ApiKey, hand_clock: HandClock) -> None:
    store_catalog(key, connector("gmail"))
    hand_clock.advance(seconds=-5)
    assert press_check_now(key) is CheckRequestOutcome.ASKED


@pytest.mark.parametrize(
    ("kind", "key_id"),
    [("connectors", 10**30), ("connectors", 0), ("connectors", 999), ("bogus", None)],
)
def test_an_unknown_key_or_kind_cannot_be_requested(
    kind: str, key_id: int | None, key: ApiKey
) -> None:
    with pytest.raises(NotFound):
        catalog_fetch_request(
            organisation=key.organisation,
            actor=ANA,
            key_id=key.pk if key_id is None else key_id,
            kind=kind,
        )


def test_another_organisations_catalog_cannot_be_requested_or_read(key: ApiKey) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=clock.now())
    store_catalog(key, connector("gmail"))
    with pytest.raises(NotFound):
        catalog_fetch_request(organisation=birch, actor=ANA, key_id=key.pk, kind="connectors")
    assert catalog_items_get(organisation=birch, key=key, kind=CONNECTORS) == ()


def test_a_paused_keys_catalog_cannot_be_requested(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(paused_at=clock.now())
    with pytest.raises(Conflict, match="paused"):
        press_check_now(key)


def test_a_fetch_request_is_held_where_aitronos_asked_us_to_wait(
    key: ApiKey, hand_clock: HandClock
) -> None:
    request_refresh(key)
    catalog_results_save([fetch_failed(claim_single_fetch(), "rate_limited", retry_after=600.0)])
    hand_clock.advance(minutes=5)
    assert press_check_now(key) is CheckRequestOutcome.HELD
