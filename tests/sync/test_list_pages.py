"""A page of many keys is read from ranges of an index, and is the page that sorting all gives."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.sync.status.selectors import PAGE_SIZE, overview_key_rows, overview_page
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON

DAY, M = timedelta(days=1), timedelta(minutes=1)
KEYS = 600


def create_keys(states: Sequence[HealthState], *, per_organisation: int = 2) -> list[SyncStatus]:
    """Keys in these states, over organisations whose names have nothing to do with their age."""
    organisations = Organisation.objects.bulk_create(
        Organisation(name=f"{number * 7919 % 1009:04}", slug=f"o{number}")
        for number in range(-(-len(states) // per_organisation))
    )
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisations[number // per_organisation], label=f"{number % 3}",
               created_at=NOON, fingerprint=str(number))
        for number in range(len(states))
    )  # fmt: skip
    rows = SyncStatus.objects.bulk_create(
        SyncStatus(key=key, organisation_id=key.organisation_id, state=state, state_since=NOON,
                next_check_at=NOON, updated_at=NOON, unknown_at=NOON + 15 * M)
        for key, state in zip(keys, states, strict=True)
    )  # fmt: skip
    status_names_write(key_ids=[row.pk for row in rows])
    return rows


def mixed_states(**counts: int) -> list[HealthState]:
    other_states = [HealthState.UP_TO_DATE] * (KEYS - sum(counts.values()))
    return [
        HealthState(name) for name, count in counts.items() for _ in range(count)
    ] + other_states


# The totals, the page and the notices.
STATEMENTS_OF_A_PAGE = 3


def first_page(user: User) -> tuple[list[KeyRow], int]:
    """The rows of the first page, and how many statements they took."""
    with CaptureQueriesContext(connection) as statements:
        rows = pages(user, 1)[0]
    return rows, len(statements)


def pages(user: User, *page_numbers: int) -> list[list[KeyRow]]:
    return [
        overview_page(user=user, filters=OverviewFilters(page=number), now=NOON).rows
        for number in page_numbers
    ]


def all_rows(user: User) -> list[KeyRow]:
    return list(overview_key_rows(user=user, filters=OverviewFilters(), now=NOON))


@pytest.mark.parametrize(
    "counts",
    [{}, {"overdue": 3, "late": 9}, {"overdue": 200}, {"key_rejected": 49, "late": 1},
     {"key_rejected": 2, "unknown": 5, "no_schedule": 4}, {"unknown": 300}],
)  # fmt: skip
def test_the_first_page_is_that_of_all_keys_without_sorting_them(
    platform_admin: User, counts: dict[str, int]
) -> None:
    create_keys(mixed_states(**counts))
    assert first_page(platform_admin) == (
        all_rows(platform_admin)[:PAGE_SIZE],
        STATEMENTS_OF_A_PAGE,
    )


def test_every_page_is_that_of_all_keys(platform_admin: User) -> None:
    rows = create_keys(mixed_states(overdue=30, late=130, waiting=60, unknown=10))
    _pause_and_age(rows)
    expected = all_rows(platform_admin)
    page_rows = [row for page in pages(platform_admin, *range(1, 13)) for row in page]
    assert [row.key_id for row in page_rows] == [row.key_id for row in expected]
    assert page_rows == expected


def _pause_and_age(rows: list[SyncStatus]) -> None:
    """Pause some of these keys, age the figures of some, let some expire: in every state."""
    for row in rows[::7]:
        row.unknown_at = NOON - M
    SyncStatus.objects.bulk_update(rows[::7], ["unknown_at"])
    ids = [row.pk for row in rows]
    ApiKey.objects.filter(pk__in=ids[::11]).update(paused_at=NOON)
    ApiKey.objects.filter(pk__in=ids[::13]).update(expires_on=NOON.date() + 3 * DAY)


@pytest.mark.parametrize("expiring", [5, 60])
def test_urgently_expiring_keys_stand_where_a_full_sort_puts_them(
    platform_admin: User, expiring: int
) -> None:
    rows = create_keys(mixed_states(overdue=20, late=10))
    expiring_ids = [row.pk for row in rows[-expiring:]]
    ApiKey.objects.filter(pk__in=expiring_ids).update(expires_on=NOON.date() + 3 * DAY)
    page, statement_count = first_page(platform_admin)
    assert page == all_rows(platform_admin)[:PAGE_SIZE]
    assert sum(row.is_expiry_urgent for row in page) == min(expiring, 30)
    assert statement_count == STATEMENTS_OF_A_PAGE


def test_keys_that_became_unknown_hide_no_line_before_them(platform_admin: User) -> None:
    # By name: first keys that are well, then unknown ones, then some that were overdue and aged.
    create_keys(mixed_states(), per_organisation=1)
    rows = list(SyncStatus.objects.order_by("organisation__name"))
    for row in rows[135:]:
        row.state = HealthState.UNKNOWN
    for row in rows[-65:]:
        row.state = HealthState.OVERDUE
    for row in rows[-60:]:
        row.unknown_at = NOON - M
    SyncStatus.objects.bulk_update(rows, ["state", "unknown_at"], batch_size=200)
    assert pages(platform_admin, 1)[0] == all_rows(platform_admin)[:PAGE_SIZE]
