"""Members: roles change, people go, and the last manager stays."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.accounts.tokens.grants import TokenWish
from freddy_admin.accounts.tokens.panel_tokens import api_token_create
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.services import Actor
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.invitations import invitation_create, invitations_open
from freddy_admin.organisations.members import (
    member_get,
    member_remove,
    member_role_change,
    members_of,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import organisation_get
from tests.organisations.conftest import ACTOR, enrolled

pytestmark = pytest.mark.django_db


def role_of(user: User) -> Role | None:
    return organisation_get(user=user, slug="acme").role


def test_managers_come_first_in_two_queries(
    organisation: Organisation,
    member: User,
    manager: User,
    stranger: User,
    django_assert_num_queries: object,
) -> None:
    enrolled(organisation, "amy", Role.OPERATOR)
    with django_assert_num_queries(2):  # type: ignore[operator]
        found = members_of(organisation=organisation)

    assert [one.name.partition("@")[0] for one in found] == ["manager", "amy", "member"]
    assert {one.has_second_factor for one in found} == {False}


def test_a_role_counts_from_the_next_question_on(
    organisation: Organisation, member: User, manager: User
) -> None:
    member_role_change(organisation=organisation, actor=ACTOR, user_id=member.pk, role="operator")

    assert role_of(member) is Role.OPERATOR
    event = AuditEvent.objects.get(tag=Tag.MEMBER_CHANGED)
    assert (event.subject, event.details) == (str(member), {"old": "viewer", "new": "operator"})


def test_the_same_role_again_is_no_event(organisation: Organisation, member: User) -> None:
    member_role_change(organisation=organisation, actor=ACTOR, user_id=member.pk, role="viewer")

    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("role", ["", "admin", "Manager", "viewer\x00"])
def test_a_role_that_does_not_exist_is_refused(
    role: str, organisation: Organisation, member: User
) -> None:
    with pytest.raises(InvalidInput) as refused:
        member_role_change(organisation=organisation, actor=ACTOR, user_id=member.pk, role=role)

    assert refused.value.field == "role"


def test_the_last_manager_is_neither_lowered_nor_removed(
    organisation: Organisation, member: User, manager: User
) -> None:
    with pytest.raises(Conflict, match="last manager"):
        member_role_change(
            organisation=organisation, actor=ACTOR, user_id=manager.pk, role="viewer"
        )
    with pytest.raises(Conflict, match="last manager"):
        member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)

    assert role_of(manager) is Role.MANAGER
    assert not AuditEvent.objects.exists()


def test_with_another_manager_the_first_may_go(organisation: Organisation, manager: User) -> None:
    enrolled(organisation, "second", Role.MANAGER)
    member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)

    with pytest.raises(NotFound):
        organisation_get(user=manager, slug="acme")


def test_a_manager_who_is_switched_off_is_no_other_manager(
    organisation: Organisation, manager: User
) -> None:
    off = enrolled(organisation, "off", Role.MANAGER)
    User.objects.filter(pk=off.pk).update(is_active=False)

    with pytest.raises(Conflict):
        member_remove(organisation=organisation, actor=ACTOR, user_id=manager.pk)
    member_remove(organisation=organisation, actor=ACTOR, user_id=off.pk)
    assert [one.user_id for one in members_of(organisation=organisation)] == [manager.pk]


@pytest.mark.parametrize("user_id", [0, -1, 2**63, 10**30])
def test_a_number_that_is_nobodys_is_not_found(
    user_id: int, organisation: Organisation, member: User
) -> None:
    for call in (member_get, lambda **who: member_remove(actor=ACTOR, **who)):
        with pytest.raises(NotFound):
            call(organisation=organisation, user_id=user_id)


def test_a_stranger_is_as_missing_as_nobody_with_the_same_queries(
    organisation: Organisation, stranger: User, django_assert_num_queries: object
) -> None:
    told = set()
    for user_id in (stranger.pk, stranger.pk + 1_000):
        with django_assert_num_queries(1), pytest.raises(NotFound) as refused:  # type: ignore[operator]
            member_get(organisation=organisation, user_id=user_id)
        told.add(refused.value.message)

    assert len(told) == 1


def test_who_goes_leaves_no_open_invitations(
    organisation: Organisation, manager: User, member: User
) -> None:
    second = enrolled(organisation, "second", Role.MANAGER)
    for inviter, email in ((second, "one@example.org"), (manager, "two@example.org")):
        actor = Actor(name=str(inviter), id=inviter.pk)
        invitation_create(organisation=organisation, actor=actor, email=email, role="manager")
    member_role_change(organisation=organisation, actor=ACTOR, user_id=second.pk, role="operator")

    assert [one.email for one in invitations_open(organisation=organisation)] == ["two@example.org"]
    member_remove(organisation=organisation, actor=ACTOR, user_id=second.pk)
    assert AuditEvent.objects.filter(tag=Tag.INVITATION_WITHDRAWN).count() == 1


def test_leaving_is_told_apart_from_being_removed(organisation: Organisation, member: User) -> None:
    own = Actor(name=str(member), id=member.pk)
    member_remove(organisation=organisation, actor=own, user_id=member.pk)

    assert AuditEvent.objects.get().tag == Tag.MEMBER_LEFT
    assert not Membership.objects.exists()


def test_panel_tokens_lose_the_organisation_too(
    organisation: Organisation, other: Organisation, member: User
) -> None:
    wish = TokenWish(organisation_ids=frozenset({organisation.pk, other.pk}))
    api_token_create(actor=ACTOR, user=member, name="script", wish=wish)
    member_remove(organisation=organisation, actor=ACTOR, user_id=member.pk)

    assert list(member.api_tokens.get().organisations.all()) == [other]
