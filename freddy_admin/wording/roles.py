"""Roles and permissions in words: what each is called, what it is for, what it allows."""

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_lazy as _

from freddy_admin.organisations.roles import Permission, PlatformPermission, Role
from freddy_admin.wording.sentences import Text


def role_name(role: Role) -> str:
    """The role's name with a capital letter, for headings."""
    return str(role.label).capitalize()


def role_sentence(role: Role) -> str:
    """What a role is for, where it is chosen."""
    return str(_ROLE_SENTENCES[role])


def permission_sentence(permission: Permission | PlatformPermission) -> str:
    """What a permission allows, in plain words."""
    return str(_PERMISSION_SENTENCES[permission])


_ROLE_SENTENCES: Final[Mapping[Role, Text]] = {
    Role.VIEWER: _("looks, and changes nothing"),
    Role.OPERATOR: _("looks, asks for checks, starts syncs and takes on incidents"),
    Role.MANAGER: _("does what an operator does, and looks after keys, connectors and members"),
}
_PERMISSION_SENTENCES: Final[Mapping[Permission | PlatformPermission, Text]] = {
    Permission.VIEW: _("See the organisation: its keys' states, history, connectors and members"),
    Permission.CHECK: _("Ask Aitronos now: check a key, fetch a list anew"),
    Permission.START_SYNC: _("Start a sync"),
    Permission.SWITCH_CONNECTORS: _("Switch connectors on and off"),
    Permission.MANAGE_KEYS: _("Add, replace, describe, pause and revoke API keys"),
    Permission.RENAME_ORGANISATION: _("Rename the organisation"),
    Permission.MANAGE_MEMBERS: _("Invite people, change their roles, remove them"),
    Permission.EXPORT_ORGANISATION: _("Take a copy of all that is kept, without secrets"),
    Permission.VIEW_AUDIT: _(
        "Read the organisation's audit log: who did what (everybody reads their own part)"
    ),
    Permission.HANDLE_INCIDENTS: _("Take on, assign, mute and comment incidents"),
    Permission.MANAGE_ALERTS: _(
        "Settle who is told of what: rules, channels and maintenance windows"
    ),
    PlatformPermission.SEE_ALL_ORGANISATIONS: _(
        "See and do all this in every organisation, without being a member"
    ),
    PlatformPermission.ADD_ORGANISATIONS: _("Add organisations"),
    PlatformPermission.REMOVE_ORGANISATIONS: _("Remove organisations"),
    PlatformPermission.MANAGE_PEOPLE: _(
        "See all people, switch accounts off and on, make platform admins, remove people"
    ),
    PlatformPermission.SEE_SYSTEM: _(
        "See the condition of the panel, and the audit log of everything"
    ),
    PlatformPermission.MANAGE_FLEET_ALERTS: _(
        "Settle who is told of what in the whole panel: its rules, channels and windows"
    ),
}
