"""Old history goes in small batches; what is still going on stays."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.sync.engine import Engine
from freddy_admin.sync.history.retention import BATCH, history_prune
from freddy_admin.sync.models import CheckRun, HistoryEvent, Order, OrderBatch
from freddy_admin.vault.models import ApiKey
from tests.clocks import history_may_go
from tests.sync.conftest import NOON, HandClock

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _a_month(settings: LazySettings, key: ApiKey, believed_clock: None) -> None:
    settings.HISTORY_DAYS = 31
    history_may_go()


def event(key: ApiKey, days: float, **more: object) -> HistoryEvent:
    at = NOON - days * DAY
    values = {"kind": "sync_seen", "at": at, "noticed_at": at} | more
    return HistoryEvent.objects.create(organisation_id=key.organisation_id, key=key, **values)


def run(key: ApiKey, days: float) -> CheckRun:
    return CheckRun.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=1,
        first_at=NOON - (days + 1) * DAY,
        last_at=NOON - days * DAY,
        count=3,
        outcome="good",
    )


def test_what_is_older_than_the_setting_goes(key: ApiKey) -> None:
    HistoryEvent.objects.all().delete()
    old, young = event(key, 31.1), event(key, 30.9)
    run(key, 31.1), run(key, 30.9)
    assert history_prune() == 2
    assert list(HistoryEvent.objects.all()) == [young]
    assert old not in HistoryEvent.objects.all()
    assert CheckRun.objects.count() == 1
    assert history_prune() == 0


def test_what_was_told_while_the_clock_was_far_ahead_holds_nothing_back(key: ApiKey) -> None:
    for _ in range(BATCH):
        event(key, -900)
    event(key, 40)
    assert history_prune() == 1


def test_a_span_of_failures_that_goes_on_stays(key: ApiKey) -> None:
    event(key, 60, kind="check_failed", until=NOON - 50 * DAY)
    still = event(key, 60, kind="check_failed")
    history_prune()
    assert HistoryEvent.objects.filter(kind="check_failed").get() == still


def test_orders_go_with_their_batches_but_not_while_they_wait(key: ApiKey) -> None:
    batch = OrderBatch.objects.create(created_at=NOON - 40 * DAY, created_by="Ana")
    values = {
        "organisation_id": key.organisation_id,
        "key": key,
        "key_version": 1,
        "kind": "sync",
        "requested_at": NOON - 40 * DAY,
        "requested_by": "Ana",
    }
    Order.objects.create(state="done", batch=batch, **values)
    waiting = Order.objects.create(state="queued", **values)
    assert history_prune() == 1 + 1
    assert list(Order.objects.all()) == [waiting]
    assert not OrderBatch.objects.exists()


def test_a_batch_is_small_and_the_worker_goes_on_until_all_is_gone(
    key: ApiKey, hand_clock: HandClock
) -> None:
    old = NOON - 40 * DAY
    HistoryEvent.objects.bulk_create(
        HistoryEvent(
            organisation_id=key.organisation_id, key=key, kind="sync_seen", at=old, noticed_at=old
        )
        for _ in range(BATCH + 5)
    )
    assert history_prune() < BATCH
    assert HistoryEvent.objects.filter(at=old).count() >= 5
    engine = Engine()
    try:
        for _ in range(3):
            engine.tick(wait=0)
        assert HistoryEvent.objects.filter(at=old).count() == 0
    finally:
        engine.stop()
