"""Every entry point that lowers a right withdraws the invitations of former managers."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.management import call_command
from django.test import Client

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import (
    person_delete,
    person_set_active,
    person_set_platform_admin,
)
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import NotAllowed, NotFound
from freddy_admin.organisations.invitation_acceptance import invitation_accept_with_new_account
from freddy_admin.organisations.invitations import (
    invitation_create,
    invitation_get_by_token,
    invitation_resend,
)
from freddy_admin.organisations.members import member_remove, member_role_update
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.person_deletion import person_delete_with_memberships
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_ensure
from freddy_admin.vault.services.offboarding import member_offboard, person_offboard
from tests.mails import due_mails_send
from tests.organisations.conftest import ACTOR, Actor, member_create, user_create
from tests.web.conftest import mark_reauthenticated
from tests.web.member_factories import create_invitation

pytestmark = pytest.mark.django_db
INVITED = "second-self@example.org"


@dataclass
class RoleChangeScenario:
    """A person who invited somebody, in an organisation that has another manager, too."""

    organisation: Organisation
    person: User

    def browser(self, user: User | None = None) -> Client:
        """A client signed in as this user, or as a platform admin."""
        client, user = Client(), user or User.objects.get(email="root@example.org")
        client.force_login(user)
        mark_reauthenticated(client, user)
        return client

    def post(self, path: str, user: User | None = None, **fields: str) -> None:
        response = self.browser(user).post(path, fields)
        assert response.status_code == 302, response.content.decode()

    @property
    def member_path(self) -> str:
        return f"/organisations/alder/members/{self.person.pk}/"

    @property
    def person_path(self) -> str:
        return f"/people/{self.person.pk}/"


RoleChange = Callable[[RoleChangeScenario], object]
# A manager loses the role or the membership.
MANAGER_ROLE_CHANGES: dict[str, RoleChange] = {
    "organisations.members.member_role_update": lambda scenario: member_role_update(
        organisation=scenario.organisation, actor=ACTOR, user_id=scenario.person.pk, role="operator"
    ),
    "organisations.members.member_remove": lambda scenario: member_remove(
        organisation=scenario.organisation, actor=ACTOR, user_id=scenario.person.pk
    ),
    "organisations.services.member_ensure": lambda scenario: member_ensure(
        organisation=scenario.organisation, actor=ACTOR, user=scenario.person, role="operator"
    ),
    "organisations.person_deletion.person_delete_with_memberships": lambda scenario: (
        person_delete_with_memberships(actor=ACTOR, person_id=scenario.person.pk)
    ),
    "vault.services.offboarding.member_offboard": lambda scenario: member_offboard(
        organisation=scenario.organisation, actor=ACTOR, user_id=scenario.person.pk
    ),
    "vault.services.offboarding.person_offboard": lambda scenario: person_offboard(
        actor=ACTOR, person_id=scenario.person.pk
    ),
    "accounts.people.person_set_active": lambda scenario: person_set_active(
        actor=ACTOR, person_id=scenario.person.pk, is_active=False
    ),
    "accounts.people.person_delete": lambda scenario: person_delete(
        actor=ACTOR, person_id=scenario.person.pk
    ),
    "ops.management.commands.add_member.Command": lambda scenario: call_command(
        "add_member", scenario.person.email, organisation="alder", role="viewer"
    ),
    "web.pages.member.views.member_role_update_view": lambda scenario: scenario.post(
        scenario.member_path, role="viewer"
    ),
    "web.pages.member.views.member_remove_view": lambda scenario: scenario.post(
        f"{scenario.member_path}remove/"
    ),
    "web.pages.member.views.organisation_leave_view": lambda scenario: scenario.post(
        "/organisations/alder/leave/", scenario.person
    ),
    "web.pages.person.views.person_admin_or_active_update_view": lambda scenario: scenario.post(
        f"{scenario.person_path}change/", do="off"
    ),
    "web.pages.person.views.person_delete_view": lambda scenario: scenario.post(
        f"{scenario.person_path}remove/", email=scenario.person.email
    ),
}
# A platform admin who is no member loses that right.
ADMIN_ROLE_CHANGES: dict[str, RoleChange] = {
    "accounts.people.person_set_platform_admin": lambda scenario: person_set_platform_admin(
        actor=ACTOR, person_id=scenario.person.pk, is_admin=False
    ),
    "accounts.people.person_set_active": MANAGER_ROLE_CHANGES["accounts.people.person_set_active"],
    "accounts.people.person_delete": MANAGER_ROLE_CHANGES["accounts.people.person_delete"],
    "organisations.person_deletion.person_delete_with_memberships": MANAGER_ROLE_CHANGES[
        "organisations.person_deletion.person_delete_with_memberships"
    ],
    "vault.services.offboarding.person_offboard": MANAGER_ROLE_CHANGES[
        "vault.services.offboarding.person_offboard"
    ],
    "web.pages.person.views.person_admin_or_active_update_view": lambda scenario: scenario.post(
        f"{scenario.person_path}change/", do="not_admin"
    ),
    "web.pages.person.views.person_delete_view": MANAGER_ROLE_CHANGES[
        "web.pages.person.views.person_delete_view"
    ],
}


@pytest.fixture
def scenario(organisation: Organisation) -> RoleChangeScenario:
    user_create("root", admin=True)
    member_create(organisation, "colleague", Role.MANAGER)
    return RoleChangeScenario(organisation, user_create("ada"))


@pytest.mark.parametrize("entry_point", MANAGER_ROLE_CHANGES)
def test_a_manager_lowered_by_any_entry_point_leaves_no_open_invitation(
    entry_point: str, scenario: RoleChangeScenario, other_organisation: Organisation
) -> None:
    Membership.objects.create(
        organisation=scenario.organisation, user=scenario.person, role=Role.MANAGER
    )
    _expect_invitation_withdrawn(MANAGER_ROLE_CHANGES[entry_point], scenario)


@pytest.mark.parametrize("entry_point", ADMIN_ROLE_CHANGES)
def test_a_platform_admin_lowered_by_any_entry_point_leaves_no_open_invitation(
    entry_point: str, scenario: RoleChangeScenario
) -> None:
    User.objects.filter(pk=scenario.person.pk).update(is_platform_admin=True)
    scenario.person.refresh_from_db()
    _expect_invitation_withdrawn(ADMIN_ROLE_CHANGES[entry_point], scenario)


def _expect_invitation_withdrawn(role_change: RoleChange, scenario: RoleChangeScenario) -> None:
    inviter_fields = {"invited_by": "ada", "invited_by_id": scenario.person.pk}
    invitation, link = create_invitation(
        scenario.organisation, INVITED, Role.MANAGER, **inviter_fields
    )
    colleague = User.objects.get(email="colleague@example.org")
    _, other_link = create_invitation(
        scenario.organisation, "x@example.org", invited_by_id=colleague.pk
    )
    role_change(scenario)

    invitation.refresh_from_db()
    assert (invitation.closed_at is not None, invitation.digest) == (True, "")
    assert (
        AuditEvent.objects.filter(tag=AuditTag.INVITATION_WITHDRAWN, subject=INVITED).count() == 1
    )
    with pytest.raises(NotFound):
        invitation_accept_with_new_account(
            token=link, actor=ACTOR, name="Ada", password="other-words-42"
        )
    assert not User.objects.filter(email=INVITED).exists()
    assert invitation_get_by_token(token=other_link)


def test_a_platform_admin_lowered_as_a_member_still_invites_everywhere(
    scenario: RoleChangeScenario,
) -> None:
    User.objects.filter(pk=scenario.person.pk).update(is_platform_admin=True)
    Membership.objects.create(
        organisation=scenario.organisation, user=scenario.person, role=Role.MANAGER
    )
    _, link = create_invitation(scenario.organisation, INVITED, invited_by_id=scenario.person.pk)
    member_role_update(
        organisation=scenario.organisation,
        actor=ACTOR,
        user_id=scenario.person.pk,
        role=Role.VIEWER,
    )

    assert invitation_get_by_token(token=link)


def test_an_invitation_of_a_former_manager_is_neither_accepted_nor_mailed(
    scenario: RoleChangeScenario,
) -> None:
    # Lowered without withdrawing invitations, as a race or an older version might leave it.
    Membership.objects.create(
        organisation=scenario.organisation, user=scenario.person, role=Role.MANAGER
    )
    actor = Actor("ada", id=scenario.person.pk)
    open_invitation = invitation_create(
        organisation=scenario.organisation, actor=actor, email="y@example.org", role="viewer"
    )
    _, link = create_invitation(scenario.organisation, INVITED, invited_by_id=scenario.person.pk)
    assert invitation_get_by_token(token=link)
    Membership.objects.filter(user=scenario.person).update(role=Role.OPERATOR)

    response = Client().get(f"/invitations/{link}/")
    assert response.status_code == 404
    with pytest.raises(NotFound):
        invitation_accept_with_new_account(
            token=link, actor=ACTOR, name="Ada", password="other-words-42"
        )
    assert due_mails_send() == 0
    with pytest.raises(NotAllowed):
        invitation_create(
            organisation=scenario.organisation, actor=actor, email="z@example.org", role="viewer"
        )
    with pytest.raises(NotAllowed):
        invitation_resend(
            organisation=scenario.organisation, actor=actor, invitation_id=open_invitation.pk
        )
    # A manager can invite the address again before the old invitation expires.
    assert invitation_create(
        organisation=scenario.organisation, actor=ACTOR, email=INVITED, role="viewer"
    ).pk
    assert Invitation.objects.filter(email=INVITED, closed_at=None).count() == 1
