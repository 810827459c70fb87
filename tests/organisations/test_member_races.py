"""Two at once: the last manager stays, and a link lets one in."""

from functools import partial

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_admin_set, person_switch
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.accepting import invitation_accept, invitation_accept_as_new
from freddy_admin.organisations.invitation_mail import invitations_send_due
from freddy_admin.organisations.invitations import invitation_create, invitations_good
from freddy_admin.organisations.members import member_remove, member_role_change
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.removing import person_remove
from freddy_admin.organisations.roles import Role
from tests.at_once import (
    ON_SQLITE,
    alone,
    at_once,
    shared,  # noqa: F401  the database of these tests
)
from tests.organisations.conftest import ACTOR, enrolled, person
from tests.organisations.test_races import acme, count, mine, outcomes
from tests.web.membership import invitation_made

pytestmark = [
    pytest.mark.django_db(transaction=not ON_SQLITE),
    pytest.mark.usefixtures("shared"),
]


@pytest.mark.parametrize("_round", range(4))
def test_of_two_managers_who_go_at_once_one_stays(_round: int) -> None:
    made: Organisation = acme()
    first, second = alone(lambda: [enrolled(made, name, Role.MANAGER) for name in ("a", "b")])
    copies = [mine(made), mine(made)]
    ends = outcomes(
        partial(member_remove, organisation=copies[0], actor=ACTOR, user_id=first.pk),
        partial(
            member_role_change,
            organisation=copies[1],
            actor=ACTOR,
            user_id=second.pk,
            role="viewer",
        ),
    )

    assert sorted(ends) == ["Conflict", "done"]
    assert alone(Membership.objects.filter(role=Role.MANAGER).count) == 1


@pytest.mark.parametrize("_round", range(3))
def test_of_two_who_use_a_link_at_once_one_comes_in(_round: int) -> None:
    made = acme()
    __, link = alone(lambda: invitation_made(made, "new@example.org"))
    come = partial(
        invitation_accept_as_new, token=link, actor=ACTOR, name="Nia", password="other-words-42"
    )
    ends = outcomes(come, come, come)

    assert ends.count("done") == 1
    assert set(ends) <= {"done", "NotFound", "Conflict"}
    assert alone(User.objects.count) == 1


def test_two_workers_send_a_mail_once() -> None:
    made = acme()
    alone(
        lambda: invitation_create(
            organisation=made, actor=ACTOR, email="new@example.org", role="viewer"
        )
    )

    assert sorted(at_once([invitations_send_due, invitations_send_due])) == [0, 1]
    assert alone(Invitation.objects.get).attempts == 1


@pytest.mark.parametrize("_round", range(3))
def test_of_two_platform_admins_who_go_at_once_one_stays(_round: int) -> None:
    first, second = alone(lambda: [person(name, admin=True) for name in ("a", "b")])
    ends = outcomes(
        partial(person_admin_set, actor=ACTOR, person_id=first.pk, is_admin=False),
        partial(person_remove, actor=ACTOR, person_id=second.pk),
    )

    assert sorted(ends) == ["Conflict", "done"]
    assert alone(User.objects.filter(is_platform_admin=True).count) == 1


def test_somebody_removed_while_they_come_in_breaks_nothing() -> None:
    made = acme()
    user: User = alone(lambda: person("ada"))
    __, link = alone(lambda: invitation_made(made, user.email))
    ends = outcomes(
        partial(invitation_accept, token=link, actor=ACTOR, user=user),
        partial(person_remove, actor=ACTOR, person_id=user.pk),
    )

    assert ends[1] == "done"
    assert ends[0] in {"done", "NotFound"}
    assert alone(Membership.objects.count) == 0


@pytest.mark.parametrize("by", ["member_role_change", "person_admin_set"])
@pytest.mark.parametrize("_round", range(3))
def test_a_link_used_while_its_inviter_is_lowered_was_faster_or_is_dead(
    _round: int, by: str
) -> None:
    made = acme()
    admin = by == "person_admin_set"
    inviter = alone(lambda: _inviter(made, admin=admin))
    __, link = alone(lambda: invitation_made(made, "new@example.org", invited_by_id=inviter.pk))
    lower = {
        "member_role_change": partial(
            member_role_change,
            organisation=mine(made),
            actor=ACTOR,
            user_id=inviter.pk,
            role="viewer",
        ),
        "person_admin_set": partial(
            person_admin_set, actor=ACTOR, person_id=inviter.pk, is_admin=False
        ),
    }[by]
    lowered, used = outcomes(
        lower,
        partial(
            invitation_accept_as_new, token=link, actor=ACTOR, name="Nia", password="other-words-42"
        ),
    )

    assert lowered == "done"
    assert used in {"done", "NotFound"}
    # Exactly one of the two: either it let somebody in, or it was withdrawn.
    assert count(Tag.INVITATION_ACCEPTED) == (used == "done")
    assert count(Tag.INVITATION_WITHDRAWN) == (used != "done")
    assert alone(User.objects.filter(email="new@example.org").exists) == (used == "done")


@pytest.mark.parametrize("by", ["person_admin_set", "person_switch", "person_remove"])
@pytest.mark.parametrize("_round", range(4))
def test_who_is_lowered_while_they_invite_has_invited_to_nothing(_round: int, by: str) -> None:
    made = acme()
    admin = by == "person_admin_set" or bool(_round % 2)
    inviter = alone(lambda: _inviter(made, admin=admin))
    invites = partial(
        invitation_create,
        organisation=mine(made),
        actor=Actor("b", id=inviter.pk),
        email="new@example.org",
        role="manager",
    )
    lower = partial(
        {
            "person_admin_set": partial(person_admin_set, is_admin=False),
            "person_switch": partial(person_switch, is_active=False),
            "person_remove": person_remove,
        }[by],
        actor=ACTOR,
        person_id=inviter.pk,
    )
    ends = outcomes(invites, lower)

    assert (ends[0] in {"done", "NotAllowed"}, ends[1]) == (True, "done")
    assert not alone(invitations_good().exists)
    # Not only dead: given the right again, they would have found it alive.
    assert not alone(Invitation.objects.filter(ended_at=None).exists)


@pytest.mark.parametrize("_round", range(6))
def test_who_loses_both_rights_to_invite_at_once_has_invited_to_nothing(_round: int) -> None:
    made = acme()
    inviter = alone(lambda: _inviter(made, admin=True))
    alone(lambda: Membership.objects.create(organisation=made, user=inviter, role=Role.MANAGER))
    alone(lambda: invitation_made(made, "new@example.org", invited_by_id=inviter.pk))
    ends = outcomes(
        partial(
            member_role_change,
            organisation=mine(made),
            actor=ACTOR,
            user_id=inviter.pk,
            role="viewer",
        ),
        partial(person_admin_set, actor=ACTOR, person_id=inviter.pk, is_admin=False),
    )

    assert ends == ["done", "done"]
    assert not alone(Invitation.objects.filter(ended_at=None).exists)
    assert count(Tag.INVITATION_WITHDRAWN) == 1


def _inviter(made: Organisation, *, admin: bool) -> User:
    person("a", admin=True)
    enrolled(made, "c", Role.MANAGER)
    return person("b", admin=True) if admin else enrolled(made, "b", Role.MANAGER)
