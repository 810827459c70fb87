"""The rehearsal knows of mutes, windows, acknowledgements and second checks as they were."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.alerts.incidents.services import incident_acknowledge, incident_unacknowledge
from freddy_admin.alerts.models import Incident, IncidentState, Message, Severity
from freddy_admin.alerts.rehearsal.selectors import rehearsal_run
from freddy_admin.alerts.silences.services import incident_mute, incident_unmute, window_delete
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.models import HistoryEvent
from freddy_admin.vault.key_details import key_tags_set
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import ACTOR, MakeKey, failed_result, good_result, record
from tests.alerts.delivery_flow import DeliveryFlow, channel_create, rule_make
from tests.alerts.flow_fixtures import flow, window
from tests.alerts.test_rehearsal import (
    OVERDUE,
    UP,
    Fleet,
    fleet,
    rehearsed_counts,
    run_script,
    sent_counts,
)
from tests.drill_scale import RUN_FULL_DRILLS

__all__ = ["fleet", "flow"]
pytestmark = pytest.mark.django_db
Act = Callable[[], object]


@pytest.fixture
def channel_told(organisation: Organisation, fleet: Fleet) -> None:
    rule_make(organisation, channel_create(organisation))
    fleet.add(organisation, 2)


def run_with(fleet: Fleet, act: Act, *, act_at: float, lasts: float) -> None:
    """Two keys are overdue for `lasts` minutes; somebody does something in between."""
    start = fleet.hand_clock.at
    run_script(fleet, [(1, fleet.keys[:1], OVERDUE), (act_at, [], OVERDUE)])
    act()
    run_script(fleet, [(10, fleet.keys[1:], OVERDUE)])
    passed = (fleet.hand_clock.at - start) / timedelta(minutes=1)
    run_script(fleet, [(lasts - passed, fleet.keys, UP), (lasts - passed + 10, [], UP)])


def unresolved() -> Incident:
    return Incident.objects.exclude(state=IncidentState.RESOLVED).earliest("pk")


def mute(organisation: Organisation, **span: float) -> None:
    incident_mute(
        organisation=organisation,
        actor=ACTOR,
        incident=unresolved(),
        until=clock.now() + timedelta(**span),
        reason="at work",
    )


@pytest.mark.usefixtures("channel_told")
@pytest.mark.parametrize("act_at", [1.2, 5])
@pytest.mark.parametrize(("mute_hours", "lasts"), [(1, 400), (5, 200)])
def test_mute_of_then_holds_back_in_the_rehearsal(
    mute_hours: float,
    lasts: float,
    act_at: float,
    fleet: Fleet,
    organisation: Organisation,
    platform_admin: User,
) -> None:
    run_with(fleet, lambda: mute(organisation, hours=mute_hours), act_at=act_at, lasts=lasts)
    sent = sent_counts()
    assert sum(sent.values()) > 1
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


@pytest.mark.usefixtures("channel_told")
def test_mute_that_was_ended_early_holds_back_no_longer(
    fleet: Fleet, organisation: Organisation, platform_admin: User
) -> None:
    def mute_and_unmute() -> None:
        mute(organisation, hours=9)
        run_script(fleet, [(20, [], OVERDUE)])
        incident_unmute(organisation=organisation, actor=ACTOR, incident=unresolved())

    run_with(fleet, mute_and_unmute, act_at=1.2, lasts=90)
    sent = sent_counts()
    rehearsal = rehearsal_run(user=platform_admin, now=clock.now())
    assert sent["ops", "opened"] == 2
    counts = rehearsed_counts(rehearsal)
    # What a person lets out early is told at the end that was planned: not before it.
    assert counts["ops", "resolved"] <= sent["ops", "resolved"]


@pytest.mark.usefixtures("channel_told")
@pytest.mark.parametrize("whose", ["organisation", "all", "tag", "other tag"])
def test_window_of_then_holds_back_what_it_covered(
    whose: str, fleet: Fleet, organisation: Organisation, platform_admin: User
) -> None:
    first, second = fleet.keys
    key_tags_set(key=first, names=["emea"])
    key_tags_set(key=second, names=["emea", "apac"])
    owner = None if whose == "all" else organisation
    tag = {"tag": "emea", "other tag": "apac"}.get(whose, "")
    run_with(fleet, lambda: window(owner, minutes=60, tag=tag), act_at=1.2, lasts=300)
    sent = sent_counts()
    # Of the first key, which lacks the other tag, is told at once.
    opened_at = Message.objects.filter(kind="opened").earliest("pk").created_at
    waited = opened_at - Incident.objects.earliest("pk").opened_at
    assert (waited > timedelta(minutes=50)) is (whose != "other tag")
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


@pytest.mark.usefixtures("channel_told")
def test_window_that_was_called_off_before_it_began_holds_nothing_back(
    fleet: Fleet, organisation: Organisation, platform_admin: User
) -> None:
    def plan_and_call_off() -> None:
        row = window(organisation, minutes=60)
        window_delete(organisation=organisation, actor=ACTOR, window=row)

    run_with(fleet, plan_and_call_off, act_at=1.2, lasts=50)
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent_counts()


@pytest.mark.usefixtures("channel_told")
@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_acknowledgement_of_then_stops_reminders_in_the_rehearsal(
    is_withdrawn: bool, fleet: Fleet, organisation: Organisation, platform_admin: User
) -> None:
    def acknowledge() -> None:
        values = {"organisation": organisation, "actor": ACTOR}
        incident_acknowledge(incident=unresolved(), **values)
        if is_withdrawn:
            run_script(fleet, [(20, [], OVERDUE)])
            incident_unacknowledge(incident=unresolved(), **values)

    run_with(fleet, acknowledge, act_at=5, lasts=400)
    sent = sent_counts()
    assert sent["ops", "reminder"] == (4 if is_withdrawn else 2)
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


@pytest.mark.usefixtures("channel_told")
def test_incident_that_began_weeks_before_has_its_daily_reminders(
    fleet: Fleet, platform_admin: User
) -> None:
    """Its beginning lies before the history that is read; the row knows what it is in."""
    run_script(fleet, [(1, fleet.keys[:1], OVERDUE), (60 * 24 * 45, [], OVERDUE)])
    since = clock.now() - timedelta(days=30)
    sent = Message.objects.filter(kind="reminder", created_at__gte=since).count()
    counts = rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now()))
    assert abs(counts["ops", "reminder"] - sent) <= 1
    assert sent >= 29
    # Nor is it another one where an event of the key came since.
    run_script(fleet, [(10, fleet.keys, UP), (20, [], UP)])
    counts = rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now()))
    assert counts["ops", "resolved"] == 1


@pytest.mark.drill
@pytest.mark.parametrize("seed", range(4) if RUN_FULL_DRILLS else range(2))
def test_rehearsal_waits_for_second_checks_as_the_past_did(
    seed: int,
    make_key: MakeKey,
    organisation: Organisation,
    platform_admin: User,
    flow: DeliveryFlow,
) -> None:
    rule_make(organisation, channel_create(organisation), severity=Severity.WARNING)
    keys, chance = [make_key(label) for label in ("abc" if seed % 2 else "ab")], random.Random(seed)
    are_good, good_looks = dict.fromkeys([key.pk for key in keys], True), 0
    for _step in range(80 if RUN_FULL_DRILLS else 40):
        # At times nobody looks for a while, so that the first look finds a key unknown.
        is_away = good_looks > 2 and chance.random() < 0.5
        flow.run(step=20, minutes=25 if is_away else 5)
        for key in keys:
            are_good[key.pk] ^= chance.random() < 0.15
        record(*(good_result(key) if are_good[key.pk] else failed_result(key) for key in keys))
        good_looks = good_looks + 1 if all(are_good.values()) else 0
    flow.run(step=20, hours=2)
    sent = sent_counts()
    assert sum(sent.values()) > 4
    assert rehearsed_counts(rehearsal_run(user=platform_admin, now=clock.now())) == sent


def test_history_that_nobody_can_read_is_passed_over(
    make_key: MakeKey, organisation: Organisation, platform_admin: User
) -> None:
    key: ApiKey = make_key()
    for details in ({}, {"state": "odd"}, {"state": ["gone", "overdue"]}, {"state": []}):
        HistoryEvent.objects.create(
            organisation=organisation,
            key=key,
            kind="health_changed",
            at=clock.now(),
            noticed_at=clock.now(),
            details=details,
        )
    rehearsal_run(user=platform_admin, now=clock.now() + timedelta(hours=1))
