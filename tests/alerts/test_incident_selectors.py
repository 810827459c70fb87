"""What lists, pages and the API read of incidents, and what nobody else sees of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from freddy_admin.accounts.models import User
from freddy_admin.alerts.export import (
    incidents_export,
    person_assignments_export,
    person_incidents_export,
    windows_export,
)
from freddy_admin.alerts.incidents.causes import causes_link
from freddy_admin.alerts.incidents.selectors import (
    IncidentFilters,
    cause_incidents,
    cause_reach,
    incident_get,
    incident_keys,
    incidents_before,
    incidents_page,
    incidents_visible,
    unresolved_counts,
    unresolved_incidents_of,
)
from freddy_admin.alerts.incidents.services import (
    incident_acknowledge,
    incident_assign,
    incident_note_add,
)
from freddy_admin.alerts.models import Cause, Incident, Severity
from freddy_admin.alerts.silences.services import WindowDetails, incident_mute, window_create
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Organisation
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import (
    ACTOR,
    NOON,
    HandClock,
    MakeKey,
    failed_result,
    good_result,
    record,
    refuse,
)
from tests.people import People

pytestmark = pytest.mark.django_db


@pytest.fixture
def incidents(
    make_key: MakeKey, other_organisation: Organisation, hand_clock: HandClock
) -> list[Incident]:
    """In order: one that is over, an open one, a warning; and one of another organisation."""
    over, rejected, unknown = (make_key(label) for label in ("Over", "Rejected", "Unknown"))
    refuse(over, clock_hand=hand_clock)
    record(good_result(over))
    refuse(rejected, clock_hand=hand_clock)
    hand_clock.advance(minutes=1)
    record(failed_result(unknown))
    refuse(make_key("Foreign", at=other_organisation), clock_hand=hand_clock)
    return list(Incident.objects.order_by("pk"))


def test_the_list_shows_what_a_person_may_see_unresolved_ones_first(
    incidents: list[Incident], people: People
) -> None:
    over, rejected, unknown, foreign = incidents
    for person in (people.manager, people.viewer):
        page = incidents_page(user=person, filters=IncidentFilters(state=""))
        assert page.incidents == (unknown, rejected, over)
        assert (page.total, page.has_next) == (3, False)
    assert incidents_page(user=people.stranger, filters=IncidentFilters()).incidents == (foreign,)
    admin_page = incidents_page(user=people.admin, filters=IncidentFilters(state=""))
    assert set(admin_page.incidents) == set(incidents)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (IncidentFilters(), [1, 2]),
        (IncidentFilters(state="resolved"), [0]),
        (IncidentFilters(state="open"), [2]),
        (IncidentFilters(state="acknowledged"), [1]),
        (IncidentFilters(severity="warning"), [2]),
        (IncidentFilters(assigned_to_me=True), [1]),
        (IncidentFilters(organisation_slug="alder"), [1, 2]),
        (IncidentFilters(organisation_slug="birch"), []),
    ],
)
def test_filters_leave_what_they_name(
    incidents: list[Incident], organisation: Organisation, manager: User,
    filters: IncidentFilters, expected: list[int],
) -> None:  # fmt: skip
    incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incidents[1])
    incident_assign(organisation=organisation, actor=ACTOR, incident=incidents[1], assignee=manager)
    page = incidents_page(user=manager, filters=filters)
    assert sorted(incident.pk for incident in page.incidents) == [
        incidents[number].pk for number in expected
    ]


def test_a_page_costs_three_statements_and_reads_no_sealed_secret(
    incidents: list[Incident], platform_admin: User
) -> None:
    with CaptureQueriesContext(connection) as context:
        page = incidents_page(user=platform_admin, filters=IncidentFilters(state=""))
        labels = {key.key.label for incident in page.incidents for key in incident.keys.all()}
        names = {(incident.organisation.name, incident.assignee) for incident in page.incidents}
    assert len(context) == 3
    assert labels == {"Over", "Rejected", "Unknown", "Foreign"}
    assert len(names) == 2
    assert "ciphertext" not in str(context.captured_queries)


def test_pages_of_the_api_follow_each_other_by_id(
    incidents: list[Incident], platform_admin: User
) -> None:
    filters = IncidentFilters(state="")
    first = incidents_before(user=platform_admin, filters=filters, before_id=None, limit=3)
    second = incidents_before(user=platform_admin, filters=filters, before_id=first[-1].pk, limit=3)
    assert first + second == incidents[::-1]


def test_an_incident_is_found_through_its_organisation_alone(
    incidents: list[Incident], organisation: Organisation, other_organisation: Organisation
) -> None:
    assert incident_get(organisation=organisation, pk=incidents[0].pk) == incidents[0]
    for pk in (incidents[0].pk, 0, 2**64):
        with pytest.raises(NotFound):
            incident_get(organisation=other_organisation, pk=pk)


def test_keys_that_are_affected_still_come_first(
    incidents: list[Incident], make_key: MakeKey
) -> None:
    incident = incidents[1]
    incident.keys.create(
        key=make_key("Ended"), health_state="overdue", began_at=NOON, ended_at=NOON
    )
    assert [part.key.label for part in incident_keys(incident=incident)] == ["Rejected", "Ended"]


def test_an_organisation_shows_its_unresolved_incidents_worst_first(
    incidents: list[Incident], organisation: Organisation, people: People
) -> None:
    assert unresolved_incidents_of(organisation=organisation) == incidents[1:3]
    assert unresolved_counts(user=people.viewer) == {
        Severity.ACTION_NEEDED: 1, Severity.WARNING: 1,
    }  # fmt: skip
    assert unresolved_counts(user=people.stranger)[Severity.WARNING] == 0


def test_how_far_a_cause_reaches_is_told_to_platform_admins_alone(
    organisation: Organisation, other_organisation: Organisation, people: People,
    make_key: MakeKey, hand_clock: HandClock,
) -> None:  # fmt: skip
    keys = [make_key("One"), make_key("Two"), make_key("Three", at=other_organisation)]
    record(*map(failed_result, keys))
    assert causes_link(now=clock.now()) == 3
    cause = Cause.objects.get()

    reach = cause_reach(cause=cause, user=people.admin)
    assert reach is not None
    assert (reach.organisations, reach.keys) == (2, 3)
    for person in (people.manager, people.stranger):
        assert cause_reach(cause=cause, user=person) is None
    assert len(cause_incidents(cause=cause, user=people.manager)) == 2
    assert len(cause_incidents(cause=cause, user=people.admin)) == 3
    assert incidents_visible(user=people.stranger).count() == 1


def test_the_export_of_an_organisation_holds_its_incidents_and_windows_alone(
    incidents: list[Incident], organisation: Organisation, manager: User
) -> None:
    incident = incidents[1]
    incident_note_add(organisation=organisation, actor=ACTOR, incident=incident, note="Tom does")
    incident_assign(organisation=organisation, actor=ACTOR, incident=incident, assignee=manager)
    incident_mute(
        organisation=organisation, actor=ACTOR, incident=incident,
        until=clock.now() + (clock.now() - NOON), reason="at work",
    )  # fmt: skip
    today = clock.now()
    window_create(
        organisation=organisation, actor=ACTOR,
        details=WindowDetails("upgrade", "UTC", today.date(), today.time(), 60),
    )  # fmt: skip
    with CaptureQueriesContext(connection) as context:
        rows = list(incidents_export(organisation=organisation))

    assert "ciphertext" not in str(context.captured_queries)
    assert [row["id"] for row in rows] == [incident.pk for incident in incidents[:3]]
    exported = rows[1]
    assert exported["keys"][0]["key"] == "Rejected"
    assert exported["assignee"] == str(manager)
    assert [event["kind"] for event in exported["timeline"]] == [
        "opened", "state_changed", "note", "assigned", "muted",
    ]  # fmt: skip
    assert exported["mutes"][0]["reason"] == "at work"
    assert [row["reason"] for row in windows_export(organisation=organisation)] == ["upgrade"]


def test_the_export_of_a_person_holds_what_they_did_where_the_reader_may_look(
    incidents: list[Incident], organisation: Organisation, other_organisation: Organisation,
    manager: User,
) -> None:  # fmt: skip
    actor = Actor(name=f"{manager}", id=manager.pk)
    incident_note_add(organisation=organisation, actor=actor, incident=incidents[1], note="mine")
    incident_assign(organisation=organisation, actor=ACTOR, incident=incidents[1], assignee=manager)
    (row,) = person_incidents_export(person=manager, organisation_ids=None)
    assert (row["organisation"], row["kind"], row["note"]) == ("Alder", "note", "mine")
    (assignment,) = person_assignments_export(person=manager, organisation_ids=[organisation.pk])
    assert assignment["incident"] == incidents[1].pk
    elsewhere = [other_organisation.pk]
    assert person_incidents_export(person=manager, organisation_ids=elsewhere) == []
    assert person_assignments_export(person=manager, organisation_ids=elsewhere) == []


def test_a_key_that_is_exported_has_its_label(key: ApiKey, hand_clock: HandClock) -> None:
    refuse(key, clock_hand=hand_clock)
    (row,) = incidents_export(organisation=key.organisation)
    assert (row["cause"], row["assignee"]) == (None, None)
    assert row["keys"][0]["error_http_status"] == 401
