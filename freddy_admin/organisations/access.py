"""What one person may see and do: in an organisation, over the panel, and whose addresses.

Addresses are for those who manage members: an organisation's managers and platform admins.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from freddy_admin.accounts.models import User
from freddy_admin.audit.services import OrganisationRef
from freddy_admin.core.compiled_queries import Param
from freddy_admin.core.errors import NotAllowed, NotFound
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)

NO_PERMISSIONS: frozenset[Permission] = frozenset()
_ALL_PERMISSIONS = frozenset(Permission) & ADMIN_PERMISSIONS
_DENIAL_MESSAGES = {
    Permission.VIEW: gettext_lazy("You may not look at this organisation."),
    Permission.CHECK: gettext_lazy("As a viewer you may look, but not ask for checks."),
    Permission.START_SYNC: gettext_lazy("As a viewer you may look, but not start syncs."),
    Permission.SWITCH_CONNECTORS: gettext_lazy(
        "Connectors are switched on and off by the organisation's managers."
    ),
    Permission.MANAGE_KEYS: gettext_lazy(
        "API keys are looked after by the organisation's managers."
    ),
    Permission.RENAME_ORGANISATION: gettext_lazy("Only a manager may rename the organisation."),
    Permission.MANAGE_MEMBERS: gettext_lazy("Members are looked after by the managers."),
    Permission.VIEW_AUDIT: gettext_lazy("The audit log is for the organisation's managers."),
    Permission.EXPORT_ORGANISATION: gettext_lazy("Only a manager may export the organisation."),
    Permission.HANDLE_INCIDENTS: gettext_lazy(
        "As a viewer you may look, but not take on or mute incidents."
    ),
    Permission.MANAGE_ALERTS: gettext_lazy(
        "Who is told of what is settled by the organisation's managers."
    ),
}
# Punctuation that may touch an address in a sentence.
_ADDRESS_PUNCTUATION = "()[]<>“”\"'.,;:"


@dataclass(frozen=True, slots=True)
class Access:
    """An organisation as one person sees it; a platform admin has no role and may do all."""

    organisation: Organisation
    role: Role | None
    permissions: frozenset[Permission]

    def allows(self, permission: Permission) -> bool:
        """Whether the person has this permission in the organisation."""
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raises NotAllowed, with a message of who has this permission, if the person has not."""
        if permission not in self.permissions:
            raise _permission_denied(permission)

    @property
    def audit_ref(self) -> OrganisationRef:
        """The organisation as audit events refer to it."""
        return organisation_audit_ref(self.organisation)


@dataclass(frozen=True, slots=True)
class Audience:
    """The kind of user that a compiled query is for; `pk` is bound when the query runs."""

    pk: int | Param
    is_platform_admin: bool


ADMIN_AUDIENCE = Audience(Param("person", BigIntegerField()), is_platform_admin=True)
MEMBER_AUDIENCE = Audience(Param("person", BigIntegerField()), is_platform_admin=False)


def audience_for(user: User) -> Audience:
    """The audience that `user` belongs to."""
    return ADMIN_AUDIENCE if user.is_platform_admin else MEMBER_AUDIENCE


def organisations_visible(*, user: User | AnonymousUser | Audience) -> QuerySet[Organisation]:
    """Organisations the person belongs to, all for a platform admin; ordered by name."""
    if not isinstance(user, Audience) and not (isinstance(user, User) and user.is_active):
        return Organisation.objects.none()
    if user.is_platform_admin:
        return Organisation.objects.all()
    organisation_ids = Membership.objects.filter(user=user.pk).values("organisation")
    return Organisation.objects.filter(pk__in=organisation_ids)


def organisations_with_permission(*, user: User, permission: Permission) -> QuerySet[Organisation]:
    """Organisations in which the person has this permission, all for a platform admin."""
    organisations = organisations_visible(user=user)
    if _is_active_platform_admin(user):
        return organisations
    roles = [role.value for role, allowed in ROLE_PERMISSIONS.items() if permission in allowed]
    memberships = Membership.objects.filter(
        organisation=OuterRef("pk"), user=user.pk, role__in=roles
    )
    return organisations.filter(Exists(memberships))


def organisation_access_get(*, user: User | AnonymousUser, slug: str) -> Access:
    """The organisation with what `user` may do in it, in one query.

    Raises NotFound, with the same message, for a missing organisation and a foreign one.
    """
    roles = Membership.objects.filter(organisation=OuterRef("pk"), user=user.pk).values("role")
    organisations = organisations_visible(user=user).annotate(user_role=Subquery(roles))
    organisation = organisations.filter(slug=slug).first()
    if organisation is None:
        raise NotFound(
            _("There is no such organisation, or you are not a member of it."), field=None
        )
    role = Role(organisation.user_role) if organisation.user_role else None
    return Access(organisation, role, effective_permissions(user, role))


def effective_permissions(user: User | AnonymousUser, role: str | None) -> frozenset[Permission]:
    """What a person with this role in an organisation may do there: a platform admin all."""
    if _is_active_platform_admin(user):
        return _ALL_PERMISSIONS
    return ROLE_PERMISSIONS[Role(role)] if role else NO_PERMISSIONS


def has_platform_permission(*, user: User | AnonymousUser, permission: PlatformPermission) -> bool:
    """Whether the person has this right over the panel: platform admins alone."""
    return permission in ADMIN_PERMISSIONS and _is_active_platform_admin(user)


def can_create_organisations(*, user: User | AnonymousUser) -> bool:
    """Whether the person may create and delete organisations."""
    return has_platform_permission(user=user, permission=PlatformPermission.ADD_ORGANISATIONS)


def require_platform_admin(*, user: User | AnonymousUser) -> None:
    """Raises NotAllowed for everybody but platform admins."""
    if not _is_active_platform_admin(user):
        raise NotAllowed(_("This page is for platform admins."))


def require_key_manager(*, user: User) -> None:
    """Raises NotAllowed for whoever manages the keys of no organisation; a query for members."""
    manages_keys = organisations_with_permission(user=user, permission=Permission.MANAGE_KEYS)
    if not _is_active_platform_admin(user) and not manages_keys.exists():
        raise _permission_denied(Permission.MANAGE_KEYS)


def organisation_audit_ref(organisation: Organisation) -> OrganisationRef:
    """The organisation as audit events refer to it: id and present name."""
    return OrganisationRef(id=organisation.pk, name=organisation.name)


def can_see_addresses(permissions: Collection[Permission]) -> bool:
    """Whether these permissions in an organisation include its people's addresses."""
    return Permission.MANAGE_MEMBERS in permissions


ROLES_SEEING_ADDRESSES = [
    role.value for role, permissions in ROLE_PERMISSIONS.items() if can_see_addresses(permissions)
]


def person_display_name(name: str, address: str, permissions: Collection[Permission]) -> str:
    """A person's name; without a name the address, or "a member" where addresses are hidden."""
    if can_see_addresses(permissions):
        return name or address
    return addresses_mask(name) or (_("a member") if address else "")


def actor_display_name(
    actor_name: str, permissions: Collection[Permission] = NO_PERMISSIONS
) -> str:
    """The name alone of an actor as the audit log stores it (`Ana (ana@example.org)`).

    "operator (command line)" becomes "operator"; "" stays "".
    """
    return actor_name_without_address(actor_name_masked(actor_name, permissions))


def actor_name_without_address(actor_name: str) -> str:
    """The actor's name without the address in parentheses behind it."""
    if not actor_name.endswith(")"):
        return actor_name
    return actor_name.rpartition(" (")[0] or actor_name


def actor_name_masked(actor_name: str, permissions: Collection[Permission]) -> str:
    """An actor's stored name, with addresses masked unless these permissions include them."""
    return actor_name if can_see_addresses(permissions) else addresses_mask(actor_name)


def addresses_mask(value: Any, *, except_address: str = "") -> Any:
    """Texts, also in lists and dicts, with "a member" for each address but `except_address`."""
    if isinstance(value, list):
        return [addresses_mask(item, except_address=except_address) for item in value]
    if isinstance(value, dict):
        return {
            name: addresses_mask(item, except_address=except_address)
            for name, item in value.items()
        }
    if not isinstance(value, str) or "@" not in value:
        return value
    return " ".join(_address_mask(word, except_address) for word in value.split(" "))


def _address_mask(word: str, except_address: str) -> str:
    inner = word.strip(_ADDRESS_PUNCTUATION)
    name, _at, host = inner.rpartition("@")
    if not (name and host) or inner.casefold() == except_address.casefold():
        return word
    return word.replace(inner, _("a member"))


def _permission_denied(permission: Permission) -> NotAllowed:
    return NotAllowed(str(_DENIAL_MESSAGES[permission]))


def _is_active_platform_admin(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.is_active and user.is_platform_admin
