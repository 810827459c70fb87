"""The rights of one person in one organisation."""

from dataclasses import dataclass

from freddy_admin.audit.services import OrganisationRef
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
