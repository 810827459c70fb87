"""Who belongs to an organisation: roles change and people go, the last manager stays."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import second_factor_people
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import Conflict, InvalidInput, NotFound
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.standing import role_set

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organisation, as its managers see them."""

    user_id: int
    name: str  # the address of whoever gave no name
    own_name: str
    email: str
    role: Role
    since: datetime
    last_sign_in: datetime | None
    has_second_factor: bool
    is_active: bool


def members_of(*, organisation: Organisation) -> list[Member]:
    """Everybody who belongs to it, managers first, then by name; two queries."""
    rows = list(Membership.objects.filter(organisation=organisation).select_related("user"))
    secured = second_factor_people(ids=[row.user_id for row in rows])
    found = [_member(row, has_second_factor=row.user_id in secured) for row in rows]
    ranks = {role: rank for rank, role in enumerate(reversed(Role))}
    return sorted(found, key=lambda one: (ranks[one.role], one.name.casefold(), one.user_id))


def member_get(*, organisation: Organisation, user_id: int) -> Member:
    """One of them; NotFound for somebody who is not, whether there is such a person or not."""
    row = _membership(organisation, user_id)
    return _member(row, has_second_factor=bool(second_factor_people(ids=[row.user_id])))


@transaction.atomic
def member_role_change(
    *, organisation: Organisation, actor: Actor, user_id: int, role: str
) -> Member:
    """Give a member another role, from their next request on.

    Whoever is no manager any more has their open invitations withdrawn. Raises InvalidInput,
    NotFound, and Conflict for the last manager.
    """
    if role not in Role.values:
        raise InvalidInput(_("Choose one of viewer, operator, manager."), field="role")
    place = organisation_lock(organisation=organisation)
    row = _membership(place, user_id)
    former = Role(row.role)
    if former != role:
        if former == Role.MANAGER:
            _refuse_last(place, row)
        role_set(place=place, actor=actor, user=row.user, role=Role(role))
        audit_record(
            tag=Tag.MEMBER_CHANGED,
            actor=actor,
            place=place_of(place),
            subject=str(row.user),
            old=former.value,
            new=str(role),
        )
        row = _membership(place, user_id)
    return _member(row, has_second_factor=False)


@transaction.atomic
def member_remove(*, organisation: Organisation, actor: Actor, user_id: int) -> User:
    """Take a person out of an organisation, from their next request on; who it was.

    Their open invitations are withdrawn. Raises NotFound, and Conflict for the last manager.
    """
    place = organisation_lock(organisation=organisation)
    row = _membership(place, user_id)
    if row.role == Role.MANAGER:
        _refuse_last(place, row)
    role_set(place=place, actor=actor, user=row.user, role=None)
    left = actor.id == row.user_id
    audit_record(
        tag=Tag.MEMBER_LEFT if left else Tag.MEMBER_REMOVED,
        actor=actor,
        place=place_of(place),
        subject=str(row.user),
        role=row.role,
    )
    return row.user


def is_last_manager(*, organisation: Organisation, user_id: int) -> bool:
    """Whether nobody else who can sign in manages this organisation."""
    managers = Membership.objects.filter(
        organisation=organisation, role=Role.MANAGER, user__is_active=True
    )
    return set(managers.values_list("user_id", flat=True)) == {user_id}


def _refuse_last(place: Organisation, row: Membership) -> None:
    # The organisation's row is locked: of two managers who go at once, the second meets this.
    if is_last_manager(organisation=place, user_id=row.user_id):
        raise Conflict(
            _(
                "%(name)s is the last manager here. Make somebody else a manager first, or ask a "
                "platform admin."
            )
            % {"name": row.user}
        )


def _membership(organisation: Organisation, user_id: int) -> Membership:
    rows = Membership.objects.filter(organisation=organisation).select_related("user")
    row = rows.filter(user_id=user_id).first() if 0 < user_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such member here. They may have left in the meantime."))
    return row


def _member(row: Membership, *, has_second_factor: bool) -> Member:
    return Member(
        user_id=row.user_id,
        name=str(row.user),
        own_name=row.user.name,
        email=row.user.email,
        role=Role(row.role),
        since=row.created_at,
        last_sign_in=row.user.last_login,
        has_second_factor=has_second_factor,
        is_active=row.user.is_active,
    )
