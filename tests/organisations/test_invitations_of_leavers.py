"""Nobody comes back by an invitation that was open while they were put out or lowered."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_admin_set
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.accepting import invitation_accept_as_new
from freddy_admin.organisations.invitations import invitation_create, invitation_find
from freddy_admin.organisations.members import member_remove, member_role_change
from freddy_admin.organisations.models import Invitation, Organisation
from freddy_admin.organisations.removing import person_remove
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.services import member_set
from tests.organisations.conftest import ACTOR, enrolled, person
from tests.web.membership import invitation_made

pytestmark = pytest.mark.django_db


def added_by_command(organisation: Organisation) -> tuple[User, str]:
    """Somebody who was invited as a manager, and then added as a viewer by a command."""
    user = person("nia")
    link = invitation_made(organisation, user.email, Role.MANAGER)[1]
    member_set(organisation=organisation, actor=ACTOR, user=user, role=Role.VIEWER)
    return user, link


def is_dead(link: str) -> bool:
    try:
        invitation_find(token=link)
    except NotFound:
        return True
    return False


def test_who_is_taken_out_is_not_let_in_again_by_an_older_link(
    organisation: Organisation, other: Organisation
) -> None:
    user, link = added_by_command(organisation)
    elsewhere = invitation_made(other, user.email)[1]
    member_remove(organisation=organisation, actor=ACTOR, user_id=user.pk)

    assert is_dead(link)
    assert not is_dead(elsewhere)
    assert AuditEvent.objects.filter(tag=Tag.INVITATION_WITHDRAWN, subject=user.email).exists()


def test_a_role_that_was_changed_is_not_raised_by_an_older_link(organisation: Organisation) -> None:
    user, link = added_by_command(organisation)
    member_role_change(organisation=organisation, actor=ACTOR, user_id=user.pk, role="operator")

    assert is_dead(link)


def test_who_is_removed_from_the_panel_makes_no_new_account_by_an_older_link(
    organisation: Organisation, other: Organisation, admin: User
) -> None:
    user = enrolled(organisation, "nia", Role.VIEWER)
    link = invitation_made(other, user.email, Role.MANAGER)[1]
    person_remove(actor=ACTOR, person_id=user.pk)

    with pytest.raises(NotFound):
        invitation_accept_as_new(token=link, actor=ACTOR, name="Nia", password="other-words-42")
    assert not User.objects.filter(email=user.email).exists()


def test_what_a_former_platform_admin_invited_to_is_withdrawn_but_where_they_manage(
    organisation: Organisation, other: Organisation, admin: User
) -> None:
    former = person("former", admin=True)
    own = Actor(name="former", id=former.pk)
    member_set(organisation=organisation, actor=ACTOR, user=former, role=Role.MANAGER)
    for place in (organisation, other):
        invitation_create(
            organisation=place, actor=own, email="second-self@example.org", role="manager"
        )
    person_admin_set(actor=ACTOR, person_id=former.pk, is_admin=False)

    still_open = Invitation.objects.filter(ended_at=None)
    assert [one.organisation_id for one in still_open] == [organisation.pk]
    former.refresh_from_db()
    assert not former.is_platform_admin
