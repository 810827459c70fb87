"""Several workers and people at the same moment: one incident, ended once, never reopened."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import transaction

from freddy_admin.alerts.incidents.causes import causes_link
from freddy_admin.alerts.incidents.history_import import history_incidents_create
from freddy_admin.alerts.incidents.recorder import health_changes_record
from freddy_admin.alerts.incidents.services import incident_acknowledge, incident_note_add
from freddy_admin.alerts.models import (
    Cause,
    HistoryImport,
    Incident,
    IncidentEvent,
    IncidentKey,
    IncidentState,
)
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.checks.recording import check_results_record
from freddy_admin.sync.checks.results import CheckResult
from freddy_admin.sync.health_states import HealthState
from freddy_admin.sync.history.signals import HealthChange
from freddy_admin.sync.models import SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import (
    ACTOR,
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    lease_key,
    make_figures,
    record,
    refuse,
    refused_result,
)
from tests.concurrency import IS_SQLITE, run_concurrently

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(IS_SQLITE, reason="SQLite lets one writer in at a time"),
]
ROUNDS = 8


def store(result: CheckResult) -> None:
    check_results_record([result])


def stored_at_once(*results: CheckResult) -> None:
    for result in results:
        lease_key(ApiKey(pk=result.key_id))
    run_concurrently([partial(store, result) for result in results])


@pytest.fixture
def twins(make_key: MakeKey, hand_clock: HandClock) -> list[ApiKey]:
    keys = [make_key(str(number)) for number in range(3)]
    figures = make_figures(NOON - timedelta(hours=1), NOON + timedelta(hours=90))
    for _ in range(3):
        record(*(good_result(key, figures) for key in keys))
        hand_clock.advance(minutes=5)
    return keys


def change(key: ApiKey, before: HealthState, after: HealthState) -> HealthChange:
    row, now = SyncStatus.objects.get(pk=key.pk), clock.now()
    return HealthChange(
        key.organisation_id, key.pk, before, after, at=now, true_since=now, noticed_at=now,
        figures_digest=row.figures_digest, figures_check_count=row.figures_check_count,
    )  # fmt: skip


def changed_at_once(changes: list[HealthChange]) -> None:
    """Each in a transaction of its own, without the rows of a check that make them wait."""

    def change_record(change: HealthChange) -> None:
        with transaction.atomic():
            health_changes_record(changes=[change], now=change.noticed_at)

    run_concurrently([partial(change_record, change) for change in changes])


def test_twins_that_break_and_recover_at_once_are_one_incident_that_ends_once(
    twins: list[ApiKey], hand_clock: HandClock
) -> None:
    well, rejected = HealthState.UP_TO_DATE, HealthState.KEY_REJECTED
    for number in range(1, ROUNDS + 1):
        changed_at_once([change(key, well, rejected) for key in twins])
        assert Incident.objects.count() == number
        assert IncidentKey.objects.filter(ended_at=None).count() == len(twins)
        hand_clock.advance(minutes=1)
        changed_at_once([change(key, rejected, well) for key in twins])
        assert not Incident.objects.exclude(state=IncidentState.RESOLVED).exists()
        hand_clock.advance(minutes=1)
    assert IncidentEvent.objects.filter(kind="resolved").count() == ROUNDS


def test_twins_whose_checks_end_at_once_are_one_incident(
    twins: list[ApiKey], hand_clock: HandClock
) -> None:
    record(*map(refused_result, twins))
    hand_clock.advance(minutes=1)
    stored_at_once(*map(refused_result, twins))
    assert Incident.objects.get().keys.count() == len(twins)


def test_acknowledging_at_the_moment_of_a_recovery_never_reopens(
    make_key: MakeKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    key, outcomes = make_key(), set[bool]()

    def acknowledge(incident: Incident) -> bool:
        try:
            incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)
        except Conflict:
            return False
        return True

    for _ in range(ROUNDS):
        refuse(key, clock_hand=hand_clock)
        incident = Incident.objects.exclude(state=IncidentState.RESOLVED).get()
        lease_key(key)
        calls: list[Callable[[], object]] = [
            partial(store, good_result(key)), partial(acknowledge, incident),
        ]  # fmt: skip
        _stored, is_acknowledged = run_concurrently(calls)
        incident.refresh_from_db()
        assert incident.state == IncidentState.RESOLVED
        assert bool(incident.acknowledged_by) is is_acknowledged
        outcomes.add(bool(is_acknowledged))
        hand_clock.advance(minutes=5)
    assert outcomes


def test_an_acknowledgement_is_not_lost_where_a_key_joins_at_the_same_moment(
    twins: list[ApiKey], organisation: Organisation, hand_clock: HandClock
) -> None:
    refuse(twins[0], clock_hand=hand_clock)
    record(*map(refused_result, twins[1:]))
    hand_clock.advance(minutes=1)
    incident = Incident.objects.get()
    for key in twins[1:]:
        lease_key(key)
    run_concurrently(
        [
            *(partial(store, refused_result(key)) for key in twins[1:]),
            partial(
                incident_acknowledge, organisation=organisation, actor=ACTOR, incident=incident
            ),
            *(
                partial(
                    incident_note_add,
                    organisation=organisation, actor=ACTOR, incident=incident, note=str(number),
                )
                for number in range(3)
            ),
        ]
    )  # fmt: skip
    incident = Incident.objects.get()
    assert (incident.state, incident.acknowledged_by) == (IncidentState.ACKNOWLEDGED, ACTOR.name)
    assert incident.keys.count() == len(twins)
    assert incident.events.filter(kind="note").count() == 3


def test_a_change_waits_for_whoever_acts_on_its_incident(
    make_key: MakeKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    key = make_key()
    refuse(key, clock_hand=hand_clock)
    incident = Incident.objects.get()
    lease_key(key)

    def acknowledge_slowly() -> None:
        with transaction.atomic():
            incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)
            assert causes_link(now=clock.now()) == 0  # passes locked rows over

    run_concurrently([acknowledge_slowly, partial(store, good_result(key))])
    assert Incident.objects.get().state == IncidentState.RESOLVED


def test_workers_that_link_at_once_open_one_cause(
    make_key: MakeKey, other_organisation: Organisation, hand_clock: HandClock
) -> None:
    keys = [make_key("1"), make_key("2"), make_key("3", at=other_organisation)]
    record(*map(failed_result, keys))
    now = clock.now()
    run_concurrently([lambda: causes_link(now=now) for _ in range(4)])
    causes_link(now=now)

    cause = Cause.objects.get()
    assert Incident.objects.filter(cause=cause).count() == 3


def test_workers_that_read_history_at_once_make_each_incident_once(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    refuse(*(make_key(str(number)) for number in range(6)), clock_hand=hand_clock)
    Incident.objects.all().delete()
    run_concurrently([history_incidents_create for _ in range(4)])

    assert Incident.objects.filter(is_from_history=True).count() == 6
    assert HistoryImport.objects.count() == 1
