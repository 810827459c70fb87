"""What a row says of itself: due, promise, marks."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.rows import Figures, KeyRow
from freddy_admin.sync.selectors import organisation_rows
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, HandClock, figures, good, lease, row_of

H, M = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def shown(key: ApiKey, person: User, organisation: Organisation) -> Any:
    def show(*seen: Any) -> KeyRow:
        lease(key)
        checks_store([good(key, figures(*seen))])
        return organisation_rows(user=person, organisation=organisation, now=NOON)[0]

    return show


def test_the_promise_is_due_plus_grace(shown: Any) -> None:
    row = shown(NOON - H, NOON + 3 * H)
    assert (row.due_at, row.grace, row.overdue_at) == (NOON + 3 * H, H, NOON + 4 * H)
    assert not row.needs_you


def test_before_the_first_sync_the_promise_counts_from_the_first_due(shown: Any) -> None:
    row = shown(None, NOON + H)
    assert (row.due_at, row.overdue_at) == (NOON + 4 * H, NOON + 5 * H)


def test_without_a_schedule_or_figures_nothing_is_promised(
    shown: Any, key: ApiKey, person: User, organisation: Organisation
) -> None:
    (row,) = organisation_rows(user=person, organisation=organisation, now=NOON)
    assert (row.due_at, row.overdue_at, row.grace) == (None, None, 15 * M)
    row = shown(NOON - H, None, 0)
    assert (row.due_at, row.overdue_at) == (None, None)


def test_a_keys_own_grace_moves_the_promise(shown: Any, key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(grace_minutes=30)
    assert shown(NOON - H, NOON + 3 * H).overdue_at == NOON + 3 * H + 30 * M


@pytest.mark.parametrize(
    ("on", "total", "last", "following", "odd"),
    [
        (1, 42, NOON - H, NOON, False),
        (43, 42, NOON - H, NOON, True),
        (1, 42, NOON, NOON - H, True),
        (1, 42, None, NOON, False),
    ],
)
def test_figures_that_contradict_themselves_are_marked(
    on: int, total: int, last: Any, following: Any, odd: bool
) -> None:
    seen = Figures(total, on, last, following, 4, incremental_sync_enabled=False)
    assert seen.inconsistent is odd


def test_rows_name_themselves_without_a_secret(key: ApiKey, hand_clock: HandClock) -> None:
    assert str(row_of(key)) == f"{key.pk}: not_checked"
