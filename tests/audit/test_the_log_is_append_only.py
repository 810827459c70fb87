"""No code path edits or deletes what was written down."""

import pytest

from freddy_admin.audit.models import AppendOnlyError, AuditEvent
from freddy_admin.audit.services import OPERATOR, Actor, Place, audit_record, audit_record_each
from freddy_admin.audit.tags import Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> AuditEvent:
    return audit_record(tag=Tag.KEY_ADDED, actor=OPERATOR, place=Place(1, "Acme"), subject="main")


def test_a_written_event_cannot_be_saved_again(event: AuditEvent) -> None:
    event.subject = "forged"
    with pytest.raises(AppendOnlyError, match="append-only"):
        event.save()
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.get().save(update_fields=["subject"])

    assert AuditEvent.objects.get().subject == "main"


def test_a_written_event_cannot_be_deleted(event: AuditEvent) -> None:
    for forbidden in (event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(AppendOnlyError):
            forbidden()

    assert AuditEvent.objects.count() == 1


def test_no_query_edits_events(event: AuditEvent) -> None:
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.update(subject="forged")
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.filter(pk=event.pk).update(subject="forged")
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.bulk_update([event], ["subject"])
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.update_or_create(pk=event.pk, defaults={"subject": "forged"})

    assert AuditEvent.objects.get().subject == "main"


def test_an_event_keeps_names_beside_numbers(event: AuditEvent) -> None:
    ada = Actor(name="Ada (ada@example.org)", id=7, address="192.0.2.1")
    written = audit_record(
        tag=Tag.MEMBER_ADDED, actor=ada, place=Place(3, "Nord"), subject="bob", new="viewer"
    )
    written.refresh_from_db()

    assert (written.actor_id, written.actor_name, written.address) == (7, ada.name, "192.0.2.1")
    assert (written.organisation_id, written.organisation_name) == (3, "Nord")
    assert written.details == {"new": "viewer"}
    assert "member_added" in str(written)


def test_over_long_names_are_cut_rather_than_lost() -> None:
    audit_record(
        tag=Tag.KEY_ADDED, actor=Actor(name="a" * 999), place=Place(1, "o" * 999), subject="s" * 999
    )
    event = AuditEvent.objects.get()

    assert (len(event.actor_name), len(event.organisation_name)) == (254, 120)
    assert len(event.subject) == 200


def test_the_same_event_is_written_for_many_at_once() -> None:
    places = [Place(number, f"Organisation {number}") for number in range(3)]
    audit_record_each(tag=Tag.ORGANISATION_CREATED, actor=OPERATOR, places=places)

    found = AuditEvent.objects.order_by("organisation_id")
    assert [(row.organisation_id, row.subject) for row in found] == [
        (place.id, place.name) for place in places
    ]
