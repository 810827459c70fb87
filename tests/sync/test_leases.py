"""At most one check of a key at a time, and the right keys first."""

import threading
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import connection

from freddy_admin.sync.leases import Claim, claims_release, claims_take, claims_take_these
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.policy import policy
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.sync.conftest import NOON, HandClock, MakeKey, lease, row_of

S = timedelta(seconds=1)


def take(limit: int = 10, at: object = NOON) -> list[Claim]:
    return claims_take(limit=limit, now=at, policy=policy())  # type: ignore[arg-type]


def test_a_due_key_is_taken_once(key: ApiKey) -> None:
    assert [claim.key_id for claim in take()] == [key.pk]
    assert take() == []


def test_a_key_that_is_not_due_is_left(key: ApiKey) -> None:
    KeySync.objects.update(next_check_at=NOON + S)
    assert take() == []
    assert len(take(at=NOON + S)) == 1


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": KeyStatus.REVOKED}])
def test_paused_and_revoked_keys_are_never_taken(key: ApiKey, change: dict[str, object]) -> None:
    ApiKey.objects.update(**change)
    assert take() == []
    assert claims_take_these(key_ids=[key.pk], limit=1, now=NOON, policy=policy()) == []


def test_a_dead_workers_key_comes_back_after_two_calls_time(
    key: ApiKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    settings.AITRONOS_TOTAL_TIMEOUT = 1.5
    take()
    spans = policy()
    # Twice AITRONOS_TOTAL_TIMEOUT, for it may wait as long as it takes, and some to store its end.
    assert spans.lease == timedelta(seconds=3 + 2)
    assert take(at=NOON + spans.lease - S) == []
    assert len(take(at=NOON + spans.lease)) == 1


def test_a_clock_that_was_set_back_stalls_nothing(key: ApiKey) -> None:
    KeySync.objects.update(next_check_at=NOON + timedelta(hours=4), lease_token="x")
    KeySync.objects.update(lease_until=NOON + timedelta(hours=1))
    assert len(take()) == 1


def test_after_the_clock_was_set_back_every_key_is_looked_at_once(
    key: ApiKey, hand_clock: HandClock
) -> None:
    KeySync.objects.update(checked_at=NOON, next_check_at=NOON + timedelta(minutes=5))
    assert len(take(at=NOON - timedelta(hours=1))) == 1


def test_busy_keys_do_not_starve_the_later_ones(make_key: MakeKey) -> None:
    busy, free = make_key("a"), make_key("b")
    lease(busy)
    beyond = [-number for number in range(600)]
    claims = claims_take_these(
        key_ids=[busy.pk, *beyond, free.pk], limit=1, now=NOON, policy=policy()
    )
    assert [claim.key_id for claim in claims] == [free.pk]


def test_those_a_person_waits_for_come_first_then_the_longest_due(make_key: MakeKey) -> None:
    late, later, asked = make_key("a"), make_key("b"), make_key("c")
    KeySync.objects.filter(pk=late.pk).update(next_check_at=NOON - 2 * S)
    KeySync.objects.filter(pk=later.pk).update(next_check_at=NOON - S)
    KeySync.objects.filter(pk=asked.pk).update(requested_at=NOON)
    assert [claim.key_id for claim in take(2)] == [asked.pk, late.pk]
    assert [claim.key_id for claim in take(2)] == [later.pk]


def test_chosen_keys_are_taken_whether_due_or_not_but_not_from_a_running_check(
    make_key: MakeKey,
) -> None:
    mine, busy = make_key("a"), make_key("b")
    KeySync.objects.update(next_check_at=NOON + timedelta(hours=1))
    lease(busy)
    claims = claims_take_these(key_ids=[mine.pk, busy.pk], limit=5, now=NOON, policy=policy())
    assert [claim.key_id for claim in claims] == [mine.pk]


def test_a_key_that_was_given_back_is_taken_again_at_once(key: ApiKey) -> None:
    claims_release(take())
    assert len(take()) == 1


def test_giving_back_does_not_end_somebody_elses_lease(key: ApiKey) -> None:
    mine = take()
    lease(key, "other")
    claims_release(mine)
    assert row_of(key).lease_token == "other"


def test_nothing_is_taken_without_room(key: ApiKey) -> None:
    assert take(0) == []


def test_a_claim_shows_nothing_of_the_sealed_key(key: ApiKey) -> None:
    assert "ciphertext" not in repr(take()[0])


@pytest.mark.django_db(transaction=True)
def test_of_many_takers_at_once_each_key_goes_to_one(make_key: MakeKey) -> None:
    if connection.vendor == "sqlite" and "memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("threads need a database on disk")
    for number in range(20):
        make_key(str(number))
    taken: list[Claim] = []

    def worker() -> None:
        for _ in range(5):
            taken.extend(take(3))
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.key_id for claim in taken) == sorted(
        ApiKey.objects.values_list("pk", flat=True)
    )
