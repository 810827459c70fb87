"""The timeline and key histories: of one organisation, in few queries, newest first."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.timeline import (
    CHECK_RUNS_LIMIT,
    EVENT_GROUPS,
    HISTORY_WINDOW,
    TIMELINE_PAGE_SIZE,
    TimelineFilters,
    check_run_list,
    key_history_map,
    timeline_page,
)
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, SyncStatus
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import HandClock, MakeKey

H = timedelta(hours=1)


@pytest.fixture
def key(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    api_key = make_key()
    HistoryEvent.objects.all().delete()
    hand_clock.advance(days=40)
    return api_key


@pytest.fixture
def foreign_key(db: None, hand_clock: HandClock, make_key: MakeKey) -> ApiKey:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=hand_clock())
    return make_key("Theirs", at=birch)


def create_event(key: ApiKey, kind: EventKind, *, ago: timedelta, **details: Any) -> HistoryEvent:
    at = clock.now() - ago
    return HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        kind=kind,
        at=at,
        noticed_at=at,
        details=details,
    )


def timeline_entry_ids(key: ApiKey, **filters: Any) -> list[int]:
    page = timeline_page(organisation=key.organisation, filters=TimelineFilters(**filters))
    return [entry.id for entry in page.entries]


def test_the_newest_events_come_first_and_equal_times_keep_their_order(key: ApiKey) -> None:
    old = create_event(key, EventKind.SYNC_SEEN, ago=2 * H)
    first, second = (create_event(key, EventKind.SYNC_SEEN, ago=H) for _ in range(2))
    assert timeline_entry_ids(key) == [second.pk, first.pk, old.pk]


def test_every_event_kind_belongs_to_one_group() -> None:
    kinds_of_groups = [kind for kinds in EVENT_GROUPS.values() for kind in kinds]
    assert sorted(kinds_of_groups) == sorted(EventKind)


@pytest.mark.parametrize("group", EVENT_GROUPS)
def test_an_event_group_shows_its_kinds_alone(group: str, key: ApiKey) -> None:
    event_ids = {kind: create_event(key, kind, ago=H).pk for kind in EventKind}
    assert set(timeline_entry_ids(key, group=group)) == {
        event_ids[kind] for kind in EVENT_GROUPS[group]
    }


def test_an_unknown_event_group_shows_all(key: ApiKey) -> None:
    event = create_event(key, EventKind.SYNC_SEEN, ago=H)
    assert timeline_entry_ids(key, group="of-another-version") == [event.pk]


def test_a_timeline_holds_no_events_of_another_organisation(
    key: ApiKey, foreign_key: ApiKey
) -> None:
    create_event(foreign_key, EventKind.SYNC_SEEN, ago=H)
    event = create_event(key, EventKind.SYNC_SEEN, ago=H)
    assert timeline_entry_ids(key) == [event.pk]
    assert timeline_entry_ids(key, key_id=foreign_key.pk) == []


def test_an_entry_names_its_key_and_an_event_without_a_key_is_shown_too(key: ApiKey) -> None:
    create_event(key, EventKind.SYNC_SEEN, ago=H)
    HistoryEvent.objects.create(
        organisation=key.organisation,
        kind=EventKind.PERSON_ACTION,
        at=clock.now(),
        noticed_at=clock.now(),
    )
    page = timeline_page(organisation=key.organisation, filters=TimelineFilters())
    assert [(entry.key_id, entry.key_label) for entry in page.entries] == [
        (None, ""),
        (key.pk, "Main"),
    ]


def test_a_timeline_page_costs_one_query_and_says_whether_older_ones_follow(
    key: ApiKey, django_assert_num_queries: Any
) -> None:
    event_ids = [
        create_event(key, EventKind.SYNC_SEEN, ago=n * H).pk for n in range(TIMELINE_PAGE_SIZE + 3)
    ]
    organisation = key.organisation
    with django_assert_num_queries(1):
        first = timeline_page(organisation=organisation, filters=TimelineFilters())
    second = timeline_page(organisation=organisation, filters=TimelineFilters(page=2))
    third = timeline_page(organisation=organisation, filters=TimelineFilters(page=3))
    assert [entry.id for entry in first.entries + second.entries] == event_ids
    assert (first.has_older, second.has_older, third.has_older) == (True, False, False)
    assert third.entries == ()


def _key_histories(person: User, organisation: Organisation) -> Any:
    now = clock.now()
    rows = organisation_key_rows(user=person, organisation=organisation, now=now)
    return key_history_map(rows=rows, now=now)


def test_histories_cost_one_query_however_many_keys_and_events(
    key: ApiKey, make_key: MakeKey, operator: User, django_assert_num_queries: Any
) -> None:
    keys = [key, make_key("Second"), make_key("Third")]
    for api_key in keys:
        for n in range(1, 40):
            states = ["late", "overdue"] if n % 2 else ["overdue", "late"]
            create_event(api_key, EventKind.HEALTH_CHANGED, ago=n * H, state=states)
    now = clock.now()
    rows = organisation_key_rows(user=operator, organisation=key.organisation, now=now)
    with django_assert_num_queries(1):
        histories = key_history_map(rows=rows, now=now)
    assert set(histories) == {api_key.pk for api_key in keys}
    assert histories[key.pk].end - histories[key.pk].start == HISTORY_WINDOW
    assert len(histories[key.pk].spans) == 40


def test_events_before_the_window_or_of_other_kinds_are_not_replayed(
    key: ApiKey, operator: User
) -> None:
    SyncStatus.objects.update(recorded_state=HealthState.LATE, unknown_at=None)
    create_event(key, EventKind.HEALTH_CHANGED, ago=HISTORY_WINDOW + H, state=["overdue", "late"])
    create_event(key, EventKind.PERSON_ACTION, ago=H, state=["late", "overdue"])
    (span,) = _key_histories(operator, key.organisation)[key.pk].spans
    assert span.state is HealthState.LATE


def test_a_state_becomes_unknown_with_time_before_a_worker_records_it(
    key: ApiKey, operator: User
) -> None:
    now = clock.now()
    SyncStatus.objects.update(recorded_state=HealthState.UP_TO_DATE, unknown_at=now - 3 * H)
    create_event(key, EventKind.HEALTH_CHANGED, ago=9 * H, state=["late", "up_to_date"])
    spans = _key_histories(operator, key.organisation)[key.pk].spans
    assert [(span.state, span.end) for span in spans] == [
        (HealthState.LATE, now - 9 * H),
        (HealthState.UP_TO_DATE, now - 3 * H),
        (HealthState.UNKNOWN, now),
    ]


@pytest.mark.parametrize("state", ["", HealthState.PAUSED, HealthState.UNKNOWN])
def test_an_unwatched_key_does_not_become_unknown(state: str, key: ApiKey, operator: User) -> None:
    SyncStatus.objects.update(recorded_state=state, unknown_at=clock.now() - 3 * H)
    (span,) = _key_histories(operator, key.organisation)[key.pk].spans
    assert span.state == (HealthState(state) if state else None)


def test_check_runs_are_those_of_the_key_the_latest_first(key: ApiKey, foreign_key: ApiKey) -> None:
    now = clock.now()

    def build_check_run(api_key: ApiKey, n: int) -> CheckRun:
        return CheckRun(
            organisation_id=api_key.organisation_id,
            key=api_key,
            key_version=1,
            first_at=now - n * H,
            last_at=now - n * H,
            count=1,
            outcome="good",
        )

    runs = [build_check_run(key, n) for n in range(CHECK_RUNS_LIMIT + 2)]
    CheckRun.objects.bulk_create([*runs, build_check_run(foreign_key, 0)])
    check_runs = check_run_list(key=key)
    assert len(check_runs) == CHECK_RUNS_LIMIT
    assert [check_run.last_at for check_run in check_runs] == [
        check_run.last_at for check_run in runs[:CHECK_RUNS_LIMIT]
    ]
    assert {check_run.key_id for check_run in check_runs} == {key.pk}
