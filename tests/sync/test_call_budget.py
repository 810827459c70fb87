"""The day's calls of each Aitronos organisation: whose they are, how they are spread."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import LazySettings

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.budget import (
    CallUsage,
    GroupBudget,
    budgets_today,
    call_budgets_prune,
    key_calls_record,
    stretched_period,
)
from freddy_admin.sync.checks.leases import checks_reschedule_after_clock_change
from freddy_admin.sync.checks.policy import check_policy, status_request_refresh
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.models import CallBudget, SyncStatus
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.vault.models import ApiKey
from tests.sync.call_results import answer, calls_by_group, store
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    keys_create,
    lease_key,
    make_figures,
    refused_result,
    sync_status_of,
)

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
DAY, H, M, S = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
FIVE_MINUTES = 5 * M


@pytest.fixture
def other_organisation(organisation: Organisation) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)


@pytest.mark.parametrize(
    ("keys", "calls", "at", "seconds"),
    [
        (34, 0, MIDNIGHT, 300),
        (35, 0, MIDNIGHT, 303),
        (40, 0, MIDNIGHT, 346),
        (1000, 0, MIDNIGHT, 8640),
        # Half of the calls are left for half of the day; then fewer, then none.
        (40, 5000, MIDNIGHT + 12 * H, 346),
        (40, 7500, MIDNIGHT + 12 * H, 692),
        (40, 1000, MIDNIGHT + 12 * H, 346),
        (10, 9990, MIDNIGHT + 12 * H, 43_200),
        (10, 10_000, MIDNIGHT + 12 * H, 43_287),
        (10, 12_000, MIDNIGHT + 12 * H, 43_287),
        (1, 288, MIDNIGHT + DAY - S, 300),
    ],
)
def test_checks_stretch_so_that_a_day_of_all_keys_stays_within_its_calls(
    keys: int, calls: int, at: datetime, seconds: int
) -> None:
    budget = GroupBudget(calls=calls, key_count=keys)
    period = stretched_period(FIVE_MINUTES, budget, now=at, daily=10_000)
    assert period == timedelta(seconds=seconds)


def test_a_whole_day_of_checks_stays_within_the_calls_and_is_even(
    make_key: MakeKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    settings.AITRONOS_DAILY_CALLS = 300
    hand_clock.at = MIDNIGHT
    keys = {key.pk: key for key in (make_key(str(number)) for number in range(4))}
    SyncStatus.objects.update(next_check_at=MIDNIGHT)
    moments = []
    while True:
        row = SyncStatus.objects.order_by("next_check_at", "pk")[0]
        if row.next_check_at >= MIDNIGHT + DAY:
            break
        hand_clock.at = max(hand_clock.at, row.next_check_at)
        moments.append(hand_clock.at)
        # Hourly syncs, so that checks a minute after each due time come on top.
        last_sync_at = hand_clock.at.replace(minute=0, second=0)
        figures = make_figures(last_sync_at, last_sync_at + H, hours=1)
        store(replace(answer(keys[row.pk], org="org_x"), figures=figures))
    assert 270 <= len(moments) <= 300
    by_quarter = [
        sum(MIDNIGHT + n * DAY / 4 <= at < MIDNIGHT + (n + 1) * DAY / 4 for at in moments)
        for n in range(4)
    ]
    assert max(by_quarter) - min(by_quarter) <= 12
    # Without the budget the same keys make four times as many calls.
    assert len(keys) * DAY / FIVE_MINUTES > 1000


def test_keys_of_several_organisations_are_joined_by_the_header_alone(
    make_key: MakeKey, other_organisation: Organisation
) -> None:
    ours, theirs = make_key("a"), make_key("b", at=other_organisation)
    silent = make_key("c")
    store(answer(ours, org="org_x"), answer(theirs, org="org_x"), answer(silent))
    alder = ours.organisation_id
    assert calls_by_group() == {"default:reported:org_x": 2, f"default:organisation:{alder}": 1}


def test_environments_count_apart_whatever_the_organisation(make_key: MakeKey) -> None:
    usual, staged, silent = (make_key(label) for label in ("a", "b", "c"))
    store(
        answer(usual, org="org_x"),
        replace(answer(staged, org="org_x"), environment="staging"),
        replace(answer(silent), environment="staging"),
    )
    assert calls_by_group() == {
        "default:reported:org_x": 1,
        "staging:reported:org_x": 1,
        f"staging:organisation:{silent.organisation_id}": 1,
    }
    # Without a header a key stays in its group, but for another environment.
    store(replace(answer(staged), environment="staging"))
    assert sync_status_of(staged).budget_group == "staging:reported:org_x"


def test_an_entered_id_counts_within_its_own_organisation_alone(
    organisation: Organisation, other_organisation: Organisation, settings: LazySettings
) -> None:
    settings.AITRONOS_DAILY_CALLS = 300
    [victim] = keys_create(["victim"], at=other_organisation)
    typed = keys_create([str(number) for number in range(20)], at=organisation)
    ApiKey.objects.filter(pk__in=[key.pk for key in typed]).update(organization_id="org_x")
    store(*(answer(key) for key in typed))
    store(answer(victim, org="org_x"))
    alder = typed[0].organisation_id
    assert calls_by_group() == {f"default:entered:{alder}:org_x": 20, "default:reported:org_x": 1}
    assert sync_status_of(victim).check_period_seconds == 300
    assert sync_status_of(typed[0]).check_period_seconds == 20 * 86_400 / 300


def test_the_stretched_period_counts_in_the_health_rule_and_the_schedule(
    key: ApiKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    settings.AITRONOS_DAILY_CALLS = 96
    hand_clock.at = MIDNIGHT
    store(answer(key))
    row = sync_status_of(key)
    assert row.check_period_seconds == 910  # 95 calls are left for the whole day
    assert row.unknown_at == MIDNIGHT + 3 * timedelta(seconds=910)
    assert MIDNIGHT + 910 * S <= row.next_check_at <= MIDNIGHT + 910 * S * 1.05


def test_pages_ask_for_no_check_of_a_stretched_or_held_key(
    key: ApiKey, operator: User, hand_clock: HandClock, settings: LazySettings
) -> None:
    def requested_count() -> int:
        rows = organisation_key_rows(organisation=key.organisation, user=operator, now=clock.now())
        return status_request_refresh(rows=rows, now=clock.now())

    store(answer(key))
    hand_clock.advance(minutes=2)
    SyncStatus.objects.update(hold_until=clock.now() + M)
    assert requested_count() == 0
    SyncStatus.objects.update(hold_until=None)
    assert requested_count() == 1
    settings.AITRONOS_DAILY_CALLS = 50
    store(answer(key))
    hand_clock.advance(minutes=2)
    assert requested_count() == 0


def test_a_day_whose_calls_are_used_up_waits_for_the_next_one(
    key: ApiKey, hand_clock: HandClock, settings: LazySettings
) -> None:
    settings.AITRONOS_DAILY_CALLS = 2
    store(answer(key))
    hand_clock.advance(minutes=5)
    # Due in ten minutes: not even for that.
    figures = make_figures(NOON - H, NOON + 15 * M, hours=1)
    store(replace(answer(key), figures=figures))
    row = sync_status_of(key)
    assert row.next_check_at >= MIDNIGHT
    assert checks_reschedule_after_clock_change(now=clock.now(), policy=check_policy()) == 0
    hand_clock.at = row.next_check_at
    settings.AITRONOS_DAILY_CALLS = 10_000
    store(answer(key))
    assert sync_status_of(key).check_period_seconds == 300


def test_every_request_of_a_check_is_counted_and_none_that_was_not_sent(
    make_key: MakeKey,
) -> None:
    first, second, third = make_key("a"), make_key("b"), make_key("c")
    store(
        answer(first, org="org_x", requests_sent=3),
        failed_result(second, "server_error", calls=2, organization_id="org_x"),
        failed_result(third, "key_unreadable"),
    )
    assert calls_by_group()["default:reported:org_x"] == 5
    assert sum(calls_by_group().values()) == 5


def test_a_check_whose_result_came_too_late_is_counted(key: ApiKey) -> None:
    check_results_record([answer(key, org="org_x")])
    assert sync_status_of(key).checked_at is None
    assert calls_by_group() == {"default:reported:org_x": 1}


def test_a_refusal_stays_with_the_organisation_that_was_named_before(key: ApiKey) -> None:
    store(answer(key, org="org_x"))
    refused = refused_result(key)
    assert refused.failure is not None
    store(replace(refused, failure=replace(refused.failure, calls=1)))
    assert calls_by_group() == {"default:reported:org_x": 2}


def test_a_candidate_counts_for_the_organisation_its_answer_names_or_for_ours(
    key: ApiKey,
) -> None:
    store(answer(key, org="org_x"))
    usages = [(key.pk, CallUsage(1, "org_y")), (key.pk, CallUsage(1))]
    key_calls_record(usages, is_candidate=True)
    key_calls_record([(key.pk, CallUsage(4)), (key.pk, CallUsage(0))])
    assert calls_by_group() == {
        "default:reported:org_x": 5,
        "default:reported:org_y": 1,
        f"default:organisation:{key.organisation_id}": 1,
    }


def test_calls_are_counted_by_the_day_of_utc_and_forgotten_after_a_week(
    key: ApiKey, hand_clock: HandClock, trusted_clock: None
) -> None:
    store(answer(key, org="org_x"))
    hand_clock.at = MIDNIGHT
    store(answer(key, org="org_x"))
    assert list(CallBudget.objects.order_by("day").values_list("calls", flat=True)) == [1, 1]
    assert budgets_today(now=clock.now()).calls == 1
    hand_clock.advance(days=8)
    call_budgets_prune()
    assert not CallBudget.objects.exists()


def test_keys_that_are_paused_or_refused_make_nobody_wait(
    make_key: MakeKey, settings: LazySettings, hand_clock: HandClock
) -> None:
    settings.AITRONOS_DAILY_CALLS = 500
    keys = [make_key(str(number)) for number in range(4)]
    store(*(answer(key, org="org_x") for key in keys))
    assert sync_status_of(keys[0]).check_period_seconds > 600
    ApiKey.objects.filter(pk=keys[1].pk).update(paused_at=NOON)
    SyncStatus.objects.filter(pk__in=[keys[2].pk, keys[3].pk]).update(refusals=2)
    hand_clock.advance(hours=1)
    store(answer(keys[0], org="org_x"))
    assert sync_status_of(keys[0]).check_period_seconds == 300


def test_an_unchanged_check_costs_one_statement_more_whatever_the_number(
    organisation: Organisation, hand_clock: HandClock, django_assert_max_num_queries: Any
) -> None:
    keys = keys_create([str(number) for number in range(30)], at=organisation)
    store(*(answer(key, org="org_x") for key in keys))
    hand_clock.advance(minutes=5)
    for key in keys:
        lease_key(key)
    with django_assert_max_num_queries(10) as queries:
        check_results_record([answer(key, org="org_x") for key in keys])
    assert sum("callbudget" in query["sql"] for query in queries.captured_queries) == 1
