"""A page of many keys is taken from a part of them, and is the page that sorting all gives."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync import reach as reaching
from freddy_admin.sync import selectors
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.reach import Reach, reach_of
from freddy_admin.sync.rows import Filters, KeyRow
from freddy_admin.sync.selectors import PAGE_SIZE, overview_page, overview_rows
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON

DAY, M = timedelta(days=1), timedelta(minutes=1)
KEYS = 600


def fleet(states: Sequence[State], *, per_organisation: int = 2) -> list[KeySync]:
    """Keys in these states, over organisations whose names have nothing to do with their age."""
    places = Organisation.objects.bulk_create(
        Organisation(name=f"{number * 7919 % 1009:04}", slug=f"o{number}")
        for number in range(-(-len(states) // per_organisation))
    )
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=places[number // per_organisation], label=f"{number % 3}",
               created_at=NOON, fingerprint=str(number))
        for number in range(len(states))
    )  # fmt: skip
    return KeySync.objects.bulk_create(
        KeySync(key=key, organisation_id=key.organisation_id, state=state, state_since=NOON,
                next_check_at=NOON, updated_at=NOON, unknown_at=NOON + 15 * M)
        for key, state in zip(keys, states, strict=True)
    )  # fmt: skip


def mixed(**numbers: int) -> list[State]:
    rest = [State.UP_TO_DATE] * (KEYS - sum(numbers.values()))
    return [State(name) for name, number in numbers.items() for _ in range(number)] + rest


@pytest.fixture
def sorted_whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often a page was sorted from all keys."""
    whole: list[int] = []
    page_rows = selectors._page_rows

    def noted(**asked: object) -> object:
        whole.append(1)
        return page_rows(**asked)  # type: ignore[arg-type]

    monkeypatch.setattr(selectors, "_page_rows", noted)
    return whole


def pages(user: User, *numbers: int) -> list[list[KeyRow]]:
    return [
        overview_page(user=user, filters=Filters(page=number), now=NOON).rows for number in numbers
    ]


def all_rows(user: User) -> list[KeyRow]:
    return list(overview_rows(user=user, filters=Filters(), now=NOON))


@pytest.mark.parametrize(
    "numbers",
    [{}, {"overdue": 3, "late": 9}, {"overdue": 200}, {"key_rejected": 49, "late": 1},
     {"key_rejected": 2, "unknown": 5, "no_schedule": 4}, {"unknown": 300}],
)  # fmt: skip
def test_the_first_page_is_that_of_all_keys_without_sorting_them(
    platform_admin: User, sorted_whole: list[int], numbers: dict[str, int]
) -> None:
    fleet(mixed(**numbers))
    assert pages(platform_admin, 1)[0] == all_rows(platform_admin)[:PAGE_SIZE]
    assert sorted_whole == []


def test_every_page_is_that_of_all_keys(platform_admin: User) -> None:
    rows = fleet(mixed(overdue=30, late=130, waiting=60, unknown=10))
    _odd(rows)
    every = all_rows(platform_admin)
    found = [row for page in pages(platform_admin, *range(1, 13)) for row in page]
    assert [row.key_id for row in found] == [row.key_id for row in every]
    assert found == every


def _odd(rows: list[KeySync]) -> None:
    """Some paused, some unknown by the clock, some that expire, in every state."""
    for row in rows[::7]:
        row.unknown_at = NOON - M
    KeySync.objects.bulk_update(rows[::7], ["unknown_at"])
    numbers = [row.pk for row in rows]
    ApiKey.objects.filter(pk__in=numbers[::11]).update(paused_at=NOON)
    ApiKey.objects.filter(pk__in=numbers[::13]).update(expires_on=NOON.date() + 3 * DAY)


@pytest.mark.parametrize("expiring", [5, 60])
def test_what_expires_within_days_stands_where_it_belongs(
    platform_admin: User, sorted_whole: list[int], expiring: int
) -> None:
    rows = fleet(mixed(overdue=20, late=10))
    soon = [row.pk for row in rows[-expiring:]]
    ApiKey.objects.filter(pk__in=soon).update(expires_on=NOON.date() + 3 * DAY)
    page = pages(platform_admin, 1)[0]
    assert page == all_rows(platform_admin)[:PAGE_SIZE]
    assert sum(row.expires_urgently for row in page) == min(expiring, 30)
    assert sorted_whole == []


def test_where_the_guess_was_wrong_all_are_sorted(
    platform_admin: User, sorted_whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first organisations by name have nothing of what most have.
    monkeypatch.setattr(reaching, "_organisations", lambda *_: 8)
    fleet(mixed())
    assert pages(platform_admin, 1)[0] == all_rows(platform_admin)[:PAGE_SIZE]
    assert sorted_whole == [1]


def test_what_became_unknown_by_the_clock_hides_no_line_before_it(platform_admin: User) -> None:
    # By name: first keys that are well, then unknown ones, then some that were overdue and aged.
    fleet(mixed(), per_organisation=1)
    rows = list(KeySync.objects.order_by("organisation__name"))
    for row in rows[135:]:
        row.state = State.UNKNOWN
    for row in rows[-65:]:
        row.state = State.OVERDUE
    for row in rows[-60:]:
        row.unknown_at = NOON - M
    KeySync.objects.bulk_update(rows, ["state", "unknown_at"], batch_size=200)
    assert pages(platform_admin, 1)[0] == all_rows(platform_admin)[:PAGE_SIZE]


def test_how_far_a_page_reaches() -> None:
    counts = {State.OVERDUE: 10, State.LATE: 30, State.UP_TO_DATE: 9_960}
    two = (State.OVERDUE, State.LATE)
    assert reach_of(counts, urgent=0, until=10) == Reach((), State.OVERDUE, 0, urgent=False)
    assert reach_of(counts, urgent=0, until=50) == Reach(two, State.UP_TO_DATE, 32, urgent=False)
    assert reach_of(counts, urgent=9, until=50) == Reach(two, State.UP_TO_DATE, 32, urgent=True)
    assert reach_of(counts, urgent=9, until=9_990) == Reach(two, State.UP_TO_DATE, 0, urgent=True)
    assert reach_of({State.LATE: 499}, urgent=0, until=50) is None
    assert reach_of({State.PAUSED: 900}, urgent=0, until=50) is None


def test_deeper_pages_reach_further() -> None:
    counts = {State.OVERDUE: 10, State.UP_TO_DATE: 99_990}
    reaches = [reach_of(counts, urgent=0, until=until) for until in (50, 500, 5_000)]
    numbers = [reach.organisations for reach in reaches if reach]
    assert len(numbers) == 3
    assert all(near < far for near, far in pairwise(numbers))
