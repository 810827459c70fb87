"""No code path edits or deletes a recorded event."""

import pytest

from freddy_admin.audit.models import AppendOnlyError, AuditEvent
from freddy_admin.audit.services import (
    OPERATOR,
    Actor,
    OrganisationRef,
    audit_event_record,
    audit_event_record_for_organisations,
)
from freddy_admin.audit.tags import AuditTag

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> AuditEvent:
    return audit_event_record(
        tag=AuditTag.KEY_ADDED,
        actor=OPERATOR,
        organisation=OrganisationRef(1, "Acme"),
        subject="main",
    )


def test_a_written_event_cannot_be_saved_again(event: AuditEvent) -> None:
    event.subject = "forged"
    with pytest.raises(AppendOnlyError, match="append-only"):
        event.save()
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.get().save(update_fields=["subject"])

    assert AuditEvent.objects.get().subject == "main"


def test_a_written_event_cannot_be_deleted(event: AuditEvent) -> None:
    for delete in (event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            delete()

    assert AuditEvent.objects.count() == 1


def test_no_queryset_method_edits_events(event: AuditEvent) -> None:
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.update(subject="forged")
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.filter(pk=event.pk).update(subject="forged")
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.bulk_update([event], ["subject"])
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.update_or_create(pk=event.pk, defaults={"subject": "forged"})

    assert AuditEvent.objects.get().subject == "main"


def test_an_event_stores_names_beside_ids(event: AuditEvent) -> None:
    ada = Actor(name="Ada (ada@example.org)", id=7, address="192.0.2.1")
    recorded = audit_event_record(
        tag=AuditTag.MEMBER_ADDED,
        actor=ada,
        organisation=OrganisationRef(3, "Nord"),
        subject="bob",
        new="viewer",
    )
    recorded.refresh_from_db()

    assert (recorded.actor_id, recorded.actor_name, recorded.address) == (7, ada.name, "192.0.2.1")
    assert (recorded.organisation_id, recorded.organisation_name) == (3, "Nord")
    assert recorded.details == {"new": "viewer"}
    assert "member_added" in str(recorded)


def test_names_that_are_too_long_are_cut() -> None:
    audit_event_record(
        tag=AuditTag.KEY_ADDED,
        actor=Actor(name="a" * 999),
        organisation=OrganisationRef(1, "o" * 999),
        subject="s" * 999,
    )
    event = AuditEvent.objects.get()

    assert (len(event.actor_name), len(event.organisation_name)) == (254, 120)
    assert len(event.subject) == 200


def test_one_event_is_recorded_for_each_of_many_organisations() -> None:
    organisations = [OrganisationRef(number, f"Organisation {number}") for number in range(3)]
    audit_event_record_for_organisations(
        tag=AuditTag.ORGANISATION_CREATED, actor=OPERATOR, organisations=organisations
    )

    events = AuditEvent.objects.order_by("organisation_id")
    assert [(event.organisation_id, event.subject) for event in events] == [
        (organisation.id, organisation.name) for organisation in organisations
    ]
