"""Incidents open, extend and end with the health of keys, in the transaction of the change."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.alerts.incidents.services import incident_acknowledge
from freddy_admin.alerts.models import (
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.core import clock
from freddy_admin.organisations.models import Organisation
from freddy_admin.sync.history.signals import health_changed
from freddy_admin.sync.key_lifecycle import key_pause, key_resume, key_revoke
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
    refused_result,
)

pytestmark = pytest.mark.django_db
OPENED, JOINED = IncidentEventKind.OPENED, IncidentEventKind.KEY_JOINED
CHANGED, RECOVERED = IncidentEventKind.STATE_CHANGED, IncidentEventKind.KEY_RECOVERED
RESOLVED = IncidentEventKind.RESOLVED


def _timeline() -> list[str]:
    return list(IncidentEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_key_that_is_refused_twice_opens_an_incident(key: ApiKey, hand_clock: HandClock) -> None:
    record(good_result(key))
    hand_clock.advance(minutes=5)
    record(refused_result(key))
    assert not Incident.objects.exists()
    hand_clock.advance(minutes=1)
    record(refused_result(key))

    incident = Incident.objects.get()
    assert incident.organisation_id == key.organisation_id
    assert (incident.state, incident.severity) == (IncidentState.OPEN, Severity.ACTION_NEEDED)
    assert incident.health_state == "key_rejected"
    assert incident.opened_at == incident.noticed_at == hand_clock.at
    part = incident.keys.get()
    assert (part.key_id, part.state_rule, part.error_code) == (key.pk, 3, "INVALID")
    assert (part.error_kind, part.error_http_status) == ("key_refused", 401)
    assert _timeline() == [OPENED]


def test_a_good_check_resolves_it_with_when_it_was_true_and_when_it_was_seen(
    key: ApiKey, hand_clock: HandClock
) -> None:
    record(good_result(key))
    hand_clock.advance(minutes=5)
    refuse(key, clock_hand=hand_clock)
    hand_clock.advance(hours=1)
    record(good_result(key))

    incident = Incident.objects.get()
    assert incident.state == IncidentState.RESOLVED
    assert incident.resolved_at == incident.resolution_noticed_at == hand_clock.at
    assert incident.health_state == "key_rejected"
    assert incident.keys.get().ended_at == hand_clock.at
    assert _timeline() == [OPENED, RESOLVED]


def test_an_overdue_sync_opens_its_incident_when_it_became_overdue(
    key: ApiKey, hand_clock: HandClock
) -> None:
    figures = make_figures(NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    record(good_result(key, figures))
    hand_clock.advance(hours=3)
    record(good_result(key, figures))
    hand_clock.advance(minutes=14)
    record(good_result(key, figures))
    assert not Incident.objects.exists()  # late
    hand_clock.advance(hours=1)
    record(good_result(key, figures))

    incident = Incident.objects.get()
    assert incident.health_state == "overdue"
    assert incident.opened_at < incident.noticed_at == hand_clock.at


def test_checks_that_fail_open_a_warning_from_when_the_state_is_unknown(
    key: ApiKey, hand_clock: HandClock
) -> None:
    record(good_result(key))
    for _ in range(4):
        hand_clock.advance(minutes=5)
        record(failed_result(key))

    incident = Incident.objects.get()
    assert (incident.severity, incident.health_state) == (Severity.WARNING, "unknown")
    assert incident.opened_at == NOON + timedelta(minutes=15)
    assert incident.noticed_at == NOON + timedelta(minutes=20)


def test_our_own_absence_opens_no_incident(key: ApiKey, hand_clock: HandClock) -> None:
    record(good_result(key))
    hand_clock.advance(days=1)
    now = clock.now()
    record(good_result(key, make_figures(now - timedelta(hours=1), now + timedelta(hours=3))))

    assert not Incident.objects.exists()


def test_a_failure_after_our_own_absence_did_not_begin_before_it_was_seen(
    key: ApiKey, hand_clock: HandClock
) -> None:
    record(good_result(key))
    hand_clock.advance(days=1)
    record(failed_result(key))

    assert Incident.objects.get().opened_at == hand_clock.at


def test_an_incident_that_outlasts_our_absence_goes_on(key: ApiKey, hand_clock: HandClock) -> None:
    now = clock.now()
    figures = make_figures(now - timedelta(hours=20), now - timedelta(hours=16))
    record(good_result(key, figures))
    hand_clock.advance(hours=5)
    record(good_result(key, figures))

    incident = Incident.objects.get()
    assert incident.state == IncidentState.OPEN
    assert _timeline() == [OPENED]


def test_what_was_overdue_while_nobody_looked_is_told_from_when_it_was(
    key: ApiKey, hand_clock: HandClock
) -> None:
    figures = make_figures(NOON - timedelta(hours=1), NOON + timedelta(hours=3))
    record(good_result(key, figures))
    hand_clock.advance(hours=10)
    record(good_result(key, figures))

    incident = Incident.objects.get()
    assert incident.opened_at == NOON + timedelta(hours=4)
    assert incident.noticed_at == hand_clock.at


def test_an_unknown_incident_that_turns_out_to_be_the_key_grows_worse(
    key: ApiKey, hand_clock: HandClock
) -> None:
    record(failed_result(key))
    hand_clock.advance(minutes=5)
    refuse(key, clock_hand=hand_clock)

    incident = Incident.objects.get()
    assert (incident.severity, incident.health_state) == (Severity.ACTION_NEEDED, "key_rejected")
    assert _timeline() == [OPENED, CHANGED]
    assert IncidentEvent.objects.get(kind=CHANGED).details == {
        "key_id": key.pk,
        "state": ["unknown", "key_rejected"],
    }


def test_a_paused_key_ends_its_part_and_the_incident(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    refuse(key, clock_hand=hand_clock)
    hand_clock.advance(minutes=1)
    key_pause(organisation=organisation, actor=ACTOR, key=key)

    assert Incident.objects.get().state == IncidentState.RESOLVED
    key_resume(organisation=organisation, actor=ACTOR, key=key)
    assert Incident.objects.count() == 1


def test_a_revoked_key_ends_its_incident(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    refuse(key, clock_hand=hand_clock)
    key_revoke(organisation=organisation, actor=ACTOR, key=key)

    assert Incident.objects.get().state == IncidentState.RESOLVED


def test_a_key_that_breaks_again_opens_another_incident(
    key: ApiKey, organisation: Organisation, hand_clock: HandClock
) -> None:
    refuse(key, clock_hand=hand_clock)
    first = Incident.objects.get()
    incident_acknowledge(organisation=organisation, actor=ACTOR, incident=first)
    record(good_result(key))
    refuse(key, clock_hand=hand_clock)

    assert list(Incident.objects.order_by("pk").values_list("state", flat=True)) == [
        IncidentState.RESOLVED,
        IncidentState.OPEN,
    ]


def _make_twins(make_key: MakeKey, hand_clock: HandClock, **at: Organisation) -> list[ApiKey]:
    keys = [make_key("One"), make_key("Two", **at)]
    now = clock.now()
    figures = make_figures(now - timedelta(hours=1), now + timedelta(hours=3))
    for _ in range(3):
        record(*(good_result(key, figures) for key in keys))
        hand_clock.advance(minutes=5)
    return keys


def test_twins_that_break_together_are_one_incident(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = _make_twins(make_key, hand_clock)
    refuse(*keys, clock_hand=hand_clock)

    incident = Incident.objects.get()
    assert {part.key_id for part in incident.keys.all()} == {key.pk for key in keys}
    assert _timeline() == [OPENED, JOINED]


def test_a_twin_that_breaks_later_joins_and_the_end_waits_for_both(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    first, second = _make_twins(make_key, hand_clock)
    refuse(first, clock_hand=hand_clock)
    refuse(second, clock_hand=hand_clock)
    assert Incident.objects.count() == 1
    hand_clock.advance(minutes=1)
    record(good_result(first))
    assert Incident.objects.get().state == IncidentState.OPEN
    hand_clock.advance(minutes=1)
    record(good_result(second))

    incident = Incident.objects.get()
    assert incident.state == IncidentState.RESOLVED
    assert incident.resolved_at == hand_clock.at
    assert _timeline() == [OPENED, JOINED, RECOVERED, RESOLVED]


def test_twins_in_different_states_show_the_worse_one(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    first, second = _make_twins(make_key, hand_clock)
    for result in (refused_result(first), failed_result(second)):
        record(result)
    hand_clock.advance(minutes=20)
    record(refused_result(first), failed_result(second))

    incident = Incident.objects.get()
    assert incident.health_state == "key_rejected"
    assert set(incident.keys.values_list("health_state", flat=True)) == {"key_rejected", "unknown"}


def test_the_worse_twin_that_recovers_leaves_the_milder_state(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    first, second = _make_twins(make_key, hand_clock)
    record(failed_result(second))
    hand_clock.advance(minutes=20)
    record(failed_result(second))
    refuse(first, clock_hand=hand_clock)
    assert Incident.objects.get().severity == Severity.ACTION_NEEDED
    record(good_result(first))

    incident = Incident.objects.get()
    assert (incident.severity, incident.health_state) == (Severity.WARNING, "unknown")


def test_keys_that_report_one_sync_in_two_organisations_are_two_incidents(
    make_key: MakeKey, hand_clock: HandClock, other_organisation: Organisation
) -> None:
    keys = _make_twins(make_key, hand_clock, at=other_organisation)
    refuse(*keys, clock_hand=hand_clock)

    assert set(Incident.objects.values_list("organisation_id", flat=True)) == {
        key.organisation_id for key in keys
    }


def test_keys_of_different_syncs_are_two_incidents(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = [make_key("One"), make_key("Two")]
    refuse(*keys, clock_hand=hand_clock)

    assert Incident.objects.count() == 2


def _count_statements(keys: list[ApiKey], outcome: object) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as context:
        record(*(outcome(key) for key in keys))  # type: ignore[operator]
    return [
        query["sql"]
        for query in context.captured_queries
        if "alerts_" in query["sql"] or "advisory" in query["sql"]
    ]


def test_a_check_that_changes_nothing_makes_no_statement_of_the_alerts(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    keys = [make_key(str(number)) for number in range(3)]
    assert _count_statements(keys, good_result) == []  # to well: no incident is asked for
    hand_clock.advance(minutes=5)
    assert _count_statements(keys, good_result) == []
    refuse(*keys, clock_hand=hand_clock)
    hand_clock.advance(minutes=60)
    assert _count_statements(keys, refused_result) == []


def test_the_statements_of_a_batch_do_not_grow_with_its_keys(
    make_key: MakeKey, hand_clock: HandClock
) -> None:
    few, many = [make_key("a")], [make_key(f"b{number}") for number in range(8)]
    record(*map(refused_result, few + many))
    hand_clock.advance(minutes=1)
    assert len(_count_statements(few, refused_result)) == len(
        _count_statements(many, refused_result)
    )
    hand_clock.advance(minutes=1)
    assert len(_count_statements(few, good_result)) == len(_count_statements(many, good_result))


def test_an_incident_is_not_opened_where_the_change_is_not_saved(
    key: ApiKey, hand_clock: HandClock
) -> None:
    def fail(**kwargs: object) -> None:
        raise RuntimeError("a receiver broke")

    record(good_result(key))
    hand_clock.advance(minutes=5)
    record(refused_result(key))
    hand_clock.advance(minutes=1)
    health_changed.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            record(refused_result(key))
    finally:
        health_changed.disconnect(fail)

    assert not IncidentKey.objects.exists()
    assert not Incident.objects.exists()
