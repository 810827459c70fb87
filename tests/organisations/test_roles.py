"""The table of permissions by role."""

import pytest

from freddy_admin.accounts.models import User
from freddy_admin.organisations.access import can_create_organisations, organisation_access_get
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission, Role

VIEW, CHECK = Permission.VIEW, Permission.CHECK
START, SWITCH = Permission.START_SYNC, Permission.SWITCH_CONNECTORS
KEYS, RENAME = Permission.MANAGE_KEYS, Permission.RENAME_ORGANISATION
MEMBERS, EXPORT = Permission.MANAGE_MEMBERS, Permission.EXPORT_ORGANISATION
AUDIT = Permission.VIEW_AUDIT
INCIDENTS, ALERTS = Permission.HANDLE_INCIDENTS, Permission.MANAGE_ALERTS


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        (Role.VIEWER, {VIEW}),
        (Role.OPERATOR, {VIEW, CHECK, START, INCIDENTS}),
        (
            Role.MANAGER,
            {
                *(VIEW, CHECK, START, SWITCH, KEYS, RENAME, MEMBERS, EXPORT, AUDIT),
                *(INCIDENTS, ALERTS),
            },
        ),
    ],
)
def test_each_role_has_exactly_its_permissions(
    role: Role, permissions: set[Permission], organisation: Organisation, viewer: User
) -> None:
    Membership.objects.filter(user=viewer).update(role=role)
    access = organisation_access_get(user=viewer, slug="alder")

    assert {permission for permission in Permission if access.allows(permission)} == permissions
    assert not can_create_organisations(user=viewer)


@pytest.mark.django_db
def test_a_platform_admin_may_do_all_without_being_a_member(
    organisation: Organisation, platform_admin: User
) -> None:
    access = organisation_access_get(user=platform_admin, slug="alder")

    assert access.role is None
    assert access.permissions == frozenset(Permission)
    assert can_create_organisations(user=platform_admin)


@pytest.mark.django_db
def test_a_viewer_role_takes_no_permission_from_a_platform_admin(
    organisation: Organisation, platform_admin: User
) -> None:
    Membership.objects.create(organisation=organisation, user=platform_admin, role=Role.VIEWER)
    access = organisation_access_get(user=platform_admin, slug="alder")

    assert access.role is Role.VIEWER
    assert access.permissions == frozenset(Permission)


def test_every_role_includes_the_one_before() -> None:
    viewer, operator, manager = (ROLE_PERMISSIONS[role] for role in Role)

    assert viewer < operator < manager
