"""Keys that report the same sync, and keys of one organisation that contradict each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.agreement import Contradiction, disagreements
from freddy_admin.sync.models import KeySync
from freddy_admin.sync.rows import Alike, Figures, Filters, KeyRow
from freddy_admin.sync.selectors import overview_page
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import NOON, MakeKey

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
A, B, C = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def birch(db: None) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)


def report(key: ApiKey, mark: str = A, **changes: Any) -> ApiKey:
    """The key has reported these figures three times, just now."""
    values = {
        "figures_mark": mark,
        "figures_count": 3,
        "state": State.UP_TO_DATE,
        "last_sync_at": NOON - H,
        "observed_at": NOON,
        "checked_at": NOON,
        "unknown_at": NOON + 15 * M,
    }
    KeySync.objects.filter(pk=key.pk).update(**(values | changes))
    return key


def groups(user: User, now: datetime = NOON) -> list[Alike]:
    return overview_page(user=user, filters=Filters(), now=now).alike


def found(user: User, mark: str, now: datetime = NOON) -> set[int]:
    page = overview_page(user=user, filters=Filters(same=mark), now=now)
    assert page.matching == len(page.rows) == sum(page.counts.values())
    return {row.key_id for row in page.rows}


def test_keys_with_equal_figures_in_three_checks_report_the_same(
    make_key: MakeKey, birch: Organisation, platform_admin: User
) -> None:
    keys = [report(make_key("one")), report(make_key("two")), report(make_key("three", at=birch))]
    report(make_key("other"), B)
    report(make_key("none yet"), "")
    report(make_key("neither"), "")
    assert groups(platform_admin) == [Alike(A, 3, 2, ("Alder", "Birch"))]
    assert found(platform_admin, A) == {key.pk for key in keys}


def test_keys_of_one_organisation_name_it_once(make_key: MakeKey, person: User) -> None:
    for label in ("one", "two"):
        report(make_key(label))
    assert groups(person) == [Alike(A, 2, 1, ("Alder",))]


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ((3, ""), (3, ""), True),
        ((3, ""), (2, ""), False),  # by chance, so far
        ((9, B), (3, C), True),
        ((1, B), (1, B), True),  # moved together
        ((1, B), (7, B), True),
        ((1, B), (1, C), False),
        ((1, B), (1, ""), False),
        ((1, ""), (1, ""), False),
    ],
)
def test_equal_figures_prove_it_over_several_checks_or_from_one_sync_to_the_next(
    one: tuple[int, str], two: tuple[int, str], same: bool, make_key: MakeKey, person: User
) -> None:
    for label, (count, before) in (("one", one), ("two", two)):
        report(make_key(label), figures_count=count, figures_before=before)
    assert bool(groups(person)) is same


@pytest.mark.parametrize(
    "changes",
    [
        {"last_sync_at": None},
        {"unknown_at": NOON - S},
        {"unknown_at": None},  # refused, or the key was replaced
        {"state": State.UNKNOWN},
        {"figures_mark": ""},
        {"paused": True},
        {"revoked": True},
    ],
)
def test_a_key_whose_figures_do_not_speak_now_is_no_part_of_it(
    changes: dict[str, Any], make_key: MakeKey, person: User
) -> None:
    well, other = report(make_key("well")), make_key("other")
    if changes.pop("paused", False):
        ApiKey.objects.filter(pk=other.pk).update(paused_at=NOON)
    if changes.pop("revoked", False):
        ApiKey.objects.filter(pk=other.pk).update(status="revoked")
    report(other, **changes)
    assert groups(person) == []
    assert found(person, A) == {well.pk}


def test_it_ends_to_the_second_with_no_worker_running(make_key: MakeKey, person: User) -> None:
    for label in ("one", "two"):
        report(make_key(label))
    assert groups(person, NOON + 15 * M)
    assert groups(person, NOON + 15 * M + S) == []
    assert found(person, A, NOON + 15 * M + S) == set()


def test_keys_of_others_are_neither_counted_nor_named(
    make_key: MakeKey, birch: Organisation, person: User
) -> None:
    report(make_key("mine"))
    foreign = [report(make_key(label, at=birch)) for label in ("Hush", "Hushed")]
    assert groups(person) == []
    mine = report(make_key("mine too"))
    assert groups(person) == [Alike(A, 2, 1, ("Alder",))]
    assert mine.pk in found(person, A)
    assert not found(person, A) & {key.pk for key in foreign}
    for key in foreign:
        report(key, B)
    assert found(person, B) == set()


def test_three_groups_are_told_the_largest_first_and_the_rest_is_counted(
    make_key: MakeKey, person: User, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        for label in range(2 + (number == 3)):
            report(make_key(f"{number} {label}"), f"{number:016x}")
    with django_assert_num_queries(3):
        page = overview_page(user=person, filters=Filters(), now=NOON)
    assert [(one.mark[-1], one.keys) for one in page.alike] == [("3", 3), ("0", 2), ("1", 2)]
    assert page.more_alike == 2


# What keys of one organisation say, without a database.


def row(label: str, last: timedelta | None = -H, **more: Any) -> KeyRow:
    """A key that saw a sync `last` from noon and was looked at just now."""
    seen = more.pop("observed_at", NOON)
    figures = Figures(
        total_tools=more.pop("tools", 42),
        enabled_tools=more.pop("enabled", 7),
        last_sync_at=None if last is None else NOON + last,
        next_sync_at=None,
        sync_interval_hours=more.pop("hours", 4),
        incremental_sync_enabled=False,
    )
    values = dict.fromkeys(KeyRow.__dataclass_fields__, None) | {
        "now": NOON,
        "key_label": label,
        "figures": figures,
        "figures_are_former": False,
        "observed_at": seen,
        "unknown_at": seen + 15 * M,
        "reported_organization_id": "",
    }
    return KeyRow(**(values | more))  # type: ignore[arg-type]


def told(*rows: KeyRow) -> dict[Contradiction, dict[Any, tuple[str, ...]]]:
    return {one.about: dict(one.versions) for one in disagreements(rows)}


def test_keys_that_answer_for_different_organisations_contradict_each_other() -> None:
    one, two = (
        row("A", reported_organization_id="org_1"),
        row("B", reported_organization_id="org_2"),
    )
    assert told(one, two, row("C")) == {
        Contradiction.ORGANIZATION_ID: {"org_1": ("A",), "org_2": ("B",)}
    }
    assert told(one, row("C")) == {}


def test_what_most_keys_say_comes_first() -> None:
    rows = [row("A", tools=7), row("B"), row("D"), row("C")]
    (found_one,) = disagreements(rows)
    assert found_one.versions == ((42, ("B", "C", "D")), (7, ("A",)))


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"tools": 40}, Contradiction.TOTAL_TOOLS),
        ({"hours": 0}, Contradiction.INTERVAL),
        ({"last": -2 * H}, Contradiction.LAST_SYNC),
        ({"last": None}, Contradiction.LAST_SYNC),
        ({"enabled": 3}, None),
    ],
)
def test_each_figure_that_cannot_be_both_is_told(
    changes: dict[str, Any], about: Contradiction | None
) -> None:
    assert set(told(row("A"), row("B", **changes))) == ({about} if about else set())


@pytest.mark.parametrize(
    "changes",
    [
        {"figures": None, "observed_at": NOON},
        {"figures_are_former": True},
        {"unknown_at": NOON - S},
        {"unknown_at": None},
        {"paused_at": NOON},
    ],
)
def test_what_does_not_hold_any_more_contradicts_nobody(changes: dict[str, Any]) -> None:
    assert told(row("A"), row("B", tools=1, **changes)) == {}


@pytest.mark.parametrize(
    ("looked", "clash"),
    [(-10 * M, False), (-5 * M, False), (-5 * M + S, True), (timedelta(), True)],
)
def test_who_saw_the_older_sync_must_have_looked_since(looked: timedelta, clash: bool) -> None:
    newer = row("A", last=-10 * M, tools=43)
    older = row("B", last=-H, observed_at=NOON + looked)
    expected = {Contradiction.LAST_SYNC, Contradiction.TOTAL_TOOLS} if clash else set()
    assert set(told(newer, older)) == expected
    assert set(told(older, newer)) == expected


def test_the_latest_look_of_those_who_say_the_same_counts() -> None:
    newer, early = row("A", last=-10 * M), row("B", observed_at=NOON - 10 * M)
    assert told(newer, early) == {}
    assert told(newer, early, row("C")) == {
        Contradiction.LAST_SYNC: {NOON - H: ("B", "C"), NOON - 10 * M: ("A",)}
    }


looks = st.integers(min_value=-3600, max_value=0).map(
    lambda seconds: NOON + timedelta(seconds=seconds)
)


@given(
    last=st.none() | st.integers(min_value=-9999, max_value=9999).map(lambda n: n * M),
    looked=st.lists(looks, max_size=6),
    figure=st.integers(min_value=0, max_value=10**9),
    reported=st.sampled_from(["", "org_1"]),
)
def test_equal_figures_are_never_a_disagreement(
    last: timedelta | None, looked: list[datetime], figure: int, reported: str
) -> None:
    rows = [
        row(
            str(number),
            last=last,
            tools=figure,
            hours=figure,
            observed_at=at,
            reported_organization_id=reported if number else "",
        )
        for number, at in enumerate(looked)
    ]
    assert disagreements(rows) == []


def test_five_hundred_different_keys_take_no_time() -> None:
    rows = [row(str(number), last=-number * M) for number in range(500)]
    assert set(told(*rows)) == {Contradiction.LAST_SYNC}


def test_a_stored_row_says_what_it_says(make_key: MakeKey, person: User) -> None:
    report(make_key("one"), total_tools=1, enabled_tools=1, sync_interval_hours=4)
    report(make_key("two"), total_tools=2, enabled_tools=1, sync_interval_hours=4)
    rows = overview_page(user=person, filters=Filters(), now=NOON).rows
    assert told(*rows) == {Contradiction.TOTAL_TOOLS: {1: ("one",), 2: ("two",)}}
