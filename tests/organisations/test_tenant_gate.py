"""A person sees the organisations they belong to; of the others not even that they exist."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import (
    may_create_organisations,
    organisation_find,
    organisation_get,
    organisation_people,
    organisations_visible,
)
from tests.organisations.conftest import enrolled, person

pytestmark = pytest.mark.django_db


def refusal(user: Any, slug: str) -> tuple[type, str, str | None, int]:
    with pytest.raises(NotFound) as refused:
        organisation_get(user=user, slug=slug)
    error = refused.value
    return type(error), error.message, error.field, error.http_status


def test_a_member_gets_their_organisation_with_their_role(
    organisation: Organisation, member: User
) -> None:
    access = organisation_get(user=member, slug="acme")

    assert access.organisation == organisation
    assert access.role is Role.VIEWER
    assert (access.place.id, access.place.name) == (organisation.pk, "Acme")


def test_a_stranger_is_told_what_is_told_of_a_missing_one(
    organisation: Organisation, stranger: User
) -> None:
    assert refusal(stranger, "acme") == refusal(stranger, "no-such-thing")


def test_a_stranger_costs_the_same_queries_as_a_missing_one(
    organisation: Organisation, stranger: User, django_assert_num_queries: Any
) -> None:
    for slug in ("acme", "no-such-thing"):
        with django_assert_num_queries(1):
            refusal(stranger, slug)


def test_a_member_is_let_in_with_one_query(
    organisation: Organisation, member: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        organisation_get(user=member, slug="acme")


def test_nobody_in_particular_sees_nothing(organisation: Organisation) -> None:
    nobody = AnonymousUser()

    assert refusal(nobody, "acme") == refusal(nobody, "no-such-thing")
    assert not organisations_visible(user=nobody)
    assert not may_create_organisations(user=nobody)


def test_a_person_switched_off_sees_nothing_at_once(
    organisation: Organisation, member: User, admin: User
) -> None:
    for user in (member, admin):
        user.is_active = False
        refusal(user, "acme")
        assert not may_create_organisations(user=user)


def test_a_membership_taken_away_counts_at_once(organisation: Organisation, member: User) -> None:
    Membership.objects.filter(user=member).delete()

    refusal(member, "acme")


def test_lists_hold_own_organisations_alone(
    organisation: Organisation, other: Organisation, member: User, stranger: User, admin: User
) -> None:
    assert list(organisations_visible(user=member)) == [organisation]
    assert list(organisations_visible(user=stranger)) == [other]
    assert list(organisations_visible(user=admin)) == [organisation, other]


def test_several_memberships_show_each_organisation_once(
    organisation: Organisation, other: Organisation, member: User
) -> None:
    Membership.objects.create(organisation=other, user=member, role=Role.OPERATOR)
    enrolled(organisation, "second", Role.VIEWER)

    assert list(organisations_visible(user=member)) == [organisation, other]


def test_owners_are_chosen_from_members_and_platform_admins(
    organisation: Organisation, member: User, manager: User, stranger: User, admin: User
) -> None:
    gone = enrolled(organisation, "gone", Role.VIEWER)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    person("Bystander")

    assert organisation_people(organisation=organisation) == [admin, manager, member]


def test_a_command_finds_any_organisation_by_slug(organisation: Organisation) -> None:
    assert organisation_find(slug="acme") == organisation
    with pytest.raises(NotFound, match="nord"):
        organisation_find(slug="nord")
