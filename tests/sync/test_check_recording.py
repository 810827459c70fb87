"""What the result of a check changes in the sync status of its key."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.apply import health_facts_from_row
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import CheckOutcome, SyncStatus
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from tests.sync.conftest import (
    NOON,
    HandClock,
    failed_result,
    good_result,
    keys_create,
    lease_key,
    make_figures,
    refused_result,
    sync_status_of,
)
from tests.sync.whole_health_rule import assess_health

H, M = timedelta(hours=1), timedelta(minutes=1)


def store(key: ApiKey, result: CheckResult) -> SyncStatus:
    lease_key(key)
    check_results_record([result])
    return sync_status_of(key)


def test_a_good_check_brings_figures_a_state_and_the_next_check(key: ApiKey) -> None:
    row = store(key, good_result(key))
    assert (row.total_tools, row.enabled_tools) == (42, 7)
    assert (row.state, row.state_since) == (HealthState.UP_TO_DATE, NOON - H)
    assert row.observed_at == row.checked_at == row.first_observed_at == NOON
    assert row.unknown_at == NOON + 15 * M
    assert NOON + 5 * M <= row.next_check_at <= NOON + 5.25 * M
    assert (row.lease_token, row.lease_until) == ("", None)


def test_a_failed_check_keeps_the_last_good_figures_and_their_age(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key))
    hand_clock.advance(minutes=5)
    row = store(key, failed_result(key))
    assert (row.total_tools, row.observed_at) == (42, NOON)
    assert (row.checked_at, row.failing_since) == (NOON + 5 * M, NOON + 5 * M)
    assert (row.outcome, row.error_kind, row.state) == (
        CheckOutcome.FAILED,
        "read_timeout",
        HealthState.UP_TO_DATE,
    )


def test_failures_are_counted_from_the_first_and_end_with_an_answer(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, failed_result(key))
    hand_clock.advance(minutes=5)
    row = store(key, failed_result(key))
    assert (row.failures, row.failing_since, row.state) == (2, NOON, HealthState.UNKNOWN)
    assert row.state_since == NOON
    row = store(key, good_result(key))
    assert (row.failures, row.failing_since, row.error_kind) == (0, None, "")


def test_a_refused_key_is_checked_again_after_a_minute_and_then_hourly(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key))
    row = store(key, refused_result(key))
    assert (row.state, row.next_check_at) == (HealthState.UP_TO_DATE, NOON + M)
    hand_clock.advance(minutes=1)
    row = store(key, refused_result(key))
    assert (row.state, row.state_since, row.unknown_at) == (
        HealthState.KEY_REJECTED,
        NOON + M,
        None,
    )
    assert row.next_check_at >= NOON + M + H
    hand_clock.advance(hours=1)
    row = store(key, refused_result(key, 403))
    assert row.state == HealthState.KEY_NOT_PERMITTED


def test_a_failed_check_between_two_refusals_does_not_break_the_series(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, refused_result(key))
    hand_clock.advance(minutes=1)
    assert store(key, failed_result(key)).refusals == 1
    hand_clock.advance(minutes=1)
    assert store(key, refused_result(key)).state == HealthState.KEY_REJECTED


def test_a_good_check_between_two_refusals_breaks_the_series(key: ApiKey) -> None:
    store(key, refused_result(key))
    store(key, good_result(key))
    assert store(key, refused_result(key)).state == HealthState.UP_TO_DATE


def test_a_rejected_key_stays_rejected_since_the_same_moment(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, refused_result(key))
    store(key, refused_result(key))
    hand_clock.advance(hours=1)
    assert store(key, refused_result(key)).state_since == NOON


def test_an_unreadable_key_is_red_until_it_can_be_opened_again(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key))
    row = store(key, failed_result(key, "key_unreadable"))
    assert (row.state, row.unreadable_since, row.unknown_at) == (
        HealthState.KEY_UNREADABLE,
        NOON,
        None,
    )
    hand_clock.advance(minutes=9)
    assert store(key, failed_result(key, "key_unreadable")).unreadable_since == NOON
    assert store(key, good_result(key)).state == HealthState.UP_TO_DATE


@pytest.mark.parametrize(
    ("earlier", "state"),
    [
        ([good_result], HealthState.UP_TO_DATE),
        ([refused_result, refused_result], HealthState.KEY_REJECTED),
        (
            [good_result, lambda key: failed_result(key, "key_unreadable")],
            HealthState.KEY_UNREADABLE,
        ),
    ],
)
def test_a_master_key_that_does_not_fit_makes_every_key_unknown_with_its_last_state(
    key: ApiKey, hand_clock: HandClock, earlier: list[Any], state: HealthState
) -> None:
    for make_result in earlier:
        store(key, make_result(key))
    hand_clock.advance(minutes=1)
    store(key, failed_result(key, "master_key_misfit"))
    hand_clock.advance(minutes=5)
    row = store(key, failed_result(key, "master_key_misfit"))
    assert (row.state, row.unknown_at, row.master_key_misfit_since) == (state, NOON + M, NOON + M)
    verdict = assess_health(health_facts_from_row(row, row.key, check_policy()), now=hand_clock())
    assert (verdict.state, verdict.since) == (HealthState.UNKNOWN, NOON + M)
    row = store(key, good_result(key))
    assert (row.state, row.master_key_misfit_since, row.unreadable_since) == (
        HealthState.UP_TO_DATE,
        None,
        None,
    )


def test_a_key_is_unknown_after_a_misfit_at_its_first_check(key: ApiKey) -> None:
    assert store(key, failed_result(key, "master_key_misfit")).state == HealthState.UNKNOWN


def test_up_to_date_is_not_true_within_a_rejection(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, refused_result(key))
    store(key, refused_result(key))
    hand_clock.advance(hours=1)
    row = store(key, good_result(key))
    assert (row.state, row.state_since) == (HealthState.UP_TO_DATE, NOON + H)


def test_a_new_state_does_not_reach_back_before_the_former_one(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key, make_figures(NOON - 9 * H, NOON - 5 * H)))
    hand_clock.advance(minutes=5)
    row = store(key, good_result(key, make_figures(NOON - 6 * H, NOON + H)))
    assert (row.state, row.state_since) == (HealthState.UP_TO_DATE, NOON - 4 * H)


def test_a_refused_key_is_not_checked_sooner_after_a_time_out(key: ApiKey) -> None:
    store(key, refused_result(key))
    store(key, refused_result(key))
    assert store(key, failed_result(key)).next_check_at >= NOON + H


def test_an_up_to_date_key_stays_so_since_its_first_sync_while_syncs_follow(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key))
    hand_clock.advance(minutes=5)
    row = store(key, good_result(key, make_figures(NOON + M, NOON + 4 * H)))
    assert row.state_since == NOON - H


def test_a_state_starts_anew_after_an_unknown_span(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, good_result(key))
    hand_clock.advance(hours=2)
    row = store(key, good_result(key, make_figures(NOON + H, NOON + 5 * H)))
    assert row.state_since == NOON + H


def test_overdue_is_true_since_grace_ran_out_and_not_since_we_noticed(key: ApiKey) -> None:
    row = store(key, good_result(key, make_figures(NOON - 9 * H, NOON - 5 * H)))
    assert (row.state, row.state_since) == (HealthState.OVERDUE, NOON - 4 * H)


def test_an_overdue_key_whose_plan_moves_on_stays_overdue_since_the_first_miss(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good_result(key, make_figures(NOON - 9 * H, NOON - 5 * H)))
    hand_clock.advance(minutes=5)
    row = store(key, good_result(key, make_figures(NOON - 9 * H, NOON + 3 * H)))
    assert (row.state, row.state_since) == (HealthState.OVERDUE, NOON - 4 * H)
    assert row.skipped_at == NOON - 5 * H


def test_the_result_of_a_lost_lease_is_thrown_away(key: ApiKey) -> None:
    lease_key(key, "somebody-else")
    assert check_results_record([good_result(key)]) == []
    row = sync_status_of(key)
    assert (row.checked_at, row.lease_token) == (None, "somebody-else")


def test_the_late_result_of_a_replaced_key_is_thrown_away_and_its_lease_released(
    key: ApiKey,
) -> None:
    lease_key(key)
    result = replace(good_result(key), key_version=0)
    assert check_results_record([result]) == []
    row = sync_status_of(key)
    assert (row.checked_at, row.lease_token, row.lease_until) == (None, "", None)


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": KeyLifecycle.REVOKED}])
def test_the_late_result_of_a_paused_or_revoked_key_is_thrown_away(
    key: ApiKey, change: dict[str, object]
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(**change)
    lease_key(key)
    assert check_results_record([good_result(key)]) == []


def test_many_results_are_stored_with_few_statements(
    organisation: Organisation, django_assert_max_num_queries: object
) -> None:
    keys = keys_create([str(number) for number in range(50)], at=organisation)
    for key in keys:
        lease_key(key)
    # Of a key that comes into its group of counted calls, the group's keys are counted, too.
    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert len(check_results_record([good_result(key) for key in keys])) == 50


def test_a_wait_that_aitronos_asked_for_is_stored(key: ApiKey) -> None:
    row = store(key, failed_result(key, "rate_limited", retry_after=600.0))
    assert row.hold_until == NOON + 10 * M
    assert row.next_check_at >= NOON + 10 * M


def test_a_key_at_its_spending_limit_is_not_checked_again_in_seconds(key: ApiKey) -> None:
    row = store(key, failed_result(key, "spending_limit", retry_after=1.0, spending_limit=True))
    assert row.hold_until == NOON + 15 * M
