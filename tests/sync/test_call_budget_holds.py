"""A 429 to one key holds the keys of its Aitronos organisation, and nobody else."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.budget import (
    CallUsage,
    key_calls_record,
)
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.requests import CheckRequestOutcome, check_request
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.sync.call_results import answer, calls_by_group, limited, store
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    lease_key,
    sync_status_of,
)

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY, H, M, S = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
FIVE_MINUTES = 5 * M


@pytest.fixture
def other_organisation(organisation: Organisation) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)


def test_a_429_holds_the_keys_of_the_same_aitronos_organisation(
    make_key: MakeKey, other_organisation: Organisation, hand_clock: HandClock
) -> None:
    first, sibling, theirs = make_key("a"), make_key("b"), make_key("c", at=other_organisation)
    stranger = make_key("d", at=other_organisation)
    store(answer(first, org="org_x"), answer(sibling, org="org_x"), answer(theirs, org="org_x"))
    store(answer(stranger, org="org_y"))
    hand_clock.advance(minutes=1)
    store(limited(first, org="org_x"))
    until = NOON + 11 * M
    for held in (first, sibling, theirs):
        row = sync_status_of(held)
        assert row.hold_until == until
        assert row.next_check_at >= until
    assert sync_status_of(stranger).hold_until is None
    assert sync_status_of(stranger).next_check_at < until
    # One after the other, not all at once.
    assert len({sync_status_of(key).next_check_at for key in (sibling, theirs)}) == 2


def test_a_hold_leaves_a_later_check_where_it_is(make_key: MakeKey) -> None:
    first, sibling = make_key("a"), make_key("b")
    store(answer(sibling, org="org_x"))
    planned_at = sync_status_of(sibling).next_check_at
    store(limited(first, org="org_x", retry_after=30.0))
    row = sync_status_of(sibling)
    assert (row.hold_until, row.next_check_at) == (NOON + 30 * S, planned_at)


def test_a_429_without_a_hint_holds_the_keys_for_a_minute(make_key: MakeKey) -> None:
    first, sibling = make_key("a"), make_key("b")
    store(answer(sibling, org="org_x"))
    SyncStatus.objects.filter(pk=sibling.pk).update(next_check_at=NOON)
    store(limited(first, org="org_x", retry_after=None))
    assert sync_status_of(sibling).hold_until == NOON + M
    assert sync_status_of(sibling).next_check_at >= NOON + M


def test_a_typed_id_holds_nobody_elsewhere_and_is_held_by_its_own_organisation(
    make_key: MakeKey, other_organisation: Organisation
) -> None:
    victim = make_key("victim", at=other_organisation)
    reporting, typed = make_key("reporting"), make_key("typed")
    ApiKey.objects.filter(pk=typed.pk).update(organization_id="org_x")
    store(answer(victim, org="org_x"), answer(reporting, org="org_x"), answer(typed))
    store(limited(typed))
    assert sync_status_of(victim).hold_until is None
    assert sync_status_of(reporting).hold_until == NOON + 10 * M
    SyncStatus.objects.update(hold_until=None)
    store(limited(reporting, org="org_x", retry_after=900.0))
    assert sync_status_of(typed).hold_until == NOON + 15 * M


def test_an_answer_that_was_under_way_does_not_end_the_hold(make_key: MakeKey) -> None:
    first, sibling = make_key("a"), make_key("b")
    store(answer(first, org="org_x"), answer(sibling, org="org_x"))
    store(limited(first, org="org_x"))
    store(answer(sibling, org="org_x"))
    row = sync_status_of(sibling)
    assert row.hold_until == NOON + 10 * M
    assert NOON + 10 * M <= row.next_check_at <= NOON + 11 * M


def test_nobody_can_press_check_now_while_siblings_are_held(
    make_key: MakeKey, operator: User, hand_clock: HandClock
) -> None:
    first, sibling = make_key("a"), make_key("b")
    store(answer(first, org="org_x"), answer(sibling, org="org_x"))
    hand_clock.advance(seconds=30)
    store(limited(first, org="org_x"))
    request = check_request(
        organisation=sibling.organisation, actor=Actor(name=operator.email), key_id=sibling.pk
    )
    assert (request.outcome, request.held_until) == (
        CheckRequestOutcome.HELD,
        NOON + 10 * M + 30 * S,
    )


def test_a_429_of_another_call_than_a_check_holds_the_keys_too(key: ApiKey) -> None:
    store(answer(key, org="org_x"))
    key_calls_record([(key.pk, CallUsage(1, "org_x", hold_until=NOON + 20 * M))])
    assert sync_status_of(key).hold_until == NOON + 20 * M


@pytest.mark.django_db(transaction=True)
def test_workers_that_store_at_once_count_every_call_and_hold_without_a_deadlock(
    make_key: MakeKey,
) -> None:
    if connection.vendor == "sqlite" and "memory" in str(connection.settings_dict["NAME"]):
        pytest.skip("threads need a database on disk")
    keys = [make_key(str(number)) for number in range(12)]
    errors: list[Exception] = []

    def work(own: list[ApiKey]) -> None:
        try:
            for round_number in range(6):
                for key in own:
                    lease_key(key)
                is_limited = round_number == 3
                check_results_record(
                    [
                        limited(key, org="org_x") if is_limited else answer(key, org="org_x")
                        for key in own
                    ]
                )
                key_calls_record([(own[0].pk, CallUsage(2, "org_x", hold_until=NOON + 12 * M))])
        except Exception as error:  # noqa: BLE001  told to the test below
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[keys[n::4]]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert calls_by_group() == {"default:reported:org_x": 6 * 12 + 4 * 6 * 2}
