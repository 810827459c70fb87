"""What the person does who was invited: come in, with the account they have or a new one."""

from django.db import transaction
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_invited_create
from freddy_admin.accounts.signing_in.hashing import hashing_slot
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.core.errors import NotAllowed
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.invitations import (
    invitation_end,
    invitation_find,
    link_dead,
)
from freddy_admin.organisations.locks import organisation_lock
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role
from freddy_admin.organisations.standing import role_set

_RANKS = {role: rank for rank, role in enumerate(Role)}


def invitation_person(*, invitation: Invitation) -> User | None:
    """Who has the invited address already, if anybody."""
    return User.objects.filter(email=invitation.email).first()


@transaction.atomic
def invitation_accept(*, token: str, actor: Actor, user: User) -> Organisation:
    """The person becomes a member; a role they have already is never lowered. The link is used up.

    Raises NotFound for a link that leads nowhere, NotAllowed for somebody else's address.
    """
    row = _take(token)
    if user.email != row.email or not user.is_active:
        raise NotAllowed(_("This invitation was sent to another address than yours."))
    _join(row, actor, user)
    return row.organisation


@sensitive_variables("password")
@hashing_slot()
@transaction.atomic
def invitation_accept_as_new(*, token: str, actor: Actor, name: str, password: str) -> User:
    """Make the account and the membership; whoever has the link has shown the address is theirs.

    Raises NotFound as above, Conflict where the address has an account by now, InvalidInput,
    TooManySignIns.
    """
    row = _take(token)
    user = person_invited_create(actor=actor, email=row.email, name=name, password=password)
    own = Actor(name=f"{user.name} ({user.email})", id=user.pk, address=actor.address)
    _join(row, own, user)
    return user


def _take(token: str) -> Invitation:
    # Of two who use it at once one waits here, and then finds that it is used up.
    place = organisation_lock(organisation=invitation_find(token=token).organisation)
    row = invitation_find(token=token)
    row.organisation = place
    return row


def _join(row: Invitation, actor: Actor, user: User) -> None:
    role = Role(row.role)
    # Whoever is being removed from the panel at this moment does not come in any more.
    if not User.objects.select_for_update(no_key=True).filter(pk=user.pk, is_active=True):
        raise link_dead()
    if not invitation_end(row):
        raise link_dead()
    member = Membership.objects.filter(organisation=row.organisation, user=user).first()
    role = max(role, Role(member.role) if member else role, key=_RANKS.__getitem__)
    role_set(place=row.organisation, actor=actor, user=user, role=role)
    place = place_of(row.organisation)
    details = {
        "role": str(role),
        "invited_by": row.invited_by,
        "was_member": member is not None,
    }
    audit_record(
        tag=Tag.INVITATION_ACCEPTED, actor=actor, place=place, subject=user.email, **details
    )
