"""History that is older than the alerts becomes incidents, of which nobody is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from freddy_admin.alerts.incidents import history_import
from freddy_admin.alerts.incidents.history_import import history_incidents_create
from freddy_admin.alerts.incidents.retention import incidents_prune
from freddy_admin.alerts.models import (
    Cause,
    CauseKind,
    Delivery,
    HistoryImport,
    Incident,
    IncidentEvent,
    IncidentKey,
    IncidentState,
    MaintenanceWindow,
)
from freddy_admin.core import clock
from freddy_admin.core.clock_skew import history_prune_cutoff_advance, override_clock_trust
from freddy_admin.core.models import ClockState
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.signals import health_changed
from freddy_admin.sync.key_lifecycle import key_pause
from freddy_admin.sync.models import HistoryEvent, SyncStatus
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import (
    ACTOR,
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    make_figures,
    record,
    refuse,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def without_alerts() -> Any:
    """Until it is called with True, changes of health are history alone, as in 0.4."""
    receivers = list(health_changed.receivers)

    def switch(*, on: bool) -> None:
        health_changed.receivers = receivers if on else []
        health_changed.sender_receivers_cache.clear()

    switch(on=False)
    yield switch
    switch(on=True)


def import_all() -> int:
    steps = 1
    while history_incidents_create():
        steps += 1
    return steps


def spans() -> list[tuple[str, datetime, datetime | None]]:
    rows = Incident.objects.order_by("opened_at", "pk")
    return [(row.health_state, row.opened_at, row.resolved_at) for row in rows]


def test_each_span_becomes_an_incident_with_its_keys_and_timeline(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    record(good_result(key))
    hand_clock.advance(minutes=5)
    refuse(key, clock_hand=hand_clock)
    rejected_at = hand_clock.at
    hand_clock.advance(hours=1)
    record(good_result(key))
    recovered_at = hand_clock.at
    for _ in range(4):
        hand_clock.advance(minutes=5)
        record(failed_result(key))
    assert not Incident.objects.exists()

    assert history_incidents_create() is False
    assert spans() == [
        ("key_rejected", rejected_at, recovered_at),
        ("unknown", recovered_at + timedelta(minutes=15), None),
    ]
    assert set(Incident.objects.values_list("is_from_history", "state")) == {
        (True, IncidentState.RESOLVED), (True, IncidentState.OPEN),
    }  # fmt: skip
    assert list(IncidentEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        "opened", "opened", "resolved",
    ]  # fmt: skip
    assert IncidentKey.objects.filter(ended_at=None).count() == 1
    assert not Delivery.objects.exists()


def test_an_open_one_ends_with_the_recovery_as_any_other(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    import_all()
    without_alerts(on=True)
    hand_clock.advance(hours=1)
    record(good_result(key))

    incident = Incident.objects.get()
    assert (incident.state, incident.resolved_at) == (IncidentState.RESOLVED, hand_clock.at)
    assert not Delivery.objects.exists()


def test_our_own_absence_becomes_no_incident(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    record(good_result(key))
    hand_clock.advance(days=1)
    now = clock.now()
    record(good_result(key, make_figures(now - timedelta(hours=1), now + timedelta(hours=3))))
    import_all()
    assert not Incident.objects.exists()


def test_a_pause_ends_a_span(
    key: ApiKey, hand_clock: HandClock, organisation: Organisation, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    hand_clock.advance(hours=1)
    key_pause(organisation=organisation, actor=ACTOR, key=key)
    import_all()
    assert Incident.objects.get().resolved_at == hand_clock.at


def test_twins_share_an_incident_also_over_batches(
    make_key: MakeKey, hand_clock: HandClock, without_alerts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_import, "KEYS_PER_STEP", 1)
    keys = [make_key("One"), make_key("Two"), make_key("Three")]
    figures = make_figures(NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    for _ in range(3):
        record(*(good_result(key, figures) for key in keys[:2]), good_result(keys[2]))
        hand_clock.advance(minutes=5)
    refuse(keys[0], clock_hand=hand_clock)
    refuse(*keys[1:], clock_hand=hand_clock)
    hand_clock.advance(hours=1)
    record(good_result(keys[0], figures))
    first_end = hand_clock.at
    hand_clock.advance(hours=1)
    record(good_result(keys[1], figures))

    assert import_all() == 4
    shared, single = Incident.objects.order_by("pk")
    assert {part.key_id for part in shared.keys.all()} == {key.pk for key in keys[:2]}
    assert shared.resolved_at == hand_clock.at > first_end
    assert shared.events.filter(kind="resolved").count() == 1
    assert single.state == IncidentState.OPEN


def test_a_twin_that_is_ill_still_opens_the_shared_incident_again(
    make_key: MakeKey, hand_clock: HandClock, without_alerts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [make_key("One"), make_key("Two")]
    figures = make_figures(NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    for _ in range(3):
        record(*(good_result(key, figures) for key in keys))
        hand_clock.advance(minutes=5)
    refuse(*keys, clock_hand=hand_clock)
    hand_clock.advance(hours=1)
    record(good_result(keys[0], figures))
    for size in (1, 2):
        monkeypatch.setattr(history_import, "KEYS_PER_STEP", size)
        import_all()
        incident = Incident.objects.get()
        assert (incident.state, incident.resolved_at) == (IncidentState.OPEN, None)
        Incident.objects.all().delete()
        HistoryImport.objects.all().delete()


def test_it_goes_on_where_it_stopped_and_does_nothing_twice(
    make_key: MakeKey, hand_clock: HandClock, without_alerts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_import, "KEYS_PER_STEP", 2)
    keys = [make_key(str(number)) for number in range(5)]
    refuse(*keys, clock_hand=hand_clock)
    assert history_incidents_create() is True
    assert Incident.objects.count() == 2
    late = make_key("Late")
    refuse(late, clock_hand=hand_clock)
    assert import_all() == 2
    assert Incident.objects.count() == 5  # keys that came later have their incidents by then
    assert history_incidents_create() is False
    assert HistoryImport.objects.get().finished_at is not None


def test_what_was_recorded_meanwhile_is_not_recorded_again(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    record(good_result(key))
    without_alerts(on=True)
    hand_clock.advance(minutes=10)
    refuse(key, clock_hand=hand_clock)
    import_all()

    assert list(Incident.objects.order_by("opened_at").values_list("is_from_history")) == [
        (True,), (False,),
    ]  # fmt: skip


def test_a_span_that_began_before_the_history_is_open_from_what_is_known(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    HistoryEvent.objects.all().delete()
    import_all()
    assert spans() == [("key_rejected", hand_clock.at, None)]


def test_an_open_span_that_the_row_knows_nothing_of_is_left_out(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    SyncStatus.objects.update(recorded_state="up_to_date")
    import_all()
    assert not Incident.objects.exists()


def test_an_end_without_a_beginning_and_unreadable_events_are_passed_over(
    key: ApiKey, hand_clock: HandClock, without_alerts: Any
) -> None:
    refuse(key, clock_hand=hand_clock)
    record(good_result(key))
    first = HistoryEvent.objects.filter(kind="health_changed").earliest("pk")
    HistoryEvent.objects.filter(pk__lte=first.pk).delete()
    HistoryEvent.objects.filter(kind="health_changed").exclude(
        pk=HistoryEvent.objects.latest("pk").pk
    ).update(details={"state": "?"})
    import_all()
    assert not Incident.objects.exists()


def test_a_panel_without_keys_is_done_at_once(db: None, hand_clock: HandClock) -> None:
    assert history_incidents_create() is False
    assert HistoryImport.objects.get().finished_at == hand_clock.at


def prune(*, up_to: datetime) -> int:
    with override_clock_trust():
        history_prune_cutoff_advance(target=up_to, now=clock.now(), get_oldest=lambda: up_to)
        ClockState.objects.update(history_pruned_to=up_to)
        return incidents_prune()


def test_incidents_are_pruned_with_the_history_and_open_ones_stay(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    over, still = make_key("Over"), make_key("Still")
    refuse(over, still, clock_hand=hand_clock)
    record(good_result(over))
    old_cause = Cause.objects.create(
        kind=CauseKind.MASTER_KEY, opened_at=clock.now(), resolved_at=clock.now()
    )
    Incident.objects.filter(state=IncidentState.RESOLVED).update(cause=old_cause)
    day = clock.now().date()
    for values in ({"deleted_at": clock.now()}, {}, {"recurrence": "weekly", "ends_on": day}):
        MaintenanceWindow.objects.create(
            reason="upgrade", zone="UTC", starts_on=day, starts_at=clock.now().time(),
            minutes=60, created_at=clock.now(), **values,
        )  # fmt: skip
    weekly = MaintenanceWindow.objects.create(
        reason="each week", zone="UTC", starts_on=day, starts_at=clock.now().time(), minutes=60,
        recurrence="weekly", created_at=clock.now(),
    )  # fmt: skip
    assert incidents_prune() == 0  # nothing was pruned of the history yet
    assert prune(up_to=clock.now() - timedelta(days=90)) == 0
    hand_clock.advance(days=200)
    assert prune(up_to=clock.now() - timedelta(days=90)) == 5

    (incident,) = Incident.objects.all()
    assert incident.state == IncidentState.OPEN
    assert list(MaintenanceWindow.objects.all()) == [weekly]
    assert not Cause.objects.exists()
