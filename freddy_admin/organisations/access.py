"""The rights of one person in one organisation."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from freddy_admin.audit.services import OrganisationRef
from freddy_admin.core.errors import NotAllowed
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission, Role


@dataclass(frozen=True, slots=True)
class Access:
    """An organisation as one person sees it; a platform admin has no role and may do all."""

    organisation: Organisation
    role: Role | None
    permissions: frozenset[Permission]

    def allows(self, permission: Permission) -> bool:
        """Whether the person has this permission in the organisation."""
        return permission in self.permissions

    @property
    def audit_ref(self) -> OrganisationRef:
        """The organisation as audit events refer to it."""
        return organisation_audit_ref(self.organisation)


def organisation_audit_ref(organisation: Organisation) -> OrganisationRef:
    """The organisation as audit events refer to it: id and present name."""
    return OrganisationRef(id=organisation.pk, name=organisation.name)


def require_permission(access: Access, permission: Permission) -> None:
    """Raises NotAllowed, with the message for this permission, where the role does not allow it."""
    if not access.allows(permission):
        raise permission_denied(permission)


def permission_denied(permission: Permission) -> NotAllowed:
    """The error that says who has this permission."""
    return NotAllowed(_DENIAL_MESSAGES[permission]())


_DENIAL_MESSAGES: dict[Permission, Callable[[], str]] = {
    Permission.VIEW: lambda: _("You may not look at this organisation."),
    Permission.CHECK: lambda: _("As a viewer you may look, but not ask for checks."),
    Permission.START_SYNC: lambda: _("As a viewer you may look, but not start syncs."),
    Permission.SWITCH_CONNECTORS: lambda: _(
        "Connectors are switched on and off by the organisation's managers."
    ),
    Permission.MANAGE_KEYS: lambda: _("API keys are looked after by the organisation's managers."),
    Permission.RENAME_ORGANISATION: lambda: _("Only a manager may rename the organisation."),
    Permission.MANAGE_MEMBERS: lambda: _("Members are looked after by the managers."),
    Permission.VIEW_AUDIT: lambda: _("The audit log is for the organisation's managers."),
    Permission.EXPORT_ORGANISATION: lambda: _("Only a manager may export the organisation."),
}
