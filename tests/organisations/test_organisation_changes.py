"""Adding, renaming and removing an organisation, and who belongs to it."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations import services
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import (
    member_set,
    organisation_create,
    organisation_remove,
    organisation_rename,
)
from tests.organisations.conftest import ACTOR

pytestmark = pytest.mark.django_db


def events() -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.order_by("id")
    return [(row.tag, row.organisation_name, row.subject) for row in rows]


def test_a_new_organisation_has_a_slug_and_one_event() -> None:
    made = organisation_create(actor=ACTOR, name="  Zürich & Söhne AG ")

    assert (made.name, made.slug) == ("Zürich & Söhne AG", "zurich-sohne-ag")
    assert events() == [(Tag.ORGANISATION_CREATED, made.name, made.name)]


@pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "aCMe"])
def test_a_name_that_is_taken_is_refused_whatever_its_case(
    name: str, organisation: Organisation
) -> None:
    with pytest.raises(InvalidInput, match="already an organisation") as refused:
        organisation_create(actor=ACTOR, name=name)

    assert refused.value.field == "name"
    assert events() == []


@pytest.mark.parametrize("name", ["", "x" * 121, "a\u202eb", "a\x00b"])
def test_an_unusable_name_is_refused_beside_its_field(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        organisation_create(actor=ACTOR, name=name)

    assert refused.value.field == "name"


def test_letters_beyond_ascii_are_compared_too() -> None:
    organisation_create(actor=ACTOR, name="Ärzte")

    with pytest.raises(InvalidInput):
        organisation_create(actor=ACTOR, name="ÄRZTE")


def test_two_who_are_equally_fast_get_one_organisation(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_refuse_taken", lambda name, besides: None)

    with pytest.raises(Conflict, match="same moment"):
        organisation_create(actor=ACTOR, name="Acme")
    assert Organisation.objects.count() == 1


def test_a_renamed_organisation_keeps_its_address(organisation: Organisation) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name="Acme International")
    organisation.refresh_from_db()

    assert (organisation.name, organisation.slug) == ("Acme International", "acme")
    (event,) = AuditEvent.objects.all()
    assert event.details == {"old": "Acme", "new": "Acme International"}


def test_a_name_may_change_its_case_but_not_become_another_s(
    organisation: Organisation, other: Organisation
) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name="ACME")

    with pytest.raises(InvalidInput):
        organisation_rename(organisation=organisation, actor=ACTOR, name="nord")


def test_renaming_to_the_same_name_is_no_event(organisation: Organisation) -> None:
    organisation_rename(organisation=organisation, actor=ACTOR, name=" Acme ")

    assert events() == []


def test_a_removed_organisation_takes_its_members_and_leaves_its_log(
    organisation: Organisation, member: User
) -> None:
    organisation_remove(organisation=organisation, actor=ACTOR)

    assert not Organisation.objects.exists()
    assert not Membership.objects.exists()
    assert User.objects.filter(pk=member.pk).exists()
    assert events() == [(Tag.ORGANISATION_REMOVED, "Acme", "Acme")]
    assert AuditEvent.objects.get().organisation_id is not None


def test_a_new_member_is_one_event(organisation: Organisation, stranger: User) -> None:
    member_set(organisation=organisation, actor=ACTOR, user=stranger, role="operator")
    member_set(organisation=organisation, actor=ACTOR, user=stranger, role=Role.OPERATOR)

    assert stranger.memberships.get(organisation=organisation).role == Role.OPERATOR
    assert events() == [(Tag.MEMBER_ADDED, "Acme", "stranger@example.org")]


def test_a_changed_role_is_one_event_with_old_and_new(
    organisation: Organisation, member: User
) -> None:
    member_set(organisation=organisation, actor=ACTOR, user=member, role=Role.MANAGER)

    (event,) = AuditEvent.objects.all()
    assert event.tag == Tag.MEMBER_CHANGED
    assert event.details == {"old": "viewer", "new": "manager"}


def test_a_role_that_does_not_exist_is_refused(organisation: Organisation, member: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        member_set(organisation=organisation, actor=ACTOR, user=member, role="owner")

    assert refused.value.field == "role"


def test_a_person_switched_off_becomes_no_member(
    organisation: Organisation, stranger: User
) -> None:
    stranger.is_active = False

    with pytest.raises(InvalidInput):
        member_set(organisation=organisation, actor=ACTOR, user=stranger, role=Role.VIEWER)


def test_what_somebody_else_removed_meanwhile_is_not_found(organisation: Organisation) -> None:
    organisation_remove(organisation=Organisation.objects.get(), actor=ACTOR)
    with pytest.raises(NotFound):
        organisation_remove(organisation=organisation, actor=ACTOR)
    with pytest.raises(NotFound):
        organisation_rename(organisation=organisation, actor=ACTOR, name="Other")
    assert [tag for tag, *_ in events()] == [Tag.ORGANISATION_REMOVED]
