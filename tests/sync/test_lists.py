"""What the overview, the organisation page and the exports read."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.core.cache import cache_get, cache_set
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import PERMISSIONS, Permission, Role
from freddy_admin.sync import health
from freddy_admin.sync.models import KeySync, WorkerBeat
from freddy_admin.sync.observations import cache_name
from freddy_admin.sync.policy import policy
from freddy_admin.sync.recording import checks_store
from freddy_admin.sync.row_changes import facts_of
from freddy_admin.sync.rows import Filters
from freddy_admin.sync.selectors import (
    PAGE_SIZE,
    key_row,
    organisation_rows,
    overview_page,
    overview_rows,
    overview_with_choices,
)
from freddy_admin.sync.states import WORST_FIRST, State
from freddy_admin.vault.models import ApiKey, KeyTag
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

H, M, S = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def stored(key: ApiKey, *ends: Any) -> ApiKey:
    for end in ends:
        lease(key)
        checks_store([end])
    return key


@pytest.fixture
def every_state(make_key: MakeKey) -> dict[State, ApiKey]:
    """A key in each of the states, as at noon."""
    keys = {state: make_key(state.value) for state in WORST_FIRST}
    stored(keys[State.KEY_UNREADABLE], failed(keys[State.KEY_UNREADABLE], "key_unreadable"))
    stored(keys[State.KEY_REJECTED], *[refused(keys[State.KEY_REJECTED])] * 2)
    stored(keys[State.KEY_NOT_PERMITTED], *[refused(keys[State.KEY_NOT_PERMITTED], 403)] * 2)
    shown = {
        State.OVERDUE: figures(NOON - 9 * H, NOON - 5 * H),
        State.NEVER_SYNCED: figures(None, NOON - H, 0),
        State.LATE: figures(NOON - 4 * H, NOON),
        State.NO_SCHEDULE: figures(NOON - H, None, 0),
        State.WAITING: figures(None, NOON + H),
        State.UP_TO_DATE: figures(NOON - H, NOON + 3 * H),
        State.PAUSED: figures(NOON - H, NOON + 3 * H),
    }
    for state, seen in shown.items():
        stored(keys[state], good(keys[state], seen))
    stored(keys[State.UNKNOWN], failed(keys[State.UNKNOWN]))
    ApiKey.objects.filter(pk=keys[State.PAUSED].pk).update(paused_at=NOON - M, paused_by="Ana")
    return keys


def page(user: User, now: Any = NOON, **wanted: Any) -> Any:
    return overview_page(user=user, filters=Filters(**wanted), now=now)


def test_every_state_is_counted_and_listed_worst_first(
    every_state: dict[State, ApiKey], person: User
) -> None:
    seen = page(person)
    assert seen.counts == dict.fromkeys(WORST_FIRST, 1)
    assert [row.state for row in seen.rows] == list(WORST_FIRST)
    assert (seen.total, seen.matching, seen.needs_you) == (12, 12, 5)


@pytest.mark.parametrize("later", [timedelta(), 15 * M, 15 * M + S, 400 * M])
def test_sql_and_the_pure_rule_agree_at_every_moment(
    every_state: dict[State, ApiKey], person: User, later: timedelta
) -> None:
    now = NOON + later
    for row in overview_rows(user=person, filters=Filters(), now=now):
        stored_row = KeySync.objects.select_related("key").get(pk=row.key_id)
        facts = facts_of(stored_row, stored_row.key, policy())
        assert row.state == health.assess(facts, now=now).state, stored_row.key.label
    counts = page(person, now).counts
    assert sum(counts.values()) == 12
    for state in WORST_FIRST:
        assert page(person, now, states=(state,)).matching == counts.get(state, 0)


def test_unknown_comes_to_the_second_with_no_worker_running(key: ApiKey, person: User) -> None:
    stored(key, good(key))
    assert page(person, NOON + 15 * M).rows[0].state == State.UP_TO_DATE
    aged = page(person, NOON + 15 * M + S).rows[0]
    assert (aged.state, aged.state_since) == (State.UNKNOWN, NOON + 15 * M)
    assert aged.known_state == State.UP_TO_DATE


def test_a_person_sees_their_own_organisations_alone(
    key: ApiKey, make_key: MakeKey, person: User, platform_admin: User
) -> None:
    other = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    foreign = make_key("Foreign", at=other)
    seen = page(person)
    assert [row.key_id for row in seen.rows] == [key.pk]
    assert seen.total == 1
    assert page(person, q="Birch").matching == 0
    assert {row.key_id for row in overview_rows(user=person, filters=Filters(), now=NOON)} == {
        key.pk
    }
    assert organisation_rows(user=person, organisation=other, now=NOON) == []
    with pytest.raises(NotFound):
        key_row(user=person, organisation=other, key_id=foreign.pk, now=NOON)
    assert page(platform_admin).total == 2


def test_a_key_of_another_organisation_is_not_found_under_mine(
    key: ApiKey, make_key: MakeKey, platform_admin: User, organisation: Organisation
) -> None:
    other = Organisation.objects.create(name="Birch", slug="birch", created_at=NOON)
    foreign = make_key("Foreign", at=other)
    with pytest.raises(NotFound):
        key_row(user=platform_admin, organisation=organisation, key_id=foreign.pk, now=NOON)


def test_a_row_says_what_its_reader_may_do(key: ApiKey, person: User, platform_admin: User) -> None:
    assert page(person).rows[0].permissions == PERMISSIONS[Role.OPERATOR]
    Membership.objects.update(role=Role.VIEWER)
    assert page(person).rows[0].permissions == {Permission.VIEW}
    assert page(platform_admin).rows[0].permissions == frozenset(Permission)


def test_search_tags_owners_and_states_narrow_the_list_and_its_counts(
    make_key: MakeKey, person: User, organisation: Organisation
) -> None:
    sales, support = make_key("Sales"), make_key("Support")
    tag = KeyTag.objects.create(organisation=organisation, name="pilot")
    sales.tags.add(tag)
    ApiKey.objects.filter(pk=support.pk).update(owner=person, organization_id="org_77")
    stored(sales, good(sales))

    def found(**wanted: Any) -> set[int]:
        return {row.key_id for row in page(person, **wanted).rows}

    assert found(q="alder sal") == {sales.pk}
    assert found(q="ORG_77") == {support.pk}
    assert found(q="%") == set()
    assert found(tag="pilot") == {sales.pk}
    assert found(owner=person.pk) == {support.pk}
    assert found(states=(State.UP_TO_DATE,)) == {sales.pk}
    narrowed = page(person, tag="pilot")
    assert (narrowed.counts, narrowed.total) == ({State.UP_TO_DATE: 1}, 2)
    assert (narrowed.tags, narrowed.owners) == ([], [])
    drawn = overview_with_choices(user=person, overview=narrowed)
    assert [option.value for option in drawn.tags] == ["pilot"]
    assert [(option.value, option.label) for option in drawn.owners] == [(str(person.pk), "Ana")]


@pytest.mark.parametrize("sort", ["state", "organisation", "last", "next", "tools", "checked"])
def test_every_sort_goes_both_ways_and_nonsense_is_ignored(
    every_state: dict[State, ApiKey], person: User, sort: str
) -> None:
    assert len(page(person, sort=sort).rows) == 12
    assert len(page(person, sort=f"-{sort}").rows) == 12
    nonsense = page(person, sort="key__ciphertext")
    assert [row.state for row in nonsense.rows] == list(WORST_FIRST)


def test_pages_hold_fifty_and_a_page_too_far_is_the_last(
    organisation: Organisation, person: User
) -> None:
    keys = ApiKey.objects.bulk_create(
        ApiKey(organisation=organisation, label=f"{number:03}", created_at=NOON,
               fingerprint=str(number))
        for number in range(PAGE_SIZE + 1)
    )  # fmt: skip
    KeySync.objects.bulk_create(
        KeySync(key=key, organisation=organisation, state_since=NOON, next_check_at=NOON,
                updated_at=NOON)
        for key in keys
    )  # fmt: skip
    first, last = page(person), page(person, page=99)
    assert (len(first.rows), first.pages, first.matching) == (PAGE_SIZE, 2, PAGE_SIZE + 1)
    assert (len(last.rows), last.page) == (1, 2)
    assert first.rows[0].keys_in_organisation == PAGE_SIZE + 1


def test_the_overview_takes_three_queries_however_many_keys_there_are(
    every_state: dict[State, ApiKey], person: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        page(person, q="a", tag="x", states=(State.OVERDUE,))


def test_organisations_without_a_key_are_named(organisation: Organisation, person: User) -> None:
    seen = page(person)
    assert (seen.rows, seen.total) == ([], 0)
    assert seen.empty_organisations == [("Alder", "alder")]


def test_the_detail_of_a_key_comes_from_the_cache_and_is_never_stale_after_a_check(
    key: ApiKey, person: User, organisation: Organisation, hand_clock: HandClock
) -> None:
    def detail() -> Any:
        return key_row(user=person, organisation=organisation, key_id=key.pk, now=clock.now())

    assert detail().state == State.NOT_CHECKED
    stored(key, good(key))
    assert detail().state == State.UP_TO_DATE
    KeySync.objects.filter(pk=key.pk).update(total_tools=1)  # behind the service's back
    assert detail().figures.total_tools == 42
    hand_clock.forward(minutes=1)
    stored(key, good(key))
    assert detail() == organisation_rows(user=person, organisation=organisation, now=clock.now())[0]
    assert row_of(key).total_tools == 42


def fail_all(keys: list[ApiKey], kind: str) -> None:
    for one in keys:
        stored(one, failed(one, kind))


@pytest.mark.parametrize(
    ("kinds", "said"),
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
    make_key: MakeKey, person: User, kinds: list[str], said: str | None
) -> None:
    for number, kind in enumerate(kinds):
        key = make_key(str(number))
        stored(key, failed(key, kind))
    make_key("well")
    assert page(person).outage == said


def test_an_outage_is_half_of_the_unpaused_keys_in_the_last_period(
    make_key: MakeKey, person: User
) -> None:
    fail_all([make_key(str(number)) for number in range(3)], "read_timeout")
    well = [make_key(f"well {number}") for number in range(4)]
    assert page(person).outage is None
    ApiKey.objects.filter(pk=well[0].pk).update(paused_at=NOON)
    assert page(person).outage == "timed_out"
    assert page(person, NOON + 5 * M).outage == "timed_out"
    assert page(person, NOON + 5 * M + S).outage is None


def test_a_master_key_that_does_not_fit_is_known_from_the_workers_beat(
    key: ApiKey, person: User
) -> None:
    assert page(person).master_key_fault is False
    values = {"version": "1", "started_at": NOON, "beat_at": NOON, "master_key_state": "missing"}
    WorkerBeat.objects.create(name="one", **values)
    assert page(person).master_key_fault is True


@pytest.mark.parametrize(
    "planted", [{}, [1], "x", {"state": "zzz"}, {"state": "up_to_date"}, None, 7]
)
def test_what_somebody_else_put_into_the_cache_is_not_believed(
    key: ApiKey, person: User, organisation: Organisation, planted: Any
) -> None:
    stored(key, good(key))
    cache_set(cache_name(key.pk, key.version), planted, seconds=60)
    row = key_row(user=person, organisation=organisation, key_id=key.pk, now=NOON)
    assert (row.state, row.figures and row.figures.total_tools) == (State.UP_TO_DATE, 42)


def test_an_entry_with_a_wrong_time_in_it_is_not_believed(
    key: ApiKey, person: User, organisation: Organisation
) -> None:
    stored(key, good(key))
    key_row(user=person, organisation=organisation, key_id=key.pk, now=NOON)
    entry = cache_get(cache_name(key.pk, key.version)) | {"checked_at": "yesterday"}
    cache_set(cache_name(key.pk, key.version), entry, seconds=60)
    assert (
        key_row(user=person, organisation=organisation, key_id=key.pk, now=NOON).checked_at == NOON
    )
