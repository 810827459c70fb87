"""Old history is deleted in small batches; open spans and queued operations stay."""

from datetime import timedelta

import pytest
from django.conf import LazySettings

from freddy_admin.sync.history.retention import BATCH_SIZE, history_prune
from freddy_admin.sync.models import CheckRun, HistoryEvent, OperationBatch, RemoteOperation
from freddy_admin.sync.worker.loop import WorkerLoop
from freddy_admin.vault.models import ApiKey
from tests.skewed_clock import allow_history_pruning
from tests.sync.conftest import NOON, HandClock

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def keep_a_month(settings: LazySettings, key: ApiKey, trusted_clock: None) -> None:
    settings.HISTORY_DAYS = 31
    allow_history_pruning()


def create_event(key: ApiKey, days: float, **changes: object) -> HistoryEvent:
    at = NOON - days * DAY
    values = {"kind": "sync_seen", "at": at, "noticed_at": at} | changes
    return HistoryEvent.objects.create(organisation_id=key.organisation_id, key=key, **values)


def create_check_run(key: ApiKey, days: float) -> CheckRun:
    return CheckRun.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        key_version=1,
        first_at=NOON - (days + 1) * DAY,
        last_at=NOON - days * DAY,
        count=3,
        outcome="good",
    )


def test_rows_older_than_history_days_are_deleted(key: ApiKey) -> None:
    HistoryEvent.objects.all().delete()
    old, young = create_event(key, 31.1), create_event(key, 30.9)
    create_check_run(key, 31.1), create_check_run(key, 30.9)
    assert history_prune() == 2
    assert list(HistoryEvent.objects.all()) == [young]
    assert old not in HistoryEvent.objects.all()
    assert CheckRun.objects.count() == 1
    assert history_prune() == 0


def test_events_from_a_clock_far_ahead_hold_no_deletion_back(key: ApiKey) -> None:
    for _ in range(BATCH_SIZE):
        create_event(key, -900)
    create_event(key, 40)
    assert history_prune() == 1


def test_an_open_failure_span_is_not_deleted(key: ApiKey) -> None:
    create_event(key, 60, kind="check_failed", until=NOON - 50 * DAY)
    open_span = create_event(key, 60, kind="check_failed")
    history_prune()
    assert HistoryEvent.objects.filter(kind="check_failed").get() == open_span


def test_operations_are_deleted_with_their_batches_but_not_while_queued(key: ApiKey) -> None:
    batch = OperationBatch.objects.create(created_at=NOON - 40 * DAY, created_by="Ana")
    values = {
        "organisation_id": key.organisation_id,
        "key": key,
        "key_version": 1,
        "kind": "sync",
        "requested_at": NOON - 40 * DAY,
        "requested_by": "Ana",
    }
    RemoteOperation.objects.create(state="done", batch=batch, **values)
    queued = RemoteOperation.objects.create(state="queued", **values)
    assert history_prune() == 1 + 1
    assert list(RemoteOperation.objects.all()) == [queued]
    assert not OperationBatch.objects.exists()


def test_the_worker_deletes_small_batches_until_all_old_rows_are_gone(
    key: ApiKey, hand_clock: HandClock
) -> None:
    event_time = NOON - 40 * DAY
    HistoryEvent.objects.bulk_create(
        HistoryEvent(
            organisation_id=key.organisation_id,
            key=key,
            kind="sync_seen",
            at=event_time,
            noticed_at=event_time,
        )
        for _ in range(BATCH_SIZE + 5)
    )
    assert history_prune() < BATCH_SIZE
    assert HistoryEvent.objects.filter(at=event_time).count() >= 5
    worker_loop = WorkerLoop()
    try:
        for _ in range(3):
            worker_loop.tick(wait=0)
        assert HistoryEvent.objects.filter(at=event_time).count() == 0
    finally:
        worker_loop.stop()
