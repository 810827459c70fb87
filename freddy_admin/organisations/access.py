"""What one person may do in one organisation."""

from dataclasses import dataclass

from freddy_admin.audit.services import Place
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission, Role


@dataclass(frozen=True, slots=True)
class Access:
    """An organisation as one person sees it; a platform admin has no role and may do all."""

    organisation: Organisation
    role: Role | None
    permissions: frozenset[Permission]

    def allows(self, permission: Permission) -> bool:
        """Whether the person may do this here."""
        return permission in self.permissions

    @property
    def place(self) -> Place:
        """Where the audit log puts what happens here."""
        return place_of(self.organisation)


def place_of(organisation: Organisation) -> Place:
    """The organisation as the audit log remembers it."""
    return Place(id=organisation.pk, name=organisation.name)
