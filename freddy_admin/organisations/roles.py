"""The one table of what each role may do."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from freddy_admin.core.errors import InvalidInput


class Permission(StrEnum):
    """A right within one organisation."""

    VIEW = "view"
    CHECK = "check"
    START_SYNC = "start_sync"
    SWITCH_CONNECTORS = "switch_connectors"
    MANAGE_KEYS = "manage_keys"
    RENAME_ORGANISATION = "rename_organisation"
    MANAGE_MEMBERS = "manage_members"
    EXPORT_ORGANISATION = "export_organisation"
    VIEW_AUDIT = "view_audit"
    HANDLE_INCIDENTS = "handle_incidents"
    MANAGE_ALERTS = "manage_alerts"


class PlatformPermission(StrEnum):
    """A right over the panel as a whole; no role within an organisation includes it."""

    SEE_ALL_ORGANISATIONS = "see_all_organisations"
    ADD_ORGANISATIONS = "add_organisations"
    REMOVE_ORGANISATIONS = "remove_organisations"
    MANAGE_PEOPLE = "manage_people"
    SEE_SYSTEM = "see_system"
    MANAGE_FLEET_ALERTS = "manage_fleet_alerts"


class Role(models.TextChoices):
    """A member's role, in ascending order of rights."""

    VIEWER = "viewer", _("viewer")
    OPERATOR = "operator", _("operator")
    MANAGER = "manager", _("manager")


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.OPERATOR: frozenset(
        {
            Permission.VIEW,
            Permission.CHECK,
            Permission.START_SYNC,
            Permission.HANDLE_INCIDENTS,
        }
    ),
    Role.MANAGER: frozenset(Permission),
}


def role_clean(value: str) -> Role:
    """The role of this name. Raises InvalidInput."""
    if value not in Role.values:
        raise InvalidInput(gettext("Choose one of viewer, operator, manager."), field="role")
    return Role(value)


# Roles that may invite; an invitation is valid only while its inviter has one of them.
INVITING_ROLES: frozenset[Role] = frozenset(
    role
    for role, permissions in ROLE_PERMISSIONS.items()
    if Permission.MANAGE_MEMBERS in permissions
)
# A platform admin has every right in every organisation and over the panel, whatever the role.
ADMIN_PERMISSIONS: frozenset[Permission | PlatformPermission] = frozenset(
    {*Permission, *PlatformPermission}
)
