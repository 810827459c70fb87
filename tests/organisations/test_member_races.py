"""Concurrent changes of members: the last manager stays, and a link admits one person."""

from functools import partial

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_set_active, person_set_platform_admin
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.invitation_acceptance import (
    invitation_accept,
    invitation_accept_with_new_account,
)
from freddy_admin.organisations.invitations import invitation_create, valid_invitations
from freddy_admin.organisations.members import member_remove, member_role_update
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.person_deletion import person_delete_with_memberships
from freddy_admin.organisations.roles import Role
from tests.concurrency import (  # noqa: F401  the database of these tests
    IS_SQLITE,
    run_concurrently,
    run_in_thread,
    shared_database,
)
from tests.mails import due_mails_send
from tests.organisations.conftest import ACTOR, member_create, user_create
from tests.organisations.test_organisation_races import (
    audit_event_count,
    organisation_alder_create,
    organisation_reload,
    service_outcomes,
)
from tests.web.member_factories import create_invitation

pytestmark = [
    pytest.mark.django_db(transaction=not IS_SQLITE),
    pytest.mark.usefixtures("shared_database"),
]


@pytest.mark.parametrize("_round", range(4))
def test_of_two_managers_removed_at_once_one_stays(_round: int) -> None:
    organisation: Organisation = organisation_alder_create()
    first_manager, second_manager = run_in_thread(
        lambda: [member_create(organisation, name, Role.MANAGER) for name in ("a", "b")]
    )
    copies = [organisation_reload(organisation), organisation_reload(organisation)]
    results = service_outcomes(
        partial(member_remove, organisation=copies[0], actor=ACTOR, user_id=first_manager.pk),
        partial(
            member_role_update,
            organisation=copies[1],
            actor=ACTOR,
            user_id=second_manager.pk,
            role="viewer",
        ),
    )

    assert sorted(results) == ["Conflict", "done"]
    assert run_in_thread(Membership.objects.filter(role=Role.MANAGER).count) == 1


@pytest.mark.parametrize("_round", range(3))
def test_a_link_used_at_once_by_several_admits_one_person(_round: int) -> None:
    organisation = organisation_alder_create()
    _invitation, link = run_in_thread(lambda: create_invitation(organisation, "new@example.org"))
    accept = partial(
        invitation_accept_with_new_account,
        token=link,
        actor=ACTOR,
        name="Nia",
        password="other-words-42",
    )
    results = service_outcomes(accept, accept, accept)

    assert results.count("done") == 1
    assert set(results) <= {"done", "NotFound", "Conflict"}
    assert run_in_thread(User.objects.count) == 1


def test_two_workers_send_a_mail_once() -> None:
    organisation = organisation_alder_create()
    run_in_thread(
        lambda: invitation_create(
            organisation=organisation, actor=ACTOR, email="new@example.org", role="viewer"
        )
    )

    assert sorted(run_concurrently([due_mails_send, due_mails_send])) == [0, 1]
    assert run_in_thread(Invitation.objects.get).sent_at is not None
    assert audit_event_count(AuditTag.INVITATION_SENT) == 1


@pytest.mark.parametrize("_round", range(3))
def test_of_two_platform_admins_removed_at_once_one_stays(_round: int) -> None:
    first_admin, second_admin = run_in_thread(
        lambda: [user_create(name, admin=True) for name in ("a", "b")]
    )
    results = service_outcomes(
        partial(person_set_platform_admin, actor=ACTOR, person_id=first_admin.pk, is_admin=False),
        partial(person_delete_with_memberships, actor=ACTOR, person_id=second_admin.pk),
    )

    assert sorted(results) == ["Conflict", "done"]
    assert run_in_thread(User.objects.filter(is_platform_admin=True).count) == 1


def test_a_person_deleted_while_accepting_an_invitation_has_no_membership() -> None:
    organisation = organisation_alder_create()
    user: User = run_in_thread(lambda: user_create("ada"))
    _invitation, link = run_in_thread(lambda: create_invitation(organisation, user.email))
    results = service_outcomes(
        partial(invitation_accept, token=link, actor=ACTOR, user=user),
        partial(person_delete_with_memberships, actor=ACTOR, person_id=user.pk),
    )

    assert results[1] == "done"
    assert results[0] in {"done", "NotFound"}
    assert run_in_thread(Membership.objects.count) == 0


@pytest.mark.parametrize("service_name", ["member_role_update", "person_set_platform_admin"])
@pytest.mark.parametrize("_round", range(3))
def test_a_link_is_either_used_or_withdrawn_while_its_inviter_is_lowered(
    _round: int, service_name: str
) -> None:
    organisation = organisation_alder_create()
    admin = service_name == "person_set_platform_admin"
    inviter = run_in_thread(lambda: _inviter(organisation, admin=admin))
    _invitation, link = run_in_thread(
        lambda: create_invitation(organisation, "new@example.org", invited_by_id=inviter.pk)
    )
    lower = {
        "member_role_update": partial(
            member_role_update,
            organisation=organisation_reload(organisation),
            actor=ACTOR,
            user_id=inviter.pk,
            role="viewer",
        ),
        "person_set_platform_admin": partial(
            person_set_platform_admin, actor=ACTOR, person_id=inviter.pk, is_admin=False
        ),
    }[service_name]
    lower_result, accept_result = service_outcomes(
        lower,
        partial(
            invitation_accept_with_new_account,
            token=link,
            actor=ACTOR,
            name="Nia",
            password="other-words-42",
        ),
    )

    assert lower_result == "done"
    assert accept_result in {"done", "NotFound"}
    # Exactly one of the two: the invitation was accepted or withdrawn.
    assert audit_event_count(AuditTag.INVITATION_ACCEPTED) == (accept_result == "done")
    assert audit_event_count(AuditTag.INVITATION_WITHDRAWN) == (accept_result != "done")
    assert run_in_thread(User.objects.filter(email="new@example.org").exists) == (
        accept_result == "done"
    )


@pytest.mark.parametrize(
    "service_name",
    ["person_set_platform_admin", "person_set_active", "person_delete_with_memberships"],
)
@pytest.mark.parametrize("_round", range(4))
def test_an_inviter_lowered_while_inviting_leaves_no_open_invitation(
    _round: int, service_name: str
) -> None:
    organisation = organisation_alder_create()
    admin = service_name == "person_set_platform_admin" or bool(_round % 2)
    inviter = run_in_thread(lambda: _inviter(organisation, admin=admin))
    invite = partial(
        invitation_create,
        organisation=organisation_reload(organisation),
        actor=Actor("b", id=inviter.pk),
        email="new@example.org",
        role="manager",
    )
    lower = partial(
        {
            "person_set_platform_admin": partial(person_set_platform_admin, is_admin=False),
            "person_set_active": partial(person_set_active, is_active=False),
            "person_delete_with_memberships": person_delete_with_memberships,
        }[service_name],
        actor=ACTOR,
        person_id=inviter.pk,
    )
    results = service_outcomes(invite, lower)

    assert (results[0] in {"done", "NotAllowed"}, results[1]) == (True, "done")
    assert not run_in_thread(valid_invitations().exists)
    # Closed, not only invalid: with the right back, the inviter's open invitations would be valid.
    assert not run_in_thread(Invitation.objects.filter(closed_at=None).exists)


@pytest.mark.parametrize("_round", range(6))
def test_an_inviter_who_loses_both_rights_at_once_leaves_no_open_invitation(_round: int) -> None:
    organisation = organisation_alder_create()
    inviter = run_in_thread(lambda: _inviter(organisation, admin=True))
    run_in_thread(
        lambda: Membership.objects.create(
            organisation=organisation, user=inviter, role=Role.MANAGER
        )
    )
    run_in_thread(
        lambda: create_invitation(organisation, "new@example.org", invited_by_id=inviter.pk)
    )
    results = service_outcomes(
        partial(
            member_role_update,
            organisation=organisation_reload(organisation),
            actor=ACTOR,
            user_id=inviter.pk,
            role="viewer",
        ),
        partial(person_set_platform_admin, actor=ACTOR, person_id=inviter.pk, is_admin=False),
    )

    assert results == ["done", "done"]
    assert not run_in_thread(Invitation.objects.filter(closed_at=None).exists)
    assert audit_event_count(AuditTag.INVITATION_WITHDRAWN) == 1


def _inviter(organisation: Organisation, *, admin: bool) -> User:
    user_create("a", admin=True)
    member_create(organisation, "c", Role.MANAGER)
    return user_create("b", admin=True) if admin else member_create(organisation, "b", Role.MANAGER)
