"""Whatever is sent to any address of the panel: only who may invite has open invitations.

`tests/organisations/test_role_change_entry_points.py` shows it of services and commands.
"""

from collections.abc import Callable

import pytest
from django.db.models import Q

from freddy_admin.accounts.models import User
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from tests.web.actions.scenario import Scenario
from tests.web.conftest import MakeKey, People, SignIn
from tests.web.fuzz_rollback_helpers import close_response
from tests.web.member_factories import create_invitation
from tests.web.test_every_write_is_audited import WRITES

pytestmark = pytest.mark.django_db
# Of these the table of actions is known to take a right away.
LOWERING_ACTIONS = {"member", "member_remove", "organisation_leave", "person_remove"}


def make_everybody_invite(organisation: Organisation) -> None:
    """Let each person be a manager or a platform admin, with an open invitation."""
    Membership.objects.update(role=Role.MANAGER)
    for person in User.objects.filter(Q(is_platform_admin=True) | Q(memberships__isnull=False)):
        create_invitation(organisation, invited_by_id=person.pk)


def open_invitations_of_people_who_may_not_invite() -> list[Invitation]:
    managers = Q(memberships__role=Role.MANAGER)
    inviters = User.objects.filter(Q(is_platform_admin=True) | managers, is_active=True)
    return list(Invitation.objects.filter(closed_at=None).exclude(invited_by_id__in=inviters))


@pytest.mark.parametrize("name", WRITES)
def test_no_action_leaves_an_open_invitation_of_somebody_who_may_not_invite(
    name: str,
    people: People,
    organisation: Organisation,
    make_key: MakeKey,
    signed_in: SignIn,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    scene = Scenario(people, organisation, make_key, signed_in)
    action, action_request = WRITES[name], WRITES[name].build_request(scene)
    client = scene.client(action.actor_role)
    make_everybody_invite(organisation)
    open_count = Invitation.objects.filter(closed_at=None).count()
    close_response(action_request.send(client))
    assert open_invitations_of_people_who_may_not_invite() == []
    if name in LOWERING_ACTIONS:
        assert Invitation.objects.filter(closed_at=None).count() == open_count - 1
