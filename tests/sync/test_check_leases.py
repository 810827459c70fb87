"""At most one check of a key at a time, and the right keys first."""

import threading
from datetime import datetime, timedelta

import pytest
from django.conf import LazySettings
from django.db import connection

from freddy_admin.sync.checks.leases import (
    CheckLease,
    check_leases_acquire,
    check_leases_acquire_for_keys,
    check_leases_release,
    checks_reschedule_after_clock_change,
    requested_check_leases_acquire,
)
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.sync.conftest import NOON, HandClock, MakeKey, lease_key, sync_status_of

S = timedelta(seconds=1)


def acquire(limit: int = 10, now: object = NOON) -> list[CheckLease]:
    return check_leases_acquire(limit=limit, now=now, policy=check_policy())  # type: ignore[arg-type]


def reschedule(now: datetime) -> int:
    return checks_reschedule_after_clock_change(now=now, policy=check_policy())


def test_a_due_key_is_leased_once(key: ApiKey) -> None:
    assert [lease.key_id for lease in acquire()] == [key.pk]
    assert acquire() == []


def test_a_key_that_is_not_due_is_not_leased(key: ApiKey) -> None:
    SyncStatus.objects.update(next_check_at=NOON + S)
    assert acquire() == []
    assert len(acquire(now=NOON + S)) == 1


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": KeyLifecycle.REVOKED}])
def test_paused_and_revoked_keys_are_never_leased(key: ApiKey, change: dict[str, object]) -> None:
    ApiKey.objects.update(**change)
    assert acquire() == []
    assert (
        check_leases_acquire_for_keys(key_ids=[key.pk], limit=1, now=NOON, policy=check_policy())
        == []
    )


def test_a_dead_workers_lease_ends_after_two_calls_time(
    key: ApiKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    settings.AITRONOS_TOTAL_TIMEOUT = 1.5
    acquire()
    policy = check_policy()
    # Twice AITRONOS_TOTAL_TIMEOUT (a key waits up to one, its call takes one), and 2 s to store.
    assert policy.lease == timedelta(seconds=3 + 2)
    assert acquire(now=NOON + policy.lease - S) == []
    assert len(acquire(now=NOON + policy.lease)) == 1


def test_a_clock_that_was_set_back_stalls_no_key(key: ApiKey) -> None:
    SyncStatus.objects.update(next_check_at=NOON + timedelta(hours=4), lease_token="x")
    SyncStatus.objects.update(lease_until=NOON + timedelta(hours=1))
    assert reschedule(NOON) == 1
    assert len(acquire()) == 1


def test_every_key_is_due_after_the_clock_was_set_back(key: ApiKey, hand_clock: HandClock) -> None:
    SyncStatus.objects.update(checked_at=NOON, next_check_at=NOON + timedelta(minutes=5))
    earlier = NOON - timedelta(hours=1)
    assert acquire(now=earlier) == []
    assert reschedule(earlier) == 1
    assert len(acquire(now=earlier)) == 1


def test_leased_keys_do_not_starve_later_keys(make_key: MakeKey) -> None:
    busy_key, free_key = make_key("a"), make_key("b")
    lease_key(busy_key)
    missing_ids = [-number for number in range(600)]
    leases = check_leases_acquire_for_keys(
        key_ids=[busy_key.pk, *missing_ids, free_key.pk], limit=1, now=NOON, policy=check_policy()
    )
    assert [lease.key_id for lease in leases] == [free_key.pk]


def test_the_longest_due_key_comes_first(make_key: MakeKey) -> None:
    due_key, longest_due_key = make_key("a"), make_key("b")
    SyncStatus.objects.filter(pk=longest_due_key.pk).update(next_check_at=NOON - S)
    assert [lease.key_id for lease in acquire(1)] == [longest_due_key.pk]
    assert [lease.key_id for lease in acquire(1)] == [due_key.pk]


def test_a_key_that_a_person_waits_for_is_leased_as_requested_the_longest_waiting_first(
    make_key: MakeKey,
) -> None:
    _due_key, later_key, earlier_key = make_key("a"), make_key("b"), make_key("c")
    SyncStatus.objects.filter(pk=later_key.pk).update(requested_at=NOON)
    SyncStatus.objects.filter(pk=earlier_key.pk).update(requested_at=NOON - S)
    leases = requested_check_leases_acquire(limit=9, now=NOON, policy=check_policy())
    assert [lease.key_id for lease in leases] == [earlier_key.pk, later_key.pk]


def test_a_requested_key_is_taken_by_a_scheduled_slot_that_is_free_first(key: ApiKey) -> None:
    SyncStatus.objects.update(requested_at=NOON)
    assert [lease.key_id for lease in acquire()] == [key.pk]
    assert requested_check_leases_acquire(limit=9, now=NOON, policy=check_policy()) == []


def test_chosen_keys_are_leased_due_or_not_but_not_from_a_running_check(
    make_key: MakeKey,
) -> None:
    free_key, busy_key = make_key("a"), make_key("b")
    SyncStatus.objects.update(next_check_at=NOON + timedelta(hours=1))
    lease_key(busy_key)
    leases = check_leases_acquire_for_keys(
        key_ids=[free_key.pk, busy_key.pk], limit=5, now=NOON, policy=check_policy()
    )
    assert [lease.key_id for lease in leases] == [free_key.pk]


def test_a_released_key_can_be_leased_again_at_once(key: ApiKey) -> None:
    check_leases_release(acquire())
    assert len(acquire()) == 1


def test_a_release_does_not_end_another_workers_lease(key: ApiKey) -> None:
    leases = acquire()
    lease_key(key, "other")
    check_leases_release(leases)
    assert sync_status_of(key).lease_token == "other"


def test_no_key_is_leased_with_a_limit_of_zero(key: ApiKey) -> None:
    assert acquire(0) == []


def test_a_lease_shows_no_sealed_bytes(key: ApiKey) -> None:
    assert "ciphertext" not in repr(acquire()[0])


@pytest.mark.django_db(transaction=True)
def test_each_key_goes_to_one_of_many_workers_at_once(make_key: MakeKey) -> None:
    if connection.vendor == "sqlite" and "memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("threads need a database on disk")
    for number in range(20):
        make_key(str(number))
    leases: list[CheckLease] = []

    def worker() -> None:
        # Those that another one is just taking are left to it: then there are fewer, or none.
        for _ in range(100):
            leases.extend(acquire(3))
            if len(leases) >= 20:
                break
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lease.key_id for lease in leases) == sorted(
        ApiKey.objects.values_list("pk", flat=True)
    )


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": KeyLifecycle.REVOKED}])
def test_paused_and_revoked_keys_are_not_rescheduled(
    key: ApiKey, change: dict[str, object]
) -> None:
    SyncStatus.objects.update(next_check_at=NOON + timedelta(hours=4))
    ApiKey.objects.update(**change)
    assert reschedule(NOON) == 0


def test_a_key_that_is_due_already_is_not_rescheduled(key: ApiKey) -> None:
    SyncStatus.objects.update(checked_at=NOON + timedelta(hours=1), next_check_at=NOON - S)
    assert reschedule(NOON) == 0
    assert sync_status_of(key).next_check_at == NOON - S


def test_a_key_that_is_checked_in_time_is_not_rescheduled(key: ApiKey) -> None:
    SyncStatus.objects.update(checked_at=NOON, next_check_at=NOON + timedelta(hours=3))
    assert reschedule(NOON) == 0
