"""The page that explains roles, read off the very table that decides."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)

AnyPermission = Permission | PlatformPermission


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """A sentence, and for each column whether it holds."""

    sentence: str
    cells: list[tuple[str, bool]]  # the column's name, for narrow screens


@dataclass(frozen=True, slots=True)
class RolePermissionsContext:
    """The table in two parts: within an organisation, and over the panel."""

    columns: list[str]
    organisation_rows: list[PermissionRow]
    panel_rows: list[PermissionRow]


def role_permissions_context() -> RolePermissionsContext:
    """Each permission there is, and who has it."""
    columns: list[tuple[str, Collection[AnyPermission]]] = [
        (role_name(role), ROLE_PERMISSIONS[role]) for role in Role
    ]
    columns.append((_("Platform admin"), ADMIN_PERMISSIONS))
    return RolePermissionsContext(
        columns=[name for name, __ in columns],
        organisation_rows=[_permission_row(permission, columns) for permission in Permission],
        panel_rows=[_permission_row(permission, columns) for permission in PlatformPermission],
    )


def role_name(role: Role) -> str:
    """The role's name with a capital letter, for headings."""
    return str(role.label).capitalize()


def role_sentence(role: Role) -> str:
    """What a role is for, where it is chosen."""
    return _ROLE_SENTENCES[role]()


def _permission_row(
    permission: AnyPermission, columns: list[tuple[str, Collection[AnyPermission]]]
) -> PermissionRow:
    cells = [(name, permission in allowed) for name, allowed in columns]
    return PermissionRow(permission_sentence(permission), cells)


def permission_sentence(permission: AnyPermission) -> str:
    """What a permission allows, in plain words."""
    return _PERMISSION_SENTENCES[permission]()


_ROLE_SENTENCES: dict[Role, Callable[[], str]] = {
    Role.VIEWER: lambda: _("looks, and changes nothing"),
    Role.OPERATOR: lambda: _("looks, asks for checks and starts syncs"),
    Role.MANAGER: lambda: _(
        "does what an operator does, and looks after keys, connectors and members"
    ),
}
_PERMISSION_SENTENCES: dict[AnyPermission, Callable[[], str]] = {
    Permission.VIEW: lambda: _(
        "See the organisation: its keys' states, history, connectors and members"
    ),
    Permission.CHECK: lambda: _("Ask Aitronos now: check a key, fetch a list anew"),
    Permission.START_SYNC: lambda: _("Start a sync"),
    Permission.SWITCH_CONNECTORS: lambda: _("Switch connectors on and off"),
    Permission.MANAGE_KEYS: lambda: _("Add, replace, describe, pause and revoke API keys"),
    Permission.RENAME_ORGANISATION: lambda: _("Rename the organisation"),
    Permission.MANAGE_MEMBERS: lambda: _("Invite people, change their roles, remove them"),
    Permission.EXPORT_ORGANISATION: lambda: _("Take a copy of all that is kept, without secrets"),
    Permission.VIEW_AUDIT: lambda: _(
        "Read the organisation's audit log: who did what (everybody reads their own part)"
    ),
    PlatformPermission.SEE_ALL_ORGANISATIONS: lambda: _(
        "See and do all this in every organisation, without being a member"
    ),
    PlatformPermission.ADD_ORGANISATIONS: lambda: _("Add organisations"),
    PlatformPermission.REMOVE_ORGANISATIONS: lambda: _("Remove organisations"),
    PlatformPermission.MANAGE_PEOPLE: lambda: _(
        "See all people, switch accounts off and on, make platform admins, remove people"
    ),
    PlatformPermission.SEE_SYSTEM: lambda: _(
        "See the condition of the panel, and the audit log of everything"
    ),
}
