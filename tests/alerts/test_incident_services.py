"""What people do with incidents: who may, what is kept of it, what never reopens one."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_set_active, person_set_platform_admin
from freddy_admin.alerts.incidents.assignees import incident_assignees
from freddy_admin.alerts.incidents.selectors import incident_timeline
from freddy_admin.alerts.incidents.services import (
    NOTE_MAX_LENGTH,
    incident_acknowledge,
    incident_assign,
    incident_note_add,
    incident_unacknowledge,
)
from freddy_admin.alerts.models import (
    Incident,
    IncidentEvent,
    IncidentEventKind,
    IncidentState,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.members import member_remove, member_role_update
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.person_deletion import person_delete_with_memberships
from freddy_admin.organisations.roles import Role
from freddy_admin.vault.models import ApiKey
from tests.alerts.conftest import ACTOR, HandClock, good_result, record, refuse
from tests.people import People, user_create

pytestmark = pytest.mark.django_db
Kind = IncidentEventKind


@pytest.fixture
def incident(key: ApiKey, hand_clock: HandClock) -> Incident:
    refuse(key, clock_hand=hand_clock)
    return Incident.objects.get()


def last_event() -> IncidentEvent:
    return IncidentEvent.objects.latest("pk")


def test_whoever_acknowledges_is_named_in_incident_timeline_and_audit_log(
    incident: Incident, organisation: Organisation
) -> None:
    row = incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)

    assert (row.state, row.acknowledged_at, row.acknowledged_by) == (
        IncidentState.ACKNOWLEDGED, clock.now(), ACTOR.name,
    )  # fmt: skip
    event = last_event()
    assert (event.kind, event.actor_name, event.actor_id) == (
        Kind.ACKNOWLEDGED,
        ACTOR.name,
        ACTOR.id,
    )
    audit_event = AuditEvent.objects.get(tag=AuditTag.INCIDENT_ACKNOWLEDGED)
    assert (audit_event.subject, audit_event.organisation_id) == (
        str(incident.pk), organisation.pk,
    )  # fmt: skip


def test_the_first_acknowledgement_stays(incident: Incident, organisation: Organisation) -> None:
    incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)
    row = incident_acknowledge(
        organisation=organisation, actor=Actor(name="Bo", id=2), incident=incident
    )
    assert row.acknowledged_by == ACTOR.name
    assert IncidentEvent.objects.filter(kind=Kind.ACKNOWLEDGED).count() == 1


def test_an_acknowledgement_is_withdrawn_once(
    incident: Incident, organisation: Organisation
) -> None:
    incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)
    for _ in range(2):
        row = incident_unacknowledge(organisation=organisation, actor=ACTOR, incident=incident)
        assert (row.state, row.acknowledged_at, row.acknowledged_by) == (
            IncidentState.OPEN, None, "",
        )  # fmt: skip
    assert IncidentEvent.objects.filter(kind=Kind.UNACKNOWLEDGED).count() == 1


def test_acknowledging_what_is_over_does_not_reopen_it(
    incident: Incident, key: ApiKey, organisation: Organisation
) -> None:
    stale = Incident.objects.get()
    record(good_result(key))

    for change in (incident_acknowledge, incident_unacknowledge):
        with pytest.raises(Conflict):
            change(organisation=organisation, actor=ACTOR, incident=stale)
    with pytest.raises(Conflict):
        incident_assign(organisation=organisation, actor=ACTOR, incident=stale, assignee=None)
    assert Incident.objects.get().state == IncidentState.RESOLVED


def test_a_recovery_keeps_who_acknowledged(
    incident: Incident, key: ApiKey, organisation: Organisation
) -> None:
    incident_acknowledge(organisation=organisation, actor=ACTOR, incident=incident)
    record(good_result(key))

    row = Incident.objects.get()
    assert (row.state, row.acknowledged_by) == (IncidentState.RESOLVED, ACTOR.name)


def test_an_incident_is_assigned_to_who_may_handle_it(
    incident: Incident, organisation: Organisation, people: People
) -> None:
    assert incident_assignees(organisation=organisation) == [people.manager, people.operator]
    for person in (people.operator, people.admin):
        incident_assign(organisation=organisation, actor=ACTOR, incident=incident, assignee=person)
        event = last_event()
        assert (event.kind, event.details) == (Kind.ASSIGNED, {"assignee": str(person)})
    for person in (people.viewer, people.stranger):
        with pytest.raises(InvalidInput):
            incident_assign(
                organisation=organisation, actor=ACTOR, incident=incident, assignee=person
            )
    incident_assign(organisation=organisation, actor=ACTOR, incident=incident, assignee=None)
    incident_assign(organisation=organisation, actor=ACTOR, incident=incident, assignee=None)
    assert Incident.objects.get().assignee is None
    assert IncidentEvent.objects.filter(kind=Kind.UNASSIGNED).count() == 1
    assert AuditEvent.objects.filter(tag=AuditTag.INCIDENT_UNASSIGNED).count() == 1


def test_a_note_keeps_its_lines_and_is_not_repeated_in_the_audit_log(
    incident: Incident, key: ApiKey, organisation: Organisation
) -> None:
    record(good_result(key))  # also once it is over
    note = "  Tom is on it.\r\n\r\n<b>New key</b>\ttomorrow  "
    incident_note_add(organisation=organisation, actor=ACTOR, incident=incident, note=note)

    assert last_event().note == "Tom is on it.\n\n<b>New key</b> tomorrow"
    assert incident_timeline(incident=incident)[-1] == last_event()
    audit_event = AuditEvent.objects.get(tag=AuditTag.INCIDENT_NOTED)
    assert "Tom" not in f"{audit_event.subject}{audit_event.details}"


@pytest.mark.parametrize(
    "note",
    [
        "", " \n ", "\u200d", "a\u202eb", "x" * (NOTE_MAX_LENGTH + 1), "x" * 9 * NOTE_MAX_LENGTH,
        "x\n" * (NOTE_MAX_LENGTH // 2 + 1) + "y",
    ],
)  # fmt: skip
def test_a_note_that_says_nothing_or_too_much_is_refused(
    incident: Incident, organisation: Organisation, note: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        incident_note_add(organisation=organisation, actor=ACTOR, incident=incident, note=note)
    assert raised.value.field == "note"


def test_nobody_reaches_an_incident_through_another_organisation(
    incident: Incident, other_organisation: Organisation
) -> None:
    foreign = {"organisation": other_organisation, "actor": ACTOR, "incident": incident}
    for change in (incident_acknowledge, incident_unacknowledge):
        with pytest.raises(NotFound):
            change(**foreign)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        incident_assign(**foreign, assignee=None)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        incident_note_add(**foreign, note="hello")  # type: ignore[arg-type]
    assert not IncidentEvent.objects.exclude(actor_name="").exists()


def assign(incident: Incident, person: User) -> None:
    incident_assign(
        organisation=incident.organisation, actor=ACTOR, incident=incident, assignee=person
    )


def test_a_member_who_leaves_or_only_looks_from_now_on_looks_after_nothing(
    incident: Incident, organisation: Organisation, people: People
) -> None:
    assign(incident, people.operator)
    member_role_update(
        organisation=organisation, actor=ACTOR, user_id=people.operator.pk, role=Role.MANAGER
    )
    assert Incident.objects.get().assignee == people.operator
    member_role_update(
        organisation=organisation, actor=ACTOR, user_id=people.operator.pk, role=Role.VIEWER
    )
    assert Incident.objects.get().assignee is None
    assert last_event().details == {"assignee": str(people.operator)}
    assign(incident, people.manager)
    member_role_update(
        organisation=organisation, actor=ACTOR, user_id=people.operator.pk, role=Role.MANAGER
    )
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.manager.pk)
    assert Incident.objects.get().assignee is None


def test_a_person_who_is_deleted_leaves_a_line_in_the_timeline(
    incident: Incident, people: People
) -> None:
    assign(incident, people.operator)
    person_delete_with_memberships(actor=ACTOR, person_id=people.operator.pk)

    event = last_event()
    assert Incident.objects.get().assignee is None
    assert (event.kind, event.actor_name) == (Kind.UNASSIGNED, ACTOR.name)
    assert event.details == {"assignee": str(people.operator)}


def test_a_person_who_is_switched_off_looks_after_nothing(
    incident: Incident, people: People
) -> None:
    assign(incident, people.operator)
    person_set_active(actor=ACTOR, person_id=people.operator.pk, is_active=False)
    assert Incident.objects.get().assignee is None


def test_a_former_platform_admin_keeps_what_a_role_allows(
    incident: Incident, organisation: Organisation, people: People
) -> None:
    user_create("other-admin", admin=True)
    assign(incident, people.admin)
    person_set_platform_admin(actor=ACTOR, person_id=people.admin.pk, is_admin=False)
    assert Incident.objects.get().assignee is None
    person_set_platform_admin(actor=ACTOR, person_id=people.manager.pk, is_admin=True)
    assign(incident, people.manager)
    person_set_platform_admin(actor=ACTOR, person_id=people.manager.pk, is_admin=False)
    assert Incident.objects.get().assignee == people.manager


def test_what_is_over_keeps_who_looked_after_it(
    incident: Incident, key: ApiKey, organisation: Organisation, people: People
) -> None:
    assign(incident, people.operator)
    record(good_result(key))
    member_remove(organisation=organisation, actor=ACTOR, user_id=people.operator.pk)
    assert Incident.objects.get().assignee == people.operator


def test_an_organisation_is_deleted_with_its_open_incidents(
    incident: Incident, organisation: Organisation
) -> None:
    incident_note_add(organisation=organisation, actor=ACTOR, incident=incident, note="hello")
    organisation.delete()
    assert not Incident.objects.exists()
    assert not IncidentEvent.objects.exists()
