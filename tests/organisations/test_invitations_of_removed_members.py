"""Invitations that were open when a person was removed or lowered do not restore a role."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_set_platform_admin
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.invitation_acceptance import invitation_accept_with_new_account
from freddy_admin.organisations.invitations import invitation_create, invitation_get_by_token
from freddy_admin.organisations.members import member_remove, member_role_update
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.organisations.person_deletion import person_delete_with_memberships
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_ensure
from tests.organisations.conftest import ACTOR, member_create, user_create
from tests.web.member_factories import create_invitation

pytestmark = pytest.mark.django_db


def invited_member_create(organisation: Organisation) -> tuple[User, str]:
    """A person invited as a manager, then added as a viewer by a command; with the link."""
    user = user_create("nia")
    link = create_invitation(organisation, user.email, Role.MANAGER)[1]
    member_ensure(organisation=organisation, actor=ACTOR, user=user, role=Role.VIEWER)
    return user, link


def is_link_invalid(link: str) -> bool:
    try:
        invitation_get_by_token(token=link)
    except NotFound:
        return True
    return False


def test_a_removed_member_cannot_rejoin_by_an_older_link(
    organisation: Organisation, other_organisation: Organisation
) -> None:
    user, link = invited_member_create(organisation)
    other_link = create_invitation(other_organisation, user.email)[1]
    member_remove(organisation=organisation, actor=ACTOR, user_id=user.pk)

    assert is_link_invalid(link)
    assert not is_link_invalid(other_link)
    assert AuditEvent.objects.filter(tag=AuditTag.INVITATION_WITHDRAWN, subject=user.email).exists()


def test_a_changed_role_is_not_raised_by_an_older_link(organisation: Organisation) -> None:
    user, link = invited_member_create(organisation)
    member_role_update(organisation=organisation, actor=ACTOR, user_id=user.pk, role="operator")

    assert is_link_invalid(link)


def test_a_deleted_person_cannot_make_an_account_by_an_older_link(
    organisation: Organisation, other_organisation: Organisation, platform_admin: User
) -> None:
    user = member_create(organisation, "nia", Role.VIEWER)
    link = create_invitation(other_organisation, user.email, Role.MANAGER)[1]
    person_delete_with_memberships(actor=ACTOR, person_id=user.pk)

    with pytest.raises(NotFound):
        invitation_accept_with_new_account(
            token=link, actor=ACTOR, name="Nia", password="other-words-42"
        )
    assert not User.objects.filter(email=user.email).exists()


def test_a_former_platform_admins_invitations_stay_only_where_they_manage(
    organisation: Organisation, other_organisation: Organisation, platform_admin: User
) -> None:
    former_admin = user_create("former", admin=True)
    former_admin_actor = Actor(name="former", id=former_admin.pk)
    member_ensure(organisation=organisation, actor=ACTOR, user=former_admin, role=Role.MANAGER)
    for target in (organisation, other_organisation):
        invitation_create(
            organisation=target,
            actor=former_admin_actor,
            email="second-self@example.org",
            role="manager",
        )
    person_set_platform_admin(actor=ACTOR, person_id=former_admin.pk, is_admin=False)

    open_invitations = Invitation.objects.filter(closed_at=None)
    assert [invitation.organisation_id for invitation in open_invitations] == [organisation.pk]
    former_admin.refresh_from_db()
    assert not former_admin.is_platform_admin
