"""Keys that report the same sync, and keys of one organisation that contradict each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.models import SyncStatus
from freddy_admin.sync.status.aggregates import SharedSyncGroup
from freddy_admin.sync.status.disagreements import DisagreementKind, key_disagreements
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.rows import KeyRow, SyncFigures
from freddy_admin.sync.status.selectors import overview_page
from freddy_admin.sync.status.shared_figures import shared_figures_refresh
from freddy_admin.vault.models import ApiKey
from tests.drill_scale import RUN_FULL_DRILLS
from tests.sync.conftest import NOON, MakeKey

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
A, B, C = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def birch(db: None) -> Organisation:
    return Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)


def report(key: ApiKey, digest: str = A, **changes: Any) -> ApiKey:
    """The key has reported these figures three times, just now."""
    values = {
        "figures_digest": digest,
        "figures_check_count": 3,
        "state": HealthState.UP_TO_DATE,
        "last_sync_at": NOON - H,
        "observed_at": NOON,
        "checked_at": NOON,
        "unknown_at": NOON + 15 * M,
    }
    SyncStatus.objects.filter(pk=key.pk).update(**(values | changes))
    return key


def shared_sync_groups(user: User, now: datetime = NOON) -> list[SharedSyncGroup]:
    """What the worker has just counted, as this user reads it."""
    shared_figures_refresh(now=now)
    return shared_sync_groups_as_counted(user, now)


def shared_sync_groups_as_counted(user: User, now: datetime) -> list[SharedSyncGroup]:
    return overview_page(user=user, filters=OverviewFilters(), now=now).shared_sync_groups


def key_ids_with_digest(user: User, digest: str, now: datetime = NOON) -> set[int]:
    page = overview_page(user=user, filters=OverviewFilters(figures_digest=digest), now=now)
    assert page.matching == len(page.rows) == sum(page.counts.values())
    return {make_row.key_id for make_row in page.rows}


def test_keys_with_equal_figures_in_three_checks_report_the_same(
    make_key: MakeKey, birch: Organisation, platform_admin: User
) -> None:
    keys = [report(make_key("one")), report(make_key("two")), report(make_key("three", at=birch))]
    report(make_key("other"), B)
    report(make_key("none yet"), "")
    report(make_key("neither"), "")
    assert shared_sync_groups(platform_admin) == [SharedSyncGroup(A, 3, 2, ("Alder", "Birch"))]
    assert key_ids_with_digest(platform_admin, A) == {key.pk for key in keys}


def test_a_group_of_one_organisation_names_it_once(make_key: MakeKey, operator: User) -> None:
    for label in ("one", "two"):
        report(make_key(label))
    assert shared_sync_groups(operator) == [SharedSyncGroup(A, 2, 1, ("Alder",))]


@pytest.mark.parametrize(
    ("first", "second", "is_shared"),
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
def test_equal_figures_prove_a_shared_sync_over_several_checks_or_from_one_sync_to_the_next(
    first: tuple[int, str],
    second: tuple[int, str],
    is_shared: bool,
    make_key: MakeKey,
    operator: User,
) -> None:
    for label, (count, previous_digest) in (("one", first), ("two", second)):
        report(make_key(label), figures_check_count=count, previous_figures_digest=previous_digest)
    assert bool(shared_sync_groups(operator)) is is_shared


@pytest.mark.parametrize(
    "changes",
    [
        {"last_sync_at": None},
        {"unknown_at": NOON - S},
        {"unknown_at": None},  # refused, or the key was replaced
        {"state": HealthState.UNKNOWN},
        {"figures_digest": ""},
        {"paused": True},
        {"revoked": True},
    ],
)
def test_a_key_without_current_figures_is_in_no_group(
    changes: dict[str, Any], make_key: MakeKey, operator: User
) -> None:
    current_key, changed_key = report(make_key("well")), make_key("other")
    if changes.pop("paused", False):
        ApiKey.objects.filter(pk=changed_key.pk).update(paused_at=NOON)
    if changes.pop("revoked", False):
        ApiKey.objects.filter(pk=changed_key.pk).update(status="revoked")
    report(changed_key, **changes)
    assert shared_sync_groups(operator) == []
    assert key_ids_with_digest(operator, A) == {current_key.pk}


def test_a_group_ends_to_the_second_with_no_worker_running(
    make_key: MakeKey, operator: User
) -> None:
    for label in ("one", "two"):
        report(make_key(label))
    assert shared_sync_groups(operator)
    assert shared_sync_groups_as_counted(operator, NOON + 15 * M)
    assert shared_sync_groups_as_counted(operator, NOON + 15 * M + S) == []
    assert key_ids_with_digest(operator, A, NOON + 15 * M + S) == set()


def test_keys_of_others_are_neither_counted_nor_named(
    make_key: MakeKey, birch: Organisation, operator: User
) -> None:
    report(make_key("mine"))
    foreign_keys = [report(make_key(label, at=birch)) for label in ("Hush", "Hushed")]
    assert shared_sync_groups(operator) == []
    own_key = report(make_key("mine too"))
    assert shared_sync_groups(operator) == [SharedSyncGroup(A, 2, 1, ("Alder",))]
    assert own_key.pk in key_ids_with_digest(operator, A)
    assert not key_ids_with_digest(operator, A) & {key.pk for key in foreign_keys}
    for key in foreign_keys:
        report(key, B)
    assert key_ids_with_digest(operator, B) == set()


def test_three_groups_are_listed_the_largest_first_and_the_rest_is_counted(
    make_key: MakeKey, operator: User, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        for label in range(2 + (number == 3)):
            report(make_key(f"{number} {label}"), f"{number:016x}")
    shared_figures_refresh(now=NOON)
    with django_assert_num_queries(3):
        page = overview_page(user=operator, filters=OverviewFilters(), now=NOON)
    assert [(group.figures_digest[-1], group.keys) for group in page.shared_sync_groups] == [
        ("3", 3),
        ("0", 2),
        ("1", 2),
    ]
    assert page.more_shared_sync_groups == 2


def test_a_group_loses_the_key_that_stops_answering_and_stays(
    make_key: MakeKey, operator: User, platform_admin: User
) -> None:
    for label in ("one", "two", "silent"):
        report(make_key(label))
    assert [group.keys for group in shared_sync_groups(operator)] == [3]
    others = SyncStatus.objects.exclude(key__label="silent")
    others.update(unknown_at=NOON + 29 * M)
    for user in (operator, platform_admin):
        assert [group.keys for group in shared_sync_groups(user, NOON + 14 * M)] == [2]
        assert shared_sync_groups_as_counted(user, NOON + 16 * M)


def test_the_least_key_of_all_organisations_decides_what_a_member_of_two_is_told(
    make_key: MakeKey, birch: Organisation, operator: User
) -> None:
    birch.memberships.create(user=operator, role="viewer")  # type: ignore[attr-defined]
    report(make_key("one"))
    young = report(make_key("two", at=birch), figures_check_count=2)
    assert shared_sync_groups(operator) == []
    report(young, figures_check_count=3)
    assert shared_sync_groups(operator) == [SharedSyncGroup(A, 2, 2, ("Alder", "Birch"))]
    young.delete()
    assert shared_sync_groups(operator) == []


REPORTS = st.tuples(
    st.sampled_from(["Alder", "Birch"]),
    st.sampled_from([A, B, ""]),
    st.integers(min_value=1, max_value=4),
    st.sampled_from([A, C, ""]),
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.drill
@settings(max_examples=25 if RUN_FULL_DRILLS else 8, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(rounds=st.lists(st.lists(REPORTS, min_size=6, max_size=6), min_size=1, max_size=3))
def test_what_the_worker_keeps_is_what_counting_anew_gives(
    rounds: list[list[tuple[str, str, int, str]]],
    make_key: MakeKey,
    birch: Organisation,
    operator: User,
    platform_admin: User,
) -> None:
    keys = {
        (name, number): ApiKey.objects.filter(label=f"{name} {number}").first()
        or make_key(f"{name} {number}", at=at)
        for name, at in (("Alder", operator.memberships.get().organisation), ("Birch", birch))  # type: ignore[attr-defined]
        for number in range(6)
    }
    for reports in rounds:
        SyncStatus.objects.update(figures_digest="")
        for number, (name, digest, count, previous) in enumerate(reports):
            report(keys[name, number], digest, figures_check_count=count,
                   previous_figures_digest=previous)  # fmt: skip
        for user, names in ((operator, {"Alder"}), (platform_admin, {"Alder", "Birch"})):
            expected = {}
            for digest in (A, B):
                group = [r for r in reports if r[0] in names and r[1] == digest]
                previous_digests = {r[3] for r in group}
                is_proven = all(r[2] >= 3 for r in group) or (
                    len(previous_digests) == 1 and previous_digests != {""}
                )
                if len(group) > 1 and is_proven:
                    expected[digest] = (len(group), len({r[0] for r in group}))
            assert expected == {
                group.figures_digest: (group.keys, group.organisations)
                for group in shared_sync_groups(user)
            }


# Disagreements of keys of one organisation, without a database.


def make_row(label: str, last_sync_span: timedelta | None = -H, **changes: Any) -> KeyRow:
    """A key that reports a sync `last_sync_span` from noon, checked just now."""
    observed_at = changes.pop("observed_at", NOON)
    figures = SyncFigures(
        total_tools=changes.pop("tools", 42),
        enabled_tools=changes.pop("enabled", 7),
        last_sync_at=None if last_sync_span is None else NOON + last_sync_span,
        next_sync_at=None,
        sync_interval_hours=changes.pop("hours", 4),
        incremental_sync_enabled=False,
    )
    values = dict.fromkeys(KeyRow.__dataclass_fields__, None) | {
        "now": NOON,
        "key_label": label,
        "figures": figures,
        "figures_are_former": False,
        "observed_at": observed_at,
        "unknown_at": observed_at + 15 * M,
        "reported_organization_id": "",
    }
    return KeyRow(**(values | changes))  # type: ignore[arg-type]


def disagreements(*rows: KeyRow) -> dict[DisagreementKind, dict[Any, tuple[str, ...]]]:
    return {
        disagreement.kind: dict(disagreement.labels_by_value)
        for disagreement in key_disagreements(rows)
    }


def test_keys_that_answer_for_different_organisations_contradict_each_other() -> None:
    first = make_row("A", reported_organization_id="org_1")
    second = make_row("B", reported_organization_id="org_2")
    assert disagreements(first, second, make_row("C")) == {
        DisagreementKind.ORGANIZATION_ID: {"org_1": ("A",), "org_2": ("B",)}
    }
    assert disagreements(first, make_row("C")) == {}


def test_the_value_that_most_keys_report_comes_first() -> None:
    rows = [make_row("A", tools=7), make_row("B"), make_row("D"), make_row("C")]
    (disagreement,) = key_disagreements(rows)
    assert disagreement.labels_by_value == ((42, ("B", "C", "D")), (7, ("A",)))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"tools": 40}, DisagreementKind.TOTAL_TOOLS),
        ({"hours": 0}, DisagreementKind.INTERVAL),
        ({"last_sync_span": -2 * H}, DisagreementKind.LAST_SYNC),
        ({"last_sync_span": None}, DisagreementKind.LAST_SYNC),
        ({"enabled": 3}, None),
    ],
)
def test_each_figure_that_differs_is_a_disagreement(
    changes: dict[str, Any], kind: DisagreementKind | None
) -> None:
    assert set(disagreements(make_row("A"), make_row("B", **changes))) == (
        {kind} if kind else set()
    )


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
def test_figures_that_are_not_current_contradict_no_key(changes: dict[str, Any]) -> None:
    assert disagreements(make_row("A"), make_row("B", tools=1, **changes)) == {}


@pytest.mark.parametrize(
    ("observed_span", "is_comparable"),
    [(-10 * M, False), (-5 * M, False), (-5 * M + S, True), (timedelta(), True)],
)
def test_a_key_with_the_older_sync_must_have_been_checked_since_the_newer_one(
    observed_span: timedelta, is_comparable: bool
) -> None:
    newer = make_row("A", last_sync_span=-10 * M, tools=43)
    older = make_row("B", last_sync_span=-H, observed_at=NOON + observed_span)
    expected = (
        {DisagreementKind.LAST_SYNC, DisagreementKind.TOTAL_TOOLS} if is_comparable else set()
    )
    assert set(disagreements(newer, older)) == expected
    assert set(disagreements(older, newer)) == expected


def test_the_latest_check_of_keys_with_equal_reports_counts() -> None:
    newer, older = make_row("A", last_sync_span=-10 * M), make_row("B", observed_at=NOON - 10 * M)
    assert disagreements(newer, older) == {}
    assert disagreements(newer, older, make_row("C")) == {
        DisagreementKind.LAST_SYNC: {NOON - H: ("B", "C"), NOON - 10 * M: ("A",)}
    }


observed_moments = st.integers(min_value=-3600, max_value=0).map(
    lambda seconds: NOON + timedelta(seconds=seconds)
)


@given(
    last_sync_span=st.none() | st.integers(min_value=-9999, max_value=9999).map(lambda n: n * M),
    moments=st.lists(observed_moments, max_size=6),
    figure=st.integers(min_value=0, max_value=10**9),
    reported=st.sampled_from(["", "org_1"]),
)
def test_equal_figures_are_never_a_disagreement(
    last_sync_span: timedelta | None, moments: list[datetime], figure: int, reported: str
) -> None:
    rows = [
        make_row(
            str(number),
            last_sync_span=last_sync_span,
            tools=figure,
            hours=figure,
            observed_at=moment,
            reported_organization_id=reported if number else "",
        )
        for number, moment in enumerate(moments)
    ]
    assert key_disagreements(rows) == []


def test_five_hundred_different_keys_take_no_time() -> None:
    rows = [make_row(str(number), last_sync_span=-number * M) for number in range(500)]
    assert set(disagreements(*rows)) == {DisagreementKind.LAST_SYNC}


def test_rows_from_the_database_disagree_too(make_key: MakeKey, operator: User) -> None:
    report(make_key("one"), total_tools=1, enabled_tools=1, sync_interval_hours=4)
    report(make_key("two"), total_tools=2, enabled_tools=1, sync_interval_hours=4)
    rows = overview_page(user=operator, filters=OverviewFilters(), now=NOON).rows
    assert disagreements(*rows) == {DisagreementKind.TOTAL_TOOLS: {1: ("one",), 2: ("two",)}}
