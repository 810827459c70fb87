"""Accepting an invitation, with an existing account or a new one."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.auth.backends import known_person_hashing_slot
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_create_from_invitation
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core.errors import NotAllowed
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.invitations import (
    invitation_close,
    invitation_get_by_token,
    invitation_not_found,
)
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.membership_roles import membership_role_write
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role

_ROLE_RANKS = {role: rank for rank, role in enumerate(Role)}


def invited_user_find(*, invitation: Invitation) -> User | None:
    """The person whose account has the invited address already; None without one."""
    return User.objects.filter(email=invitation.email).first()


@transaction.atomic
def invitation_accept(*, token: str, actor: Actor, user: User) -> Organisation:
    """The person becomes a member; a role they have already is never lowered. The link is used up.

    Raises NotFound for an invalid link, NotAllowed for an address other than the invited one.
    """
    row = _invitation_lock(token)
    if user.email != row.email or not user.is_active:
        raise NotAllowed(_("This invitation was sent to another address than yours."))
    _membership_create_from_invitation(row, actor, user)
    return row.organisation


@sensitive_variables("password")
@known_person_hashing_slot()
@transaction.atomic
def invitation_accept_with_new_account(
    *, token: str, actor: Actor, name: str, password: str
) -> User:
    """Create account and membership; the link was mailed to the address, which is thus verified.

    Raises NotFound for an invalid link, Conflict where the address has an account by now,
    InvalidInput, TooManySignIns.
    """
    row = _invitation_lock(token)
    user = person_create_from_invitation(actor=actor, email=row.email, name=name, password=password)
    new_actor = Actor(name=f"{user.name} ({user.email})", id=user.pk, address=actor.address)
    _membership_create_from_invitation(row, new_actor, user)
    return user


def _invitation_lock(token: str) -> Invitation:
    # Of two concurrent requests the second waits here, then finds the invitation closed.
    organisation = organisation_lock(organisation=invitation_get_by_token(token=token).organisation)
    row = invitation_get_by_token(token=token)
    row.organisation = organisation
    return row


def _membership_create_from_invitation(row: Invitation, actor: Actor, user: User) -> None:
    role = Role(row.role)
    # A person who is being deleted or deactivated at this moment gets no membership.
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True):
        raise invitation_not_found()
    if not invitation_close(row):
        raise invitation_not_found()
    membership = Membership.objects.filter(organisation=row.organisation, user=user).first()
    role = max(role, Role(membership.role) if membership else role, key=_ROLE_RANKS.__getitem__)
    membership_role_write(organisation=row.organisation, actor=actor, user=user, role=role)
    organisation_ref = organisation_audit_ref(row.organisation)
    details = {
        "role": str(role),
        "invited_by": row.invited_by,
        "was_member": membership is not None,
    }
    audit_event_record(
        tag=AuditTag.INVITATION_ACCEPTED,
        actor=actor,
        organisation=organisation_ref,
        subject=user.email,
        **details,
    )
