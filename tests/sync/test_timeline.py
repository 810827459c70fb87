"""The timeline and the histories as they are read: one tenant's, in few queries, newest first."""

from datetime import timedelta
from typing import Any

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.timeline import (
    GROUPS,
    PAGE_SIZE,
    RUNS_SHOWN,
    WINDOW,
    TimelineFilters,
    check_runs,
    key_histories,
    timeline_page,
)
from freddy_admin.sync.models import CheckRun, EventKind, HistoryEvent, KeySync
from freddy_admin.sync.selectors import organisation_rows
from freddy_admin.sync.states import State
from freddy_admin.vault.models import ApiKey
from tests.sync.conftest import HandClock, MakeKey

H = timedelta(hours=1)


@pytest.fixture
def key(make_key: MakeKey, hand_clock: HandClock) -> ApiKey:
    made = make_key()
    HistoryEvent.objects.all().delete()
    hand_clock.forward(days=40)
    return made


@pytest.fixture
def foreign(db: None, hand_clock: HandClock, make_key: MakeKey) -> ApiKey:
    birch = Organisation.objects.create(name="Birch", slug="birch", created_at=hand_clock())
    return make_key("Theirs", at=birch)


def told(key: ApiKey, kind: EventKind, *, ago: timedelta, **details: Any) -> HistoryEvent:
    at = clock.now() - ago
    return HistoryEvent.objects.create(
        organisation_id=key.organisation_id,
        key=key,
        kind=kind,
        at=at,
        noticed_at=at,
        details=details,
    )


def page_of(key: ApiKey, **filters: Any) -> list[int]:
    found = timeline_page(organisation=key.organisation, filters=TimelineFilters(**filters))
    return [entry.id for entry in found.entries]


def test_the_newest_come_first_and_equal_times_keep_their_order(key: ApiKey) -> None:
    old = told(key, EventKind.SYNC_SEEN, ago=2 * H)
    one, two = (told(key, EventKind.SYNC_SEEN, ago=H) for _ in range(2))
    assert page_of(key) == [two.pk, one.pk, old.pk]


def test_every_kind_belongs_to_one_group() -> None:
    grouped = [kind for kinds in GROUPS.values() for kind in kinds]
    assert sorted(grouped) == sorted(EventKind)


@pytest.mark.parametrize("show", GROUPS)
def test_a_word_shows_its_kinds_alone(show: str, key: ApiKey) -> None:
    made = {kind: told(key, kind, ago=H).pk for kind in EventKind}
    assert set(page_of(key, show=show)) == {made[kind] for kind in GROUPS[show]}


def test_a_word_that_is_none_shows_all(key: ApiKey) -> None:
    event = told(key, EventKind.SYNC_SEEN, ago=H)
    assert page_of(key, show="of-another-version") == [event.pk]


def test_nobody_sees_the_events_of_another_organisation(key: ApiKey, foreign: ApiKey) -> None:
    told(foreign, EventKind.SYNC_SEEN, ago=H)
    mine = told(key, EventKind.SYNC_SEEN, ago=H)
    assert page_of(key) == [mine.pk]
    assert page_of(key, key_id=foreign.pk) == []


def test_an_event_names_its_key_and_one_without_a_key_is_there_too(key: ApiKey) -> None:
    told(key, EventKind.SYNC_SEEN, ago=H)
    HistoryEvent.objects.create(
        organisation=key.organisation,
        kind=EventKind.PERSON_DID,
        at=clock.now(),
        noticed_at=clock.now(),
    )
    found = timeline_page(organisation=key.organisation, filters=TimelineFilters())
    assert [(entry.key_id, entry.key_label) for entry in found.entries] == [
        (None, ""),
        (key.pk, "Main"),
    ]


def test_a_page_costs_one_query_and_says_whether_older_ones_follow(
    key: ApiKey, django_assert_num_queries: Any
) -> None:
    made = [told(key, EventKind.SYNC_SEEN, ago=n * H).pk for n in range(PAGE_SIZE + 3)]
    organisation = key.organisation
    with django_assert_num_queries(1):
        first = timeline_page(organisation=organisation, filters=TimelineFilters())
    second = timeline_page(organisation=organisation, filters=TimelineFilters(page=2))
    third = timeline_page(organisation=organisation, filters=TimelineFilters(page=3))
    assert [entry.id for entry in first.entries + second.entries] == made
    assert (first.more, second.more, third.more) == (True, False, False)
    assert third.entries == ()


def _histories(person: User, organisation: Organisation) -> Any:
    now = clock.now()
    rows = organisation_rows(user=person, organisation=organisation, now=now)
    return key_histories(rows=rows, now=now)


def test_histories_cost_one_query_however_many_keys_and_events(
    key: ApiKey, make_key: MakeKey, person: User, django_assert_num_queries: Any
) -> None:
    keys = [key, make_key("Second"), make_key("Third")]
    for one in keys:
        for n in range(1, 40):
            pair = ["late", "overdue"] if n % 2 else ["overdue", "late"]
            told(one, EventKind.HEALTH_CHANGED, ago=n * H, state=pair)
    now = clock.now()
    rows = organisation_rows(user=person, organisation=key.organisation, now=now)
    with django_assert_num_queries(1):
        found = key_histories(rows=rows, now=now)
    assert set(found) == {one.pk for one in keys}
    assert found[key.pk].end - found[key.pk].start == WINDOW
    assert len(found[key.pk].spans) == 40


def test_what_is_older_than_the_window_or_of_another_kind_is_not_read(
    key: ApiKey, person: User
) -> None:
    KeySync.objects.update(told_state=State.LATE, unknown_at=None)
    told(key, EventKind.HEALTH_CHANGED, ago=WINDOW + H, state=["overdue", "late"])
    told(key, EventKind.PERSON_DID, ago=H, state=["late", "overdue"])
    (span,) = _histories(person, key.organisation)[key.pk].spans
    assert span.state is State.LATE


def test_unknown_comes_with_time_before_anybody_writes_it_down(key: ApiKey, person: User) -> None:
    now = clock.now()
    KeySync.objects.update(told_state=State.UP_TO_DATE, unknown_at=now - 3 * H)
    told(key, EventKind.HEALTH_CHANGED, ago=9 * H, state=["late", "up_to_date"])
    spans = _histories(person, key.organisation)[key.pk].spans
    assert [(span.state, span.end) for span in spans] == [
        (State.LATE, now - 9 * H),
        (State.UP_TO_DATE, now - 3 * H),
        (State.UNKNOWN, now),
    ]


@pytest.mark.parametrize("state", ["", State.PAUSED, State.UNKNOWN])
def test_what_is_not_watched_does_not_become_unknown(state: str, key: ApiKey, person: User) -> None:
    KeySync.objects.update(told_state=state, unknown_at=clock.now() - 3 * H)
    (span,) = _histories(person, key.organisation)[key.pk].spans
    assert span.state == (State(state) if state else None)


def test_runs_are_those_of_the_key_the_latest_first(key: ApiKey, foreign: ApiKey) -> None:
    now = clock.now()

    def run(of: ApiKey, n: int) -> CheckRun:
        return CheckRun(
            organisation_id=of.organisation_id,
            key=of,
            key_version=1,
            first_at=now - n * H,
            last_at=now - n * H,
            count=1,
            outcome="good",
        )

    runs = [run(key, n) for n in range(RUNS_SHOWN + 2)]
    CheckRun.objects.bulk_create([*runs, run(foreign, 0)])
    found = check_runs(key=key)
    assert len(found) == RUNS_SHOWN
    assert [one.last_at for one in found] == [one.last_at for one in runs[:RUNS_SHOWN]]
    assert {one.key_id for one in found} == {key.pk}
