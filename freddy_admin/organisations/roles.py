"""The one table of what a role may do. Everything that asks, asks here."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """What can be allowed within an organisation."""

    VIEW = "view"
    CHECK = "check"
    START_SYNC = "start_sync"
    SWITCH_CONNECTORS = "switch_connectors"
    MANAGE_KEYS = "manage_keys"
    RENAME_ORGANISATION = "rename_organisation"
    MANAGE_MEMBERS = "manage_members"
    EXPORT_ORGANISATION = "export_organisation"
    VIEW_AUDIT = "view_audit"


class PlatformPermission(StrEnum):
    """What can be allowed over the panel as a whole; no role within an organisation has it."""

    SEE_ALL_ORGANISATIONS = "see_all_organisations"
    ADD_ORGANISATIONS = "add_organisations"
    REMOVE_ORGANISATIONS = "remove_organisations"
    MANAGE_PEOPLE = "manage_people"
    SEE_SYSTEM = "see_system"


class Role(models.TextChoices):
    """A member's role, from the one who looks to the one who manages."""

    VIEWER = "viewer", _("viewer")
    OPERATOR = "operator", _("operator")
    MANAGER = "manager", _("manager")


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.VIEW}),
    Role.OPERATOR: frozenset({Permission.VIEW, Permission.CHECK, Permission.START_SYNC}),
    Role.MANAGER: frozenset(Permission),
}

# Who may invite: an invitation is worth as much as its inviter is when it is used.
INVITING: frozenset[Role] = frozenset(
    role for role, allowed in PERMISSIONS.items() if Permission.MANAGE_MEMBERS in allowed
)

# Of a platform admin, whatever their role: all within every organisation, and over the panel.
ADMIN_PERMISSIONS: frozenset[Permission | PlatformPermission] = frozenset(
    {*Permission, *PlatformPermission}
)
