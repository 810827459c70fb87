"""What the end of a check leaves behind."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.sync import health
from freddy_admin.sync.models import KeySync, Outcome
from freddy_admin.sync.outcomes import Checked
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.row_changes import facts_of
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey, KeyStatus
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    failed,
    figures,
    good,
    lease,
    refused,
    row_of,
)

H, M = timedelta(hours=1), timedelta(minutes=1)


def store(key: ApiKey, ended: Checked) -> KeySync:
    lease(key)
    checks_store([ended])
    return row_of(key)


def test_a_good_check_brings_figures_a_state_and_the_next_look(key: ApiKey) -> None:
    row = store(key, good(key))
    assert (row.total_tools, row.enabled_tools) == (42, 7)
    assert (row.state, row.state_since) == (State.UP_TO_DATE, NOON - H)
    assert row.observed_at == row.checked_at == row.first_observed_at == NOON
    assert row.unknown_at == NOON + 15 * M
    assert NOON + 5 * M <= row.next_check_at <= NOON + 5.25 * M
    assert (row.lease_token, row.lease_until) == ("", None)


def test_a_failed_check_keeps_the_last_good_figures_and_their_age(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key))
    hand_clock.forward(minutes=5)
    row = store(key, failed(key))
    assert (row.total_tools, row.observed_at) == (42, NOON)
    assert (row.checked_at, row.failing_since) == (NOON + 5 * M, NOON + 5 * M)
    assert (row.outcome, row.error_kind, row.state) == (
        Outcome.FAILED,
        "read_timeout",
        State.UP_TO_DATE,
    )


def test_failures_are_counted_from_the_first_and_end_with_an_answer(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, failed(key))
    hand_clock.forward(minutes=5)
    row = store(key, failed(key))
    assert (row.failures, row.failing_since, row.state) == (2, NOON, State.UNKNOWN)
    assert row.state_since == NOON
    row = store(key, good(key))
    assert (row.failures, row.failing_since, row.error_kind) == (0, None, "")


def test_a_refusal_is_confirmed_after_a_minute_and_then_asked_hourly(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key))
    row = store(key, refused(key))
    assert (row.state, row.next_check_at) == (State.UP_TO_DATE, NOON + M)
    hand_clock.forward(minutes=1)
    row = store(key, refused(key))
    assert (row.state, row.state_since, row.unknown_at) == (State.KEY_REJECTED, NOON + M, None)
    assert row.next_check_at >= NOON + M + H
    hand_clock.forward(hours=1)
    row = store(key, refused(key, 403))
    assert row.state == State.KEY_NOT_PERMITTED


def test_a_failed_check_between_two_refusals_does_not_break_the_row(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, refused(key))
    hand_clock.forward(minutes=1)
    assert store(key, failed(key)).refusals == 1
    hand_clock.forward(minutes=1)
    assert store(key, refused(key)).state == State.KEY_REJECTED


def test_a_good_answer_between_two_refusals_does(key: ApiKey) -> None:
    store(key, refused(key))
    store(key, good(key))
    assert store(key, refused(key)).state == State.UP_TO_DATE


def test_a_rejected_key_stays_rejected_since_the_same_moment(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, refused(key))
    store(key, refused(key))
    hand_clock.forward(hours=1)
    assert store(key, refused(key)).state_since == NOON


def test_an_unreadable_key_is_red_until_it_can_be_opened_again(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key))
    row = store(key, failed(key, "key_unreadable"))
    assert (row.state, row.unreadable_since, row.unknown_at) == (State.KEY_UNREADABLE, NOON, None)
    hand_clock.forward(minutes=9)
    assert store(key, failed(key, "key_unreadable")).unreadable_since == NOON
    assert store(key, good(key)).state == State.UP_TO_DATE


@pytest.mark.parametrize(
    ("before", "known"),
    [
        ([good], State.UP_TO_DATE),
        ([refused, refused], State.KEY_REJECTED),
        ([good, lambda key: failed(key, "key_unreadable")], State.KEY_UNREADABLE),
    ],
)
def test_a_master_key_that_does_not_fit_makes_every_key_unknown_with_its_last_state(
    key: ApiKey, hand_clock: HandClock, before: list[Any], known: State
) -> None:
    for end in before:
        store(key, end(key))
    hand_clock.forward(minutes=1)
    store(key, failed(key, "master_key_misfit"))
    hand_clock.forward(minutes=5)
    row = store(key, failed(key, "master_key_misfit"))
    assert (row.state, row.unknown_at, row.misfit_since) == (known, NOON + M, NOON + M)
    verdict = health.assess(facts_of(row, row.key, policy()), now=hand_clock())
    assert (verdict.state, verdict.since) == (State.UNKNOWN, NOON + M)
    row = store(key, good(key))
    assert (row.state, row.misfit_since, row.unreadable_since) == (State.UP_TO_DATE, None, None)


def test_a_misfit_at_the_very_first_check_is_unknown(key: ApiKey) -> None:
    assert store(key, failed(key, "master_key_misfit")).state == State.UNKNOWN


def test_up_to_date_is_not_true_within_a_rejection(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, refused(key))
    store(key, refused(key))
    hand_clock.forward(hours=1)
    row = store(key, good(key))
    assert (row.state, row.state_since) == (State.UP_TO_DATE, NOON + H)


def test_a_new_state_does_not_reach_back_before_the_former_one(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key, figures(NOON - 9 * H, NOON - 5 * H)))
    hand_clock.forward(minutes=5)
    row = store(key, good(key, figures(NOON - 6 * H, NOON + H)))
    assert (row.state, row.state_since) == (State.UP_TO_DATE, NOON - 4 * H)


def test_a_refused_key_is_not_asked_sooner_for_a_time_out(key: ApiKey) -> None:
    store(key, refused(key))
    store(key, refused(key))
    assert store(key, failed(key)).next_check_at >= NOON + H


def test_an_up_to_date_key_stays_so_since_the_first_sync_while_syncs_follow(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key))
    hand_clock.forward(minutes=5)
    row = store(key, good(key, figures(NOON + M, NOON + 4 * H)))
    assert row.state_since == NOON - H


def test_after_a_blind_span_the_state_starts_anew(key: ApiKey, hand_clock: HandClock) -> None:
    store(key, good(key))
    hand_clock.forward(hours=2)
    row = store(key, good(key, figures(NOON + H, NOON + 5 * H)))
    assert row.state_since == NOON + H


def test_overdue_is_true_since_grace_ran_out_and_not_since_we_noticed(key: ApiKey) -> None:
    row = store(key, good(key, figures(NOON - 9 * H, NOON - 5 * H)))
    assert (row.state, row.state_since) == (State.OVERDUE, NOON - 4 * H)


def test_an_overdue_key_whose_plan_moves_on_stays_overdue_since_the_first_miss(
    key: ApiKey, hand_clock: HandClock
) -> None:
    store(key, good(key, figures(NOON - 9 * H, NOON - 5 * H)))
    hand_clock.forward(minutes=5)
    row = store(key, good(key, figures(NOON - 9 * H, NOON + 3 * H)))
    assert (row.state, row.state_since) == (State.OVERDUE, NOON - 4 * H)
    assert row.skipped_at == NOON - 5 * H


def test_the_answer_to_a_lost_lease_is_thrown_away(key: ApiKey) -> None:
    lease(key, "somebody-else")
    assert checks_store([good(key)]) == []
    row = row_of(key)
    assert (row.checked_at, row.lease_token) == (None, "somebody-else")


def test_the_late_answer_of_a_replaced_key_is_thrown_away_and_its_lease_freed(
    key: ApiKey,
) -> None:
    lease(key)
    ended = replace(good(key), key_version=0)
    assert checks_store([ended]) == []
    row = row_of(key)
    assert (row.checked_at, row.lease_token, row.lease_until) == (None, "", None)


@pytest.mark.parametrize("change", [{"paused_at": NOON}, {"status": KeyStatus.REVOKED}])
def test_the_late_answer_of_a_paused_or_revoked_key_is_thrown_away(
    key: ApiKey, change: dict[str, object]
) -> None:
    ApiKey.objects.filter(pk=key.pk).update(**change)
    lease(key)
    assert checks_store([good(key)]) == []


def test_many_ends_are_one_transaction_of_few_statements(
    make_key: MakeKey, django_assert_max_num_queries: object
) -> None:
    keys = [make_key(str(number)) for number in range(50)]
    for one in keys:
        lease(one)
    with django_assert_max_num_queries(9):  # type: ignore[operator]
        assert len(checks_store([good(one) for one in keys])) == 50


def test_a_wait_that_aitronos_asked_for_is_kept(key: ApiKey) -> None:
    row = store(key, failed(key, "rate_limited", retry_after=600.0))
    assert row.hold_until == NOON + 10 * M
    assert row.next_check_at >= NOON + 10 * M


def test_a_spending_limit_is_not_asked_again_in_seconds(key: ApiKey) -> None:
    row = store(key, failed(key, "spending_limit", retry_after=1.0, spending_limit=True))
    assert row.hold_until == NOON + 15 * M
