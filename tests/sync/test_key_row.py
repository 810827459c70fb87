"""What a `KeyRow` derives from its values: due time, overdue time, inconsistent figures."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.sync.status.rows import KeyRow, SyncFigures
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import (
    NOON,
    HandClock,
    good_result,
    lease_key,
    make_figures,
    sync_status_of,
)

H, M = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def observed_row(key: ApiKey, operator: User, organisation: Organisation) -> Any:
    def observe(*figures: Any) -> KeyRow:
        lease_key(key)
        check_results_record([good_result(key, make_figures(*figures))])
        return organisation_key_rows(user=operator, organisation=organisation, now=NOON)[0]

    return observe


def test_a_row_is_overdue_at_its_due_time_plus_grace(observed_row: Any) -> None:
    row = observed_row(NOON - H, NOON + 3 * H)
    assert (row.due_at, row.grace, row.overdue_at) == (NOON + 3 * H, H, NOON + 4 * H)
    assert not row.needs_action


def test_a_row_before_its_first_sync_is_overdue_after_the_first_due_time(observed_row: Any) -> None:
    row = observed_row(None, NOON + H)
    assert (row.due_at, row.overdue_at) == (NOON + 4 * H, NOON + 5 * H)


def test_a_row_without_schedule_or_figures_has_no_due_time(
    observed_row: Any, key: ApiKey, operator: User, organisation: Organisation
) -> None:
    (row,) = organisation_key_rows(user=operator, organisation=organisation, now=NOON)
    assert (row.due_at, row.overdue_at, row.grace) == (None, None, 15 * M)
    row = observed_row(NOON - H, None, 0)
    assert (row.due_at, row.overdue_at) == (None, None)


def test_a_keys_own_grace_moves_its_overdue_time(observed_row: Any, key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(grace_minutes=30)
    assert observed_row(NOON - H, NOON + 3 * H).overdue_at == NOON + 3 * H + 30 * M


@pytest.mark.parametrize(
    ("enabled", "total", "last_sync_at", "next_sync_at", "is_inconsistent"),
    [
        (1, 42, NOON - H, NOON, False),
        (43, 42, NOON - H, NOON, True),
        (1, 42, NOON, NOON - H, True),
        (1, 42, None, NOON, False),
    ],
)
def test_figures_that_contradict_themselves_are_inconsistent(
    enabled: int, total: int, last_sync_at: Any, next_sync_at: Any, is_inconsistent: bool
) -> None:
    figures = SyncFigures(
        total, enabled, last_sync_at, next_sync_at, 4, incremental_sync_enabled=False
    )
    assert figures.is_inconsistent is is_inconsistent


def test_a_sync_status_prints_no_secret(key: ApiKey, hand_clock: HandClock) -> None:
    assert str(sync_status_of(key)) == f"{key.pk}: not_checked"
