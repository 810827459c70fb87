"""Members of an organisation: read, change a role, remove; the last manager stays."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_ids_with_second_factor
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import Conflict, NotFound
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.membership_roles import membership_role_write
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import Role, role_clean

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """A membership as an organisation's managers see it."""

    user_id: int
    name: str  # the address where no name was entered
    entered_name: str
    email: str
    role: Role
    joined_at: datetime
    last_sign_in: datetime | None
    has_second_factor: bool
    is_active: bool


def members_list(*, organisation: Organisation) -> list[Member]:
    """All members, managers first, then by name; two queries."""
    rows = list(Membership.objects.filter(organisation=organisation).select_related("user"))
    secured_ids = person_ids_with_second_factor(ids=[row.user_id for row in rows])
    members = [
        _member_from_membership(row, has_second_factor=row.user_id in secured_ids) for row in rows
    ]
    ranks = {role: rank for rank, role in enumerate(reversed(Role))}
    return sorted(
        members, key=lambda member: (ranks[member.role], member.name.casefold(), member.user_id)
    )


def member_get(*, organisation: Organisation, user_id: int) -> Member:
    """One member; raises NotFound otherwise, whether such a person exists or not."""
    row = _membership_get(organisation, user_id)
    return _member_from_membership(
        row, has_second_factor=bool(person_ids_with_second_factor(ids=[row.user_id]))
    )


@transaction.atomic
def member_role_update(
    *, organisation: Organisation, actor: Actor, user_id: int, role: str
) -> Member:
    """Give a member another role, from their next request on.

    Open invitations of somebody who is no longer a manager are withdrawn. Raises InvalidInput,
    NotFound, and Conflict for the last manager.
    """
    new_role = role_clean(role)
    organisation = organisation_lock(organisation=organisation)
    row = _membership_get(organisation, user_id)
    former_role = Role(row.role)
    if former_role != new_role:
        if former_role == Role.MANAGER:
            _validate_not_last_manager(organisation, row)
        membership_role_write(organisation=organisation, actor=actor, user=row.user, role=new_role)
        audit_event_record(
            tag=AuditTag.MEMBER_CHANGED,
            actor=actor,
            organisation=organisation_audit_ref(organisation),
            subject=str(row.user),
            old=former_role.value,
            new=str(new_role),
        )
        row = _membership_get(organisation, user_id)
    return _member_from_membership(row, has_second_factor=False)


@transaction.atomic
def member_remove(*, organisation: Organisation, actor: Actor, user_id: int) -> User:
    """Remove a member from an organisation, from their next request on; returns the person.

    Their open invitations are withdrawn. Raises NotFound, and Conflict for the last manager.
    """
    organisation = organisation_lock(organisation=organisation)
    row = _membership_get(organisation, user_id)
    if row.role == Role.MANAGER:
        _validate_not_last_manager(organisation, row)
    membership_role_write(organisation=organisation, actor=actor, user=row.user, role=None)
    is_leaving = actor.id == row.user_id
    audit_event_record(
        tag=AuditTag.MEMBER_LEFT if is_leaving else AuditTag.MEMBER_REMOVED,
        actor=actor,
        organisation=organisation_audit_ref(organisation),
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


def _validate_not_last_manager(organisation: Organisation, row: Membership) -> None:
    # The organisation's row is locked: of two managers who leave at once the second gets this.
    if is_last_manager(organisation=organisation, user_id=row.user_id):
        raise Conflict(
            _(
                "%(name)s is the last manager here. Make somebody else a manager first, or ask a "
                "platform admin."
            )
            % {"name": row.user}
        )


def _membership_get(organisation: Organisation, user_id: int) -> Membership:
    rows = Membership.objects.filter(organisation=organisation).select_related("user")
    row = rows.filter(user_id=user_id).first() if 0 < user_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(_("There is no such member here. They may have left in the meantime."))
    return row


def _member_from_membership(row: Membership, *, has_second_factor: bool) -> Member:
    return Member(
        user_id=row.user_id,
        name=str(row.user),
        entered_name=row.user.name,
        email=row.user.email,
        role=Role(row.role),
        joined_at=row.created_at,
        last_sign_in=row.user.last_login,
        has_second_factor=has_second_factor,
        is_active=row.user.is_active,
    )
