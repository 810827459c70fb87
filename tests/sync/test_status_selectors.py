"""What the overview, the organisation page and the exports read."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission, Role
from freddy_admin.sync.checks.apply import health_facts_from_row
from freddy_admin.sync.checks.policy import check_policy
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.health_states import STATES_WORST_FIRST, HealthState
from freddy_admin.sync.models import SyncStatus, WorkerHeartbeat
from freddy_admin.sync.status.names import status_names_write
from freddy_admin.sync.status.observation_cache import observation_cache_key
from freddy_admin.sync.status.organisation_rows import key_row, organisation_key_rows
from freddy_admin.sync.status.outage import shared_outage_get
from freddy_admin.sync.status.queries import OverviewFilters
from freddy_admin.sync.status.selectors import (
    PAGE_SIZE,
    overview_key_rows,
    overview_page,
    overview_with_filter_options,
)
from freddy_admin.vault.models import ApiKey, KeyTag
from tests.sync.conftest import (
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    keys_create,
    lease_key,
    make_figures,
    refused_result,
    sync_status_of,
)
from tests.sync.whole_health_rule import assess_health

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def record_results(key: ApiKey, *results: Any) -> ApiKey:
    for result in results:
        lease_key(key)
        check_results_record([result])
    return key


@pytest.fixture
def key_in_every_state(organisation: Organisation) -> dict[HealthState, ApiKey]:
    """A key in each of the states, as at noon."""
    created = keys_create([state.value for state in STATES_WORST_FIRST], at=organisation)
    keys = dict(zip(STATES_WORST_FIRST, created, strict=True))
    refusals = [
        refused_result(keys[HealthState.KEY_REJECTED]),
        refused_result(keys[HealthState.KEY_NOT_PERMITTED], 403),
    ]
    figures_by_state = {
        HealthState.OVERDUE: make_figures(NOON - 9 * H, NOON - 5 * H),
        HealthState.NEVER_SYNCED: make_figures(None, NOON - H, 0),
        HealthState.LATE: make_figures(NOON - 4 * H, NOON),
        HealthState.NO_SCHEDULE: make_figures(NOON - H, None, 0),
        HealthState.WAITING: make_figures(None, NOON + H),
        HealthState.UP_TO_DATE: make_figures(NOON - H, NOON + 3 * H),
        HealthState.PAUSED: make_figures(NOON - H, NOON + 3 * H),
    }
    for key in created:
        lease_key(key)
    check_results_record(
        [
            failed_result(keys[HealthState.KEY_UNREADABLE], "key_unreadable"),
            failed_result(keys[HealthState.UNKNOWN]),
            *refusals,
            *(good_result(keys[state], figures) for state, figures in figures_by_state.items()),
        ]
    )
    lease_key(keys[HealthState.KEY_REJECTED])
    lease_key(keys[HealthState.KEY_NOT_PERMITTED])
    check_results_record(refusals)
    ApiKey.objects.filter(pk=keys[HealthState.PAUSED].pk).update(
        paused_at=NOON - M, paused_by="Ana"
    )
    return keys


def read_overview(user: User, now: Any = NOON, **filters: Any) -> Any:
    return overview_page(user=user, filters=OverviewFilters(**filters), now=now)


def test_every_state_is_counted_and_listed_worst_first(
    key_in_every_state: dict[HealthState, ApiKey], operator: User
) -> None:
    overview = read_overview(operator)
    assert overview.counts == dict.fromkeys(STATES_WORST_FIRST, 1)
    assert [row.state for row in overview.rows] == list(STATES_WORST_FIRST)
    assert (overview.total, overview.matching) == (12, 12)
    # An operator starts two syncs; three keys wait for a manager.
    assert (overview.own_move_count, overview.others_move_count_matching) == (2, 3)


@pytest.mark.parametrize("span", [timedelta(), 15 * M, 15 * M + S, 400 * M])
def test_sql_and_the_pure_rule_agree_at_every_moment(
    key_in_every_state: dict[HealthState, ApiKey], operator: User, span: timedelta
) -> None:
    now = NOON + span
    for row in overview_key_rows(user=operator, filters=OverviewFilters(), now=now):
        stored_row = SyncStatus.objects.select_related("key").get(pk=row.key_id)
        facts = health_facts_from_row(stored_row, stored_row.key, check_policy())
        verdict = assess_health(facts, now=now, paused_at=stored_row.key.paused_at)
        assert row.state == verdict.state, stored_row.key.label
    counts = read_overview(operator, now).counts
    assert sum(counts.values()) == 12
    for state in STATES_WORST_FIRST:
        assert read_overview(operator, now, states=(state,)).matching == counts.get(state, 0)


def test_a_key_becomes_unknown_to_the_second_with_no_worker_running(
    key: ApiKey, operator: User
) -> None:
    record_results(key, good_result(key))
    assert read_overview(operator, NOON + 15 * M).rows[0].state == HealthState.UP_TO_DATE
    row = read_overview(operator, NOON + 15 * M + S).rows[0]
    assert (row.state, row.state_since) == (HealthState.UNKNOWN, NOON + 15 * M)
    assert row.last_known_state == HealthState.UP_TO_DATE


def test_a_person_sees_their_own_organisations_alone(
    key: ApiKey, make_key: MakeKey, operator: User, platform_admin: User
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    foreign = make_key("Foreign", at=birch)
    overview = read_overview(operator)
    assert [row.key_id for row in overview.rows] == [key.pk]
    assert overview.total == 1
    assert read_overview(operator, q="Birch").matching == 0
    assert {
        row.key_id for row in overview_key_rows(user=operator, filters=OverviewFilters(), now=NOON)
    } == {key.pk}
    assert organisation_key_rows(user=operator, organisation=birch, now=NOON) == []
    with pytest.raises(NotFound):
        key_row(user=operator, organisation=birch, key_id=foreign.pk, now=NOON)
    assert read_overview(platform_admin).total == 2


def test_a_key_of_another_organisation_is_not_found_under_this_one(
    key: ApiKey, make_key: MakeKey, platform_admin: User, organisation: Organisation
) -> None:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    foreign = make_key("Foreign", at=birch)
    with pytest.raises(NotFound):
        key_row(user=platform_admin, organisation=organisation, key_id=foreign.pk, now=NOON)


def test_a_row_holds_the_permissions_of_its_user(
    key: ApiKey, operator: User, platform_admin: User
) -> None:
    assert read_overview(operator).rows[0].permissions == ROLE_PERMISSIONS[Role.OPERATOR]
    Membership.objects.update(role=Role.VIEWER)
    assert read_overview(operator).rows[0].permissions == {Permission.VIEW}
    assert read_overview(platform_admin).rows[0].permissions == frozenset(Permission)


def test_search_tags_owners_and_states_narrow_the_list_and_its_counts(
    make_key: MakeKey, operator: User, organisation: Organisation
) -> None:
    sales, support = make_key("Sales"), make_key("Support")
    tag = KeyTag.objects.create(organisation=organisation, name="pilot")
    sales.tags.add(tag)
    support.owner, support.organization_id = operator, "org_77"
    support.save()
    record_results(sales, good_result(sales))

    def found_ids(**filters: Any) -> set[int]:
        return {row.key_id for row in read_overview(operator, **filters).rows}

    assert found_ids(q="alder sal") == {sales.pk}
    assert found_ids(q="ORG_77") == {support.pk}
    assert found_ids(q="%") == set()
    assert found_ids(tag="pilot") == {sales.pk}
    assert found_ids(owner=operator.pk) == {support.pk}
    assert found_ids(states=(HealthState.UP_TO_DATE,)) == {sales.pk}
    overview = read_overview(operator, tag="pilot")
    assert (overview.counts, overview.total) == ({HealthState.UP_TO_DATE: 1}, 2)
    assert (overview.tags, overview.owners) == ([], [])
    with_options = overview_with_filter_options(user=operator, overview=overview)
    assert with_options.tags == ["pilot"]
    assert with_options.owners == [(operator.pk, "Operator")]


@pytest.mark.parametrize("sort", ["state", "organisation", "last", "next", "tools", "checked"])
def test_every_sort_goes_both_ways_and_nonsense_is_ignored(
    key_in_every_state: dict[HealthState, ApiKey], operator: User, sort: str
) -> None:
    assert len(read_overview(operator, sort=sort).rows) == 12
    assert len(read_overview(operator, sort=f"-{sort}").rows) == 12
    overview = read_overview(operator, sort="key__ciphertext")
    assert [row.state for row in overview.rows] == list(STATES_WORST_FIRST)


def test_pages_hold_fifty_and_a_page_too_far_is_the_last(
    organisation: Organisation, operator: User
) -> None:
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisation, label=f"{number:03}", created_at=NOON,
               fingerprint=str(number))
        for number in range(PAGE_SIZE + 1)
    )  # fmt: skip
    SyncStatus.objects.bulk_create(
        SyncStatus(key=key, organisation=organisation, state_since=NOON, next_check_at=NOON,
                updated_at=NOON)
        for key in keys
    )  # fmt: skip
    status_names_write(key_ids=[key.pk for key in keys])
    first_page, last_page = read_overview(operator), read_overview(operator, page=99)
    assert (len(first_page.rows), first_page.pages, first_page.matching) == (
        PAGE_SIZE,
        2,
        PAGE_SIZE + 1,
    )
    assert (len(last_page.rows), last_page.page) == (1, 2)
    assert first_page.rows[0].keys_in_organisation == PAGE_SIZE + 1


def test_the_overview_takes_three_queries_however_many_keys_there_are(
    key_in_every_state: dict[HealthState, ApiKey], operator: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        read_overview(operator, q="a", tag="x", states=(HealthState.OVERDUE,))


def test_organisations_without_a_key_are_named(organisation: Organisation, operator: User) -> None:
    overview = read_overview(operator)
    assert (overview.rows, overview.total) == ([], 0)
    assert overview.empty_organisations == [("Alder", "alder")]


def test_the_detail_of_a_key_comes_from_the_cache_and_is_never_stale_after_a_check(
    key: ApiKey, operator: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    def detail() -> Any:
        return key_row(user=operator, organisation=organisation, key_id=key.pk, now=clock.now())

    assert detail().state == HealthState.NOT_CHECKED
    record_results(key, good_result(key))
    assert detail().state == HealthState.UP_TO_DATE
    SyncStatus.objects.filter(pk=key.pk).update(total_tools=1)  # behind the service's back
    assert detail().figures.total_tools == 42
    hand_clock.advance(minutes=1)
    record_results(key, good_result(key))
    assert (
        detail()
        == organisation_key_rows(user=operator, organisation=organisation, now=clock.now())[0]
    )
    assert sync_status_of(key).total_tools == 42


def fail_all(keys: list[ApiKey], kind: str) -> None:
    for key in keys:
        record_results(key, failed_result(key, kind))


@pytest.mark.parametrize(
    ("kinds", "outage"),
    [
        (["read_timeout", "total_timeout", "read_timeout"], "timed_out"),
        (["connection_refused", "name_not_found", "tls"], "no_connection"),
        (["server_error"] * 3, "server_error"),
        (["firewall"] * 3, "firewall"),
        (["firewall"] * 2, None),  # fewer than three
        (["firewall", "firewall", "server_error"], None),  # not the same
        (["unreadable_answer"] * 3, None),  # the key's own
    ],
)
def test_a_failure_that_half_of_the_keys_share_is_an_outage(
    make_key: MakeKey, operator: User, kinds: list[str], outage: str | None
) -> None:
    for number, kind in enumerate(kinds):
        key = make_key(str(number))
        record_results(key, failed_result(key, kind))
    make_key("well")
    assert read_overview(operator).outage == outage


def test_an_outage_is_half_of_the_unpaused_keys_in_the_last_period(
    make_key: MakeKey, operator: User
) -> None:
    fail_all([make_key(str(number)) for number in range(3)], "read_timeout")
    well_keys = [make_key(f"well {number}") for number in range(4)]
    assert read_overview(operator).outage is None
    ApiKey.objects.filter(pk=well_keys[0].pk).update(paused_at=NOON)
    assert read_overview(operator).outage == "timed_out"
    assert read_overview(operator, NOON + 5 * M).outage == "timed_out"
    assert read_overview(operator, NOON + 5 * M + S).outage is None


@pytest.mark.parametrize("reason", ["keeps failing", "budget"])
def test_an_outage_lasts_until_keys_that_are_checked_less_often_are_due(
    make_key: MakeKey, operator: User, stranger: User, reason: str
) -> None:
    admin = User.objects.create(email="root@example.org", is_platform_admin=True)
    fail_all([make_key(str(number)) for number in range(3)], "server_error")
    rows = SyncStatus.objects.all()
    rows.update(next_check_at=NOON + 20 * M)
    assert read_overview(operator, NOON + 19 * M).outage is None
    rows.update(**{"failures": 3} if reason == "keeps failing" else {"check_period_seconds": 1200})
    for user in (operator, admin):
        assert read_overview(user, NOON + 19 * M).outage == "server_error"
    assert shared_outage_get(now=NOON + 19 * M) == "server_error"
    assert read_overview(stranger, NOON + 19 * M).outage is None
    assert read_overview(operator, NOON + 21 * M).outage is None
    assert shared_outage_get(now=NOON + 21 * M) is None


def test_a_master_key_that_does_not_fit_is_known_from_the_workers_heartbeat(
    key: ApiKey, operator: User
) -> None:
    assert read_overview(operator).master_key_fault is False
    values = {
        "version": "1",
        "started_at": NOON,
        "heartbeat_at": NOON,
        "master_key_state": "missing",
    }
    WorkerHeartbeat.objects.create(name="one", **values)
    assert read_overview(operator).master_key_fault is True


@pytest.mark.parametrize(
    "entry", [{}, [1], "x", {"state": "zzz"}, {"state": "up_to_date"}, None, 7]
)
def test_a_foreign_cache_entry_is_not_believed(
    key: ApiKey, operator: User, organisation: Organisation, entry: Any
) -> None:
    record_results(key, good_result(key))
    cache_set(observation_cache_key(key.pk, key.version), entry, seconds=60)
    row = key_row(user=operator, organisation=organisation, key_id=key.pk, now=NOON)
    assert (row.state, row.figures and row.figures.total_tools) == (HealthState.UP_TO_DATE, 42)


def test_a_cache_entry_with_a_wrong_time_in_it_is_not_believed(
    key: ApiKey, operator: User, organisation: Organisation
) -> None:
    record_results(key, good_result(key))
    key_row(user=operator, organisation=organisation, key_id=key.pk, now=NOON)
    entry = cache_get(observation_cache_key(key.pk, key.version)) | {"checked_at": "yesterday"}
    cache_set(observation_cache_key(key.pk, key.version), entry, seconds=60)
    assert (
        key_row(user=operator, organisation=organisation, key_id=key.pk, now=NOON).checked_at
        == NOON
    )
