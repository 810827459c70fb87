"""The tenant gate: what of the organisations a person may see."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.readers import Reader
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)


def organisation_get(*, user: User | AnonymousUser, slug: str) -> Access:
    """The organisation with what `user` may do in it, in one query.

    Raises NotFound, with the same words, for a missing organisation and for somebody else's.
    """
    role = Membership.objects.filter(organisation=OuterRef("pk"), user=user.pk).values("role")
    found = (
        organisations_visible(user=user).filter(slug=slug).annotate(own_role=Subquery(role)).first()
    )
    if found is None:
        raise NotFound(
            _("There is no such organisation, or you are not a member of it."), field=None
        )
    own = Role(found.own_role) if found.own_role else None
    return Access(organisation=found, role=own, permissions=_permissions(user, own))


def organisations_visible(*, user: User | AnonymousUser | Reader) -> QuerySet[Organisation]:
    """Organisations the person belongs to, all for a platform admin; in order of name."""
    if not isinstance(user, Reader) and not (isinstance(user, User) and user.is_active):
        return Organisation.objects.none()
    if user.is_platform_admin:
        return Organisation.objects.all()
    own = Membership.objects.filter(user=user.pk).values("organisation")
    return Organisation.objects.filter(pk__in=own)


def organisation_people(*, organisation: Organisation) -> list[User]:
    """Active members and platform admins, by name: those who can look after something here."""
    member = Membership.objects.filter(user=OuterRef("pk"), organisation=organisation)
    people = User.objects.filter(Exists(member) | Q(is_platform_admin=True), is_active=True)
    return sorted(people, key=lambda person: (str(person).casefold(), person.pk))


def organisation_find(*, slug: str) -> Organisation:
    """The organisation for a command of the operator, who sees all; raises NotFound."""
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound(_("There is no organisation with the slug “%(slug)s”.") % {"slug": slug})
    return found


def organisation_named(*, user: User | AnonymousUser, name: str) -> Organisation | None:
    """The one with exactly this name or slug among those the person sees; None where there is none.

    For a filter, which finds nothing rather than to say what there is.
    """
    if not name:
        return None
    return organisations_visible(user=user).filter(Q(name=name) | Q(slug=name)).first()


def platform_allows(*, user: User | AnonymousUser, permission: PlatformPermission) -> bool:
    """Whether the person may do this over the panel as a whole: platform admins alone."""
    return permission in ADMIN_PERMISSIONS and _is_admin(user)


def organisations_where(*, user: User, permission: Permission) -> QuerySet[Organisation]:
    """Organisations in which the person may do this, all for a platform admin."""
    roles = [role for role, allowed in PERMISSIONS.items() if permission in allowed]
    own = Membership.objects.filter(
        organisation=OuterRef("pk"), user=user.pk, role__in=[role.value for role in roles]
    )
    found = organisations_visible(user=user)
    return found if may_create_organisations(user=user) else found.filter(Exists(own))


def may_create_organisations(*, user: User | AnonymousUser) -> bool:
    """Whether the person may add and remove organisations."""
    return platform_allows(user=user, permission=PlatformPermission.ADD_ORGANISATIONS)


def _is_admin(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.is_active and user.is_platform_admin


def _permissions(user: User | AnonymousUser, role: Role | None) -> frozenset[Permission]:
    if _is_admin(user):
        return frozenset(Permission) & ADMIN_PERMISSIONS
    return PERMISSIONS[role] if role else frozenset()
