"""A person sees their own organisations and cannot tell that others exist."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    can_create_organisations,
    organisation_access_get,
    organisations_visible,
)
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.selectors import (
    organisation_assignable_users,
    organisation_get_by_slug,
)
from tests.organisations.conftest import member_create, user_create

pytestmark = pytest.mark.django_db


def not_found_error(user: Any, slug: str) -> tuple[type, str, str | None, int]:
    with pytest.raises(NotFound) as raised:
        organisation_access_get(user=user, slug=slug)
    error = raised.value
    return type(error), error.message, error.field, error.http_status


def test_a_member_gets_their_organisation_with_their_role(
    organisation: Organisation, viewer: User
) -> None:
    access = organisation_access_get(user=viewer, slug="alder")

    assert access.organisation == organisation
    assert access.role is Role.VIEWER
    assert (access.audit_ref.id, access.audit_ref.name) == (organisation.pk, "Alder")


def test_a_stranger_gets_the_error_of_a_missing_organisation(
    organisation: Organisation, stranger: User
) -> None:
    assert not_found_error(stranger, "alder") == not_found_error(stranger, "no-such-thing")


def test_a_stranger_costs_the_queries_of_a_missing_organisation(
    organisation: Organisation, stranger: User, django_assert_num_queries: Any
) -> None:
    for slug in ("alder", "no-such-thing"):
        with django_assert_num_queries(1):
            not_found_error(stranger, slug)


def test_a_member_is_let_in_with_one_query(
    organisation: Organisation, viewer: User, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        organisation_access_get(user=viewer, slug="alder")


def test_an_anonymous_user_sees_nothing(organisation: Organisation) -> None:
    anonymous = AnonymousUser()

    assert not_found_error(anonymous, "alder") == not_found_error(anonymous, "no-such-thing")
    assert not organisations_visible(user=anonymous)
    assert not can_create_organisations(user=anonymous)


def test_a_deactivated_person_sees_nothing_at_once(
    organisation: Organisation, viewer: User, platform_admin: User
) -> None:
    for person in (viewer, platform_admin):
        person.is_active = False
        not_found_error(person, "alder")
        assert not can_create_organisations(user=person)


def test_a_deleted_membership_counts_at_once(organisation: Organisation, viewer: User) -> None:
    Membership.objects.filter(user=viewer).delete()

    not_found_error(viewer, "alder")


def test_a_person_sees_their_own_organisations_alone(
    organisation: Organisation,
    other_organisation: Organisation,
    viewer: User,
    stranger: User,
    platform_admin: User,
) -> None:
    assert list(organisations_visible(user=viewer)) == [organisation]
    assert list(organisations_visible(user=stranger)) == [other_organisation]
    assert list(organisations_visible(user=platform_admin)) == [organisation, other_organisation]


def test_several_memberships_show_each_organisation_once(
    organisation: Organisation, other_organisation: Organisation, viewer: User
) -> None:
    Membership.objects.create(organisation=other_organisation, user=viewer, role=Role.OPERATOR)
    member_create(organisation, "second", Role.VIEWER)

    assert list(organisations_visible(user=viewer)) == [organisation, other_organisation]


def test_assignable_users_are_members_and_platform_admins(
    organisation: Organisation, viewer: User, manager: User, stranger: User, platform_admin: User
) -> None:
    deactivated = member_create(organisation, "gone", Role.VIEWER)
    User.objects.filter(pk=deactivated.pk).update(is_active=False)
    user_create("Bystander")

    assert organisation_assignable_users(organisation=organisation) == [
        platform_admin,
        manager,
        viewer,
    ]


def test_a_command_finds_any_organisation_by_slug(organisation: Organisation) -> None:
    assert organisation_get_by_slug(slug="alder") == organisation
    with pytest.raises(NotFound, match="birch"):
        organisation_get_by_slug(slug="birch")
