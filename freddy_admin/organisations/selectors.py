"""The tenant gate: which organisations a person may see, and with which rights."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from freddy_admin.accounts.audience import Audience
from freddy_admin.accounts.models import User
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import (
    ADMIN_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    PlatformPermission,
    Role,
)


def organisation_access_get(*, user: User | AnonymousUser, slug: str) -> Access:
    """The organisation with what `user` may do in it, in one query.

    Raises NotFound, with the same message, for a missing organisation and a foreign one.
    """
    role_values = Membership.objects.filter(organisation=OuterRef("pk"), user=user.pk).values(
        "role"
    )
    organisation = (
        organisations_visible(user=user)
        .filter(slug=slug)
        .annotate(user_role=Subquery(role_values))
        .first()
    )
    if organisation is None:
        raise NotFound(
            _("There is no such organisation, or you are not a member of it."), field=None
        )
    role = Role(organisation.user_role) if organisation.user_role else None
    return Access(
        organisation=organisation, role=role, permissions=_effective_permissions(user, role)
    )


def organisations_visible(*, user: User | AnonymousUser | Audience) -> QuerySet[Organisation]:
    """Organisations the person belongs to, all for a platform admin; ordered by name."""
    if not isinstance(user, Audience) and not (isinstance(user, User) and user.is_active):
        return Organisation.objects.none()
    if user.is_platform_admin:
        return Organisation.objects.all()
    organisation_ids = Membership.objects.filter(user=user.pk).values("organisation")
    return Organisation.objects.filter(pk__in=organisation_ids)


def organisation_assignable_users(*, organisation: Organisation) -> list[User]:
    """Active members and platform admins, by name: the possible owners of a key here."""
    memberships = Membership.objects.filter(user=OuterRef("pk"), organisation=organisation)
    people = User.objects.filter(Exists(memberships) | Q(is_platform_admin=True), is_active=True)
    return sorted(people, key=lambda person: (str(person).casefold(), person.pk))


def organisation_get_by_slug(*, slug: str) -> Organisation:
    """The organisation for an operator's command, without a check of rights; raises NotFound."""
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        raise NotFound(_("There is no organisation with the slug “%(slug)s”.") % {"slug": slug})
    return organisation


def organisation_find_by_name(*, user: User | AnonymousUser, name: str) -> Organisation | None:
    """The organisation with exactly this name or slug, if the person may see it; else None.

    For filters: a foreign organisation's existence must not show.
    """
    if not name:
        return None
    return organisations_visible(user=user).filter(Q(name=name) | Q(slug=name)).first()


def has_platform_permission(*, user: User | AnonymousUser, permission: PlatformPermission) -> bool:
    """Whether the person has this right over the panel: platform admins alone."""
    return permission in ADMIN_PERMISSIONS and _is_active_platform_admin(user)


def organisations_with_permission(*, user: User, permission: Permission) -> QuerySet[Organisation]:
    """Organisations in which the person has this permission, all for a platform admin."""
    roles = [role for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
    memberships = Membership.objects.filter(
        organisation=OuterRef("pk"), user=user.pk, role__in=[role.value for role in roles]
    )
    organisations = organisations_visible(user=user)
    return (
        organisations
        if can_create_organisations(user=user)
        else organisations.filter(Exists(memberships))
    )


def can_create_organisations(*, user: User | AnonymousUser) -> bool:
    """Whether the person may create and delete organisations."""
    return has_platform_permission(user=user, permission=PlatformPermission.ADD_ORGANISATIONS)


def _is_active_platform_admin(user: User | AnonymousUser) -> bool:
    return isinstance(user, User) and user.is_active and user.is_platform_admin


def _effective_permissions(user: User | AnonymousUser, role: Role | None) -> frozenset[Permission]:
    if _is_active_platform_admin(user):
        return frozenset(Permission) & ADMIN_PERMISSIONS
    return ROLE_PERMISSIONS[role] if role else frozenset()
