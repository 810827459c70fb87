"""A page of many keys is read from ranges of an index, and is the page that sorting all gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import STATES_NEEDING_ACTION, HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.sync.status.queries import ListPlace, OverviewFilters
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.sync.status.selectors import (
    OVERVIEW_SORTS,
    PAGE_SIZE,
    overview_key_rows,
    overview_page,
)
from freddy_admin.vault.models import ApiKey
from tests.module_rows import module_rows
from tests.sync.conftest import NOON, MakeKey

DAY, M = timedelta(days=1), timedelta(minutes=1)
KEYS = 600


@pytest.fixture(scope="module")
def _module_keys(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with module_rows(django_db_blocker, create_keys):
        yield


@pytest.fixture(autouse=True)
def keys(_module_keys: None, db: None) -> None:
    """Many keys in three hundred organisations; `set_states` says in which states they are."""


def create_keys() -> None:
    """Keys of organisations whose names have nothing to do with their age, with some figures."""
    organisations = Organisation.objects.bulk_create(
        Organisation(name=f"{number * 7919 % 1009:04}", slug=f"o{number}")
        for number in range(KEYS // 2)
    )
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisations[number // 2], label=f"{number % 3}",
               created_at=NOON, fingerprint=str(number))
        for number in range(KEYS)
    )  # fmt: skip
    rows = [
        SyncStatus(key=key, organisation_id=key.organisation_id, state=HealthState.UP_TO_DATE,
                state_since=NOON, next_check_at=NOON, updated_at=NOON, unknown_at=NOON + 15 * M)
        for key in keys
    ]  # fmt: skip
    for number, row in enumerate(rows):
        if number % 5:
            row.last_sync_at = NOON - number % 17 * M
            row.next_sync_at = NOON + number % 13 * M
            row.enabled_tools = number % 3
            row.checked_at = NOON - number % 11 * M
    SyncStatus.objects.bulk_create(rows)
    status_names_write(key_ids=[row.pk for row in rows])


def set_states(**counts: int) -> list[int]:
    """So many of the keys come into each of these states, in their order; the ids of all keys."""
    ids = list(SyncStatus.objects.order_by("pk").values_list("pk", flat=True))
    start = 0
    for name, count in counts.items():
        SyncStatus.objects.filter(pk__in=ids[start : start + count]).update(state=HealthState(name))
        start += count
    return ids


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


def all_rows(user: User, filters: OverviewFilters | None = None) -> list[KeyRow]:
    rows = overview_key_rows(user=user, filters=filters or OverviewFilters(), now=NOON)
    return list(rows)


@pytest.mark.parametrize(
    "counts",
    [{}, {"overdue": 3, "late": 9}, {"overdue": 200}, {"key_rejected": 49, "late": 1},
     {"key_rejected": 2, "unknown": 5, "no_schedule": 4}, {"unknown": 300}],
)  # fmt: skip
def test_the_first_page_is_that_of_all_keys_without_sorting_them(
    platform_admin: User, counts: dict[str, int]
) -> None:
    set_states(**counts)
    assert first_page(platform_admin) == (
        all_rows(platform_admin)[:PAGE_SIZE],
        STATEMENTS_OF_A_PAGE,
    )


def test_every_page_is_that_of_all_keys(platform_admin: User) -> None:
    _pause_and_age(set_states(overdue=30, late=130, waiting=60, unknown=10))
    expected = all_rows(platform_admin)
    page_rows = [row for page in pages(platform_admin, *range(1, 13)) for row in page]
    assert [row.key_id for row in page_rows] == [row.key_id for row in expected]
    assert page_rows == expected


def _pause_and_age(ids: list[int]) -> None:
    """Pause some of these keys, age the figures of some, let some expire: in every state."""
    SyncStatus.objects.filter(pk__in=ids[::7]).update(unknown_at=NOON - M)
    ApiKey.objects.filter(pk__in=ids[::11]).update(paused_at=NOON)
    ApiKey.objects.filter(pk__in=ids[::13]).update(expires_on=NOON.date() + 3 * DAY)


@pytest.mark.parametrize("expiring", [5, 60])
def test_urgently_expiring_keys_stand_where_a_full_sort_puts_them(
    platform_admin: User, expiring: int
) -> None:
    expiring_ids = set_states(overdue=20, late=10)[-expiring:]
    ApiKey.objects.filter(pk__in=expiring_ids).update(expires_on=NOON.date() + 3 * DAY)
    page, statement_count = first_page(platform_admin)
    assert page == all_rows(platform_admin)[:PAGE_SIZE]
    assert sum(row.is_expiry_urgent for row in page) == min(expiring, 30)
    assert statement_count == STATEMENTS_OF_A_PAGE


def test_keys_that_became_unknown_hide_no_line_before_them(platform_admin: User) -> None:
    # By name: first keys that are well, then unknown ones, then some that were overdue and aged.
    by_name = SyncStatus.objects.order_by("organisation__name", "key__label")
    ids = list(by_name.values_list("pk", flat=True))
    SyncStatus.objects.filter(pk__in=ids[135:]).update(state=HealthState.UNKNOWN)
    SyncStatus.objects.filter(pk__in=ids[-65:]).update(state=HealthState.OVERDUE)
    SyncStatus.objects.filter(pk__in=ids[-60:]).update(unknown_at=NOON - M)
    assert pages(platform_admin, 1)[0] == all_rows(platform_admin)[:PAGE_SIZE]


SORTS = [f"{sign}{sort}" for sort in OVERVIEW_SORTS for sign in ("", "-")]


@pytest.mark.parametrize("sort", SORTS)
def test_every_page_of_every_sort_is_that_of_all_keys(platform_admin: User, sort: str) -> None:
    _pause_and_age(set_states(overdue=30, late=130, waiting=60, unknown=10))
    filters = OverviewFilters(sort=sort, page_size=200)
    expected = [row.key_id for row in all_rows(platform_admin, filters)]
    for number in range(1, 4):
        page = overview_page(user=platform_admin, filters=replace(filters, page=number), now=NOON)
        start = (number - 1) * 200
        assert [row.key_id for row in page.rows] == expected[start : start + 200]


@pytest.mark.parametrize(
    "states",
    [tuple(state for state in HealthState if state in STATES_NEEDING_ACTION),
     (HealthState.UP_TO_DATE,), (HealthState.UNKNOWN, HealthState.PAUSED),
     (HealthState.OVERDUE, HealthState.LATE)],
)  # fmt: skip
def test_pages_of_some_states_are_those_of_all_keys(
    platform_admin: User, states: tuple[HealthState, ...]
) -> None:
    _pause_and_age(set_states(overdue=90, late=60, unknown=70))
    filters = OverviewFilters(states=states)
    expected = all_rows(platform_admin, filters)
    first = overview_page(user=platform_admin, filters=filters, now=NOON)
    pages_read = [
        overview_page(user=platform_admin, filters=replace(filters, page=number), now=NOON).rows
        for number in range(1, first.pages + 1)
    ]
    assert [row for rows in pages_read for row in rows] == expected


@pytest.mark.parametrize("sort", ["state", "-state", "organisation"])
def test_places_lead_through_all_pages_and_back(platform_admin: User, sort: str) -> None:
    _pause_and_age(set_states(overdue=30, late=130, waiting=60, unknown=10))
    filters = OverviewFilters(sort=sort)
    expected = [row.key_id for row in all_rows(platform_admin, filters)]
    found, page = list[int](), overview_page(user=platform_admin, filters=filters, now=NOON)
    for number in range(2, page.pages + 2):
        found += [row.key_id for row in page.rows]
        if number <= page.pages:
            filters = replace(filters, page=number, place=page.place_after)
            page = overview_page(user=platform_admin, filters=filters, now=NOON)
    assert found == expected
    for number in range(page.pages - 1, 0, -1):
        filters = replace(filters, page=number, place=page.place_before)
        page = overview_page(user=platform_admin, filters=filters, now=NOON)
        start = (number - 1) * PAGE_SIZE
        assert [row.key_id for row in page.rows] == expected[start : start + PAGE_SIZE]


def test_the_next_page_repeats_and_skips_no_key_though_states_change_meanwhile(
    platform_admin: User,
) -> None:
    set_states(late=300)
    first = overview_page(user=platform_admin, filters=OverviewFilters(), now=NOON)
    # By the clock all are unknown by now; by a check the first twenty are up to date.
    shown = [row.key_id for row in first.rows]
    SyncStatus.objects.filter(pk__in=shown[:20]).update(state=HealthState.UP_TO_DATE)
    filters = OverviewFilters(page=2, place=first.place_after)
    second = overview_page(user=platform_admin, filters=filters, now=NOON + 20 * M)
    assert first.rows[-1].key_id == shown[-1]
    assert len(second.rows) == PAGE_SIZE
    assert not {row.key_id for row in second.rows} & set(shown)
    by_number = overview_page(user=platform_admin, filters=OverviewFilters(page=2), now=NOON)
    assert {row.key_id for row in by_number.rows} != {row.key_id for row in second.rows}


@pytest.mark.parametrize("fault", ["gone", "old", "future", "no such part"])
def test_a_page_without_its_place_is_the_one_of_its_number(
    platform_admin: User, fault: str
) -> None:
    set_states(late=300)
    first = overview_page(user=platform_admin, filters=OverviewFilters(), now=NOON)
    place = first.place_after
    assert place is not None
    places = {
        "gone": replace(place, key_id=0),
        "old": replace(place, at=NOON - DAY),
        "future": replace(place, at=NOON + DAY),
        "no such part": replace(place, part=77),
    }
    filters = OverviewFilters(page=3, place=places[fault])
    assert (
        overview_page(user=platform_admin, filters=filters, now=NOON).rows
        == pages(platform_admin, 3)[0]
    )


def test_places_of_an_admin_are_none_for_members(operator: User, make_key: MakeKey) -> None:
    key = make_key("One")
    place = ListPlace(at=NOON, part=2 * list(HealthState).index(HealthState.NOT_CHECKED), key_id=1)
    overview = overview_page(user=operator, filters=OverviewFilters(place=place), now=NOON)
    assert [row.key_id for row in overview.rows] == [key.pk]
    assert (overview.place_before, overview.place_after) == (None, None)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("states", [(), (HealthState.UP_TO_DATE,)])
def test_no_page_sorts_or_scans_all_statuses(
    platform_admin: User, sort: str, states: tuple[HealthState, ...]
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by how many rows there are")
    if states and not sort.endswith("state"):
        pytest.skip("keys of some states are sorted by other columns than the state one by one")
    set_states(overdue=3, late=9)
    with CaptureQueriesContext(connection) as statements:
        overview_page(
            user=platform_admin, filters=OverviewFilters(sort=sort, states=states), now=NOON
        )
    (statement,) = [query["sql"] for query in statements if "range0" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        plan = [row[3] for row in cursor.fetchall()]
    ranges = plan[: next(i for i, step in enumerate(plan) if "sync_syncstatus USING" in step)]
    scans = [step for step in ranges if step.startswith("SCAN U0") and "INDEX" not in step]
    assert scans == []
    if sort not in {"-organisation", "last", "-last", "next", "-next", "-tools", "checked",
                    "-checked"}:  # fmt: skip
        # Elsewhere an index has the first column, and what is equal in it is sorted.
        assert not [step for step in ranges if "TEMP B-TREE FOR ORDER BY" in step]


@pytest.mark.postgres
@pytest.mark.parametrize("page", [1, 6, 12])
def test_postgresql_reads_a_page_from_the_index(platform_admin: User, page: int) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("of PostgreSQL")
    set_states(overdue=3, late=9)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sync_syncstatus")
        # Of so few rows it would rather sort all.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL jit = off")
    with CaptureQueriesContext(connection) as statements:
        overview_page(user=platform_admin, filters=OverviewFilters(page=page), now=NOON)
    (statement,) = [query["sql"] for query in statements if "range0" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    # In the order of either no row needs to be sorted; which is cheaper, so few rows do not say.
    assert "sync_state_names" in plan or "sync_names" in plan
    assert "Seq Scan on sync_syncstatus" not in plan
