"""Members: roles are changed, members removed, and the last manager stays."""

import pytest

from freddy_admin.accounts.api_tokens import ApiTokenOptions, api_token_create
from freddy_admin.accounts.models import User
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.access import organisation_access_get
from freddy_admin.organisations.invitations import invitation_create, open_invitations_list
from freddy_admin.organisations.members import (
    member_get,
    member_remove,
    member_role_update,
    members_list,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from tests.organisations.conftest import ACTOR, member_create

pytestmark = pytest.mark.django_db


def user_role(user: User) -> Role | None:
    return organisation_access_get(user=user, slug="alder").role


def test_managers_come_first_in_two_queries(
    organisation: Organisation,
    viewer: User,
    manager: User,
    stranger: User,
    django_assert_num_queries: object,
) -> None:
    member_create(organisation, "amy", Role.OPERATOR)
    with django_assert_num_queries(2):  # type: ignore[operator]
        members = members_list(organisation=organisation)

    assert [member.name for member in members] == ["Manager", "Amy", "Viewer"]
    assert {member.has_second_factor for member in members} == {False}


def test_a_changed_role_counts_at_once(
    organisation: Organisation, viewer: User, manager: User
) -> None:
    member_role_update(organisation=organisation, actor=ACTOR, user_id=viewer.pk, role="operator")

    assert user_role(viewer) is Role.OPERATOR
    event = AuditEvent.objects.get(tag=AuditTag.MEMBER_CHANGED)
    assert (event.subject, event.details) == (str(viewer), {"old": "viewer", "new": "operator"})


def test_setting_the_same_role_records_no_event(organisation: Organisation, viewer: User) -> None:
    member_role_update(organisation=organisation, actor=ACTOR, user_id=viewer.pk, role="viewer")

    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ["", "admin", "Manager", "viewer\x00"])
def test_a_role_that_does_not_exist_is_refused(
    role: str, organisation: Organisation, viewer: User
) -> None:
    with pytest.raises(InvalidInput) as error:
        member_role_update(organisation=organisation, actor=ACTOR, user_id=viewer.pk, role=role)

    assert error.value.field == "role"


def test_the_last_manager_is_neither_lowered_nor_removed(
    organisation: Organisation, viewer: User, manager: User
) -> None:
    with pytest.raises(Conflict, match="last manager"):
        member_role_update(
            organisation=organisation, actor=ACTOR, user_id=manager.pk, role="viewer"
        )
    with pytest.raises(Conflict, match="last manager"):
        member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)

    assert user_role(manager) is Role.MANAGER
    assert not AuditEvent.objects.exists()


def test_a_manager_can_be_removed_while_another_one_stays(
    organisation: Organisation, manager: User
) -> None:
    member_create(organisation, "second", Role.MANAGER)
    member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)

    with pytest.raises(NotFound):
        organisation_access_get(user=manager, slug="alder")


def test_a_deactivated_manager_does_not_count_as_a_manager(
    organisation: Organisation, manager: User
) -> None:
    deactivated = member_create(organisation, "off", Role.MANAGER)
    User.objects.filter(pk=deactivated.pk).update(is_active=False)

    with pytest.raises(Conflict):
        member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)
    member_remove(organisation=organisation, actor=ACTOR, user_id=deactivated.pk)
    assert [member.user_id for member in members_list(organisation=organisation)] == [manager.pk]


@pytest.mark.parametrize("user_id", [0, -1, 2**63, 10**30])
def test_an_id_of_no_member_is_not_found(
    user_id: int, organisation: Organisation, viewer: User
) -> None:
    for service in (member_get, lambda **arguments: member_remove(actor=ACTOR, **arguments)):
        with pytest.raises(NotFound):
            service(organisation=organisation, user_id=user_id)


def test_a_stranger_and_a_missing_person_are_not_found_alike(
    organisation: Organisation, stranger: User, django_assert_num_queries: object
) -> None:
    messages = set()
    for user_id in (stranger.pk, stranger.pk + 1_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as error:  # type: ignore[operator]
            member_get(organisation=organisation, user_id=user_id)
        messages.add(error.value.message)

    assert len(messages) == 1


def test_a_lowered_or_removed_managers_invitations_are_withdrawn(
    organisation: Organisation, manager: User, viewer: User
) -> None:
    second_manager = member_create(organisation, "second", Role.MANAGER)
    for inviter, email in ((second_manager, "one@example.org"), (manager, "two@example.org")):
        actor = Actor(name=str(inviter), id=inviter.pk)
        invitation_create(organisation=organisation, actor=actor, email=email, role="manager")
    member_role_update(
        organisation=organisation, actor=ACTOR, user_id=second_manager.pk, role="operator"
    )

    assert [viewer.email for viewer in open_invitations_list(organisation=organisation)] == [
        "two@example.org"
    ]
    member_remove(organisation=organisation, actor=ACTOR, user_id=second_manager.pk)
    assert AuditEvent.objects.filter(tag=AuditTag.INVITATION_WITHDRAWN).count() == 1


def test_leaving_and_being_removed_are_different_events(
    organisation: Organisation, viewer: User
) -> None:
    member_actor = Actor(name=str(viewer), id=viewer.pk)
    member_remove(organisation=organisation, actor=member_actor, user_id=viewer.pk)

    assert AuditEvent.objects.get().tag == AuditTag.MEMBER_LEFT
    assert not Membership.objects.exists()


def test_panel_tokens_lose_the_organisation_too(
    organisation: Organisation, other_organisation: Organisation, viewer: User
) -> None:
    token_options = ApiTokenOptions(
        organisation_ids=frozenset({organisation.pk, other_organisation.pk})
    )
    api_token_create(actor=ACTOR, user=viewer, name="script", token_options=token_options)
    member_remove(organisation=organisation, actor=ACTOR, user_id=viewer.pk)

    assert list(viewer.api_tokens.get().organisations.all()) == [other_organisation]
