"""Creating, renaming and deleting organisations, and setting members."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import (
    member_ensure,
    organisation_create,
    organisation_delete,
    organisation_rename,
)
from tests.organisations.conftest import ACTOR
from tests.statement_hooks import before_first_statement

pytestmark = pytest.mark.django_db


def audit_events() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.order_by("id")
    return [(row.tag, row.organisation_name, row.subject) for row in rows]


def test_a_new_organisation_has_a_slug_and_one_event() -> None:
    organisation = organisation_create(actor=ACTOR, name="  Zürich & Söhne AG ")

    assert (organisation.name, organisation.slug) == ("Zürich & Söhne AG", "zurich-sohne-ag")
    assert audit_events() == [(AuditTag.ORGANISATION_CREATED, organisation.name, organisation.name)]


@pytest.mark.parametrize("name", ["Alder", "ALDER", " alder ", "aLder"])
def test_a_name_that_is_taken_is_refused_whatever_its_case(
    name: str, organisation: Organisation
) -> None:
    with pytest.raises(InvalidInput, match="already an organisation") as error:
        organisation_create(actor=ACTOR, name=name)

    assert error.value.field == "name"
    assert audit_events() == []


@pytest.mark.parametrize("name", ["", "x" * 121, "a\u202eb", "a\x00b"])
def test_an_unusable_name_is_refused_beside_its_field(name: str) -> None:
    with pytest.raises(InvalidInput) as error:
        organisation_create(actor=ACTOR, name=name)

    assert error.value.field == "name"


def test_names_are_compared_without_case_beyond_ascii() -> None:
    organisation_create(actor=ACTOR, name="Ärzte")

    with pytest.raises(InvalidInput):
        organisation_create(actor=ACTOR, name="ÄRZTE")


def test_a_concurrent_creation_of_the_same_name_is_a_conflict() -> None:
    rival = Organisation(name="Alder", slug="alder")
    with (
        before_first_statement('INSERT INTO "organisations_organisation"', rival.save),
        pytest.raises(Conflict, match="same moment"),
    ):
        organisation_create(actor=ACTOR, name="Alder")
    assert rival.pk is not None
    assert not AuditEvent.objects.exists()


def test_a_renamed_organisation_keeps_its_address(organisation: Organisation) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name="Alder International")
    organisation.refresh_from_db()

    assert (organisation.name, organisation.slug) == ("Alder International", "alder")
    (event,) = AuditEvent.objects.all()
    assert event.details == {"old": "Alder", "new": "Alder International"}


def test_a_rename_may_change_case_but_not_take_another_name(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name="ALDER")

    with pytest.raises(InvalidInput):
        organisation_rename(organisation=organisation, actor=ACTOR, name="birch")


def test_renaming_to_the_same_name_records_no_event(organisation: Organisation) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name=" Alder ")

    assert audit_events() == []


def test_a_deleted_organisation_loses_its_members_and_keeps_its_log(
    organisation: Organisation, viewer: User
) -> None:
    organisation_delete(organisation=organisation, actor=ACTOR)

    assert not Organisation.objects.exists()
    assert not Membership.objects.exists()
    assert User.objects.filter(pk=viewer.pk).exists()
    assert audit_events() == [(AuditTag.ORGANISATION_REMOVED, "Alder", "Alder")]
    assert AuditEvent.objects.get().organisation_id is not None


def test_a_new_member_is_recorded_once(organisation: Organisation, stranger: User) -> None:
    member_ensure(organisation=organisation, actor=ACTOR, user=stranger, role="operator")
    member_ensure(organisation=organisation, actor=ACTOR, user=stranger, role=Role.OPERATOR)

    assert stranger.memberships.get(organisation=organisation).role == Role.OPERATOR
    assert audit_events() == [(AuditTag.MEMBER_ADDED, "Alder", "Stranger")]


def test_a_changed_role_is_recorded_with_old_and_new_value(
    organisation: Organisation, viewer: User
) -> None:
    member_ensure(organisation=organisation, actor=ACTOR, user=viewer, role=Role.MANAGER)

    (event,) = AuditEvent.objects.all()
    assert event.tag == AuditTag.MEMBER_CHANGED
    assert event.details == {"old": "viewer", "new": "manager"}


def test_a_role_that_does_not_exist_is_refused(organisation: Organisation, viewer: User) -> None:
    with pytest.raises(InvalidInput) as error:
        member_ensure(organisation=organisation, actor=ACTOR, user=viewer, role="owner")

    assert error.value.field == "role"


def test_a_deactivated_person_cannot_become_a_member(
    organisation: Organisation, stranger: User
) -> None:
    stranger.is_active = False

    with pytest.raises(InvalidInput):
        member_ensure(organisation=organisation, actor=ACTOR, user=stranger, role=Role.VIEWER)


def test_an_organisation_deleted_meanwhile_is_not_found(organisation: Organisation) -> None:
    organisation_delete(organisation=Organisation.objects.get(), actor=ACTOR)
    with pytest.raises(NotFound):
        organisation_delete(organisation=organisation, actor=ACTOR)
    with pytest.raises(NotFound):
        organisation_rename(organisation=organisation, actor=ACTOR, name="Other")
    assert [tag for tag, *_ in audit_events()] == [AuditTag.ORGANISATION_REMOVED]
