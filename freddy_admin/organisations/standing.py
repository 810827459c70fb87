"""Who stands how in an organisation: the one place that writes it, and what a change ends.

Whatever gives, changes or takes a role comes here: forms, commands, invitations, people who go.
What the whole panel allows somebody is written in `accounts`, which tells this room beforehand.
Nothing else hangs on a role: tokens, imports and candidates ask for it whenever they are used, and
what was ordered with the right to do so was ordered.
"""

from collections.abc import Collection
from typing import Any

from django.dispatch import receiver

from freddy_admin.accounts.ending import tokens_forget
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_locked, person_lowering
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.invitations import (
    invitations_left_withdraw,
    invitations_of_withdraw,
    invitations_to_withdraw,
)
from freddy_admin.organisations.locks import organisations_lock
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import INVITING, Role


def role_set(*, place: Organisation, actor: Actor, user: User, role: Role | None) -> Role | None:
    """Give a person this role here, or with None no place any more; the role they had until now.

    Inside a transaction that locked `place`. When a role changes or goes, what waits for the
    person's address is withdrawn, for it would change it back; and so is what they invited to, if
    they may invite nobody any more. Panel tokens forget the place when somebody comes or goes.
    Who may be changed by whom, and the last manager, are the caller's to ask; so is the audit log.
    """
    row = Membership.objects.filter(organisation=place, user=user).first()
    former = Role(row.role) if row else None
    if former == role:
        return former
    if role is None:
        Membership.objects.filter(organisation=place, user=user).delete()
    elif row is None:
        Membership.objects.create(organisation=place, user=user, role=role)
    else:
        row.role = role
        row.save(update_fields=["role"])
    if former is None or role is None:
        tokens_forget(user=user, organisation_id=place.pk)
    if former is not None:
        invitations_to_withdraw(organisation=place, actor=actor, email=user.email)
    if role not in INVITING and not _is_admin_now(user):
        invitations_of_withdraw(organisation=place, actor=actor, inviter_id=user.pk)
    return former


def invited_withdraw(
    *, person: User, actor: Actor, besides: Collection[int] = (), spared: Collection[int] = ()
) -> None:
    """Withdraw what somebody invited to, everywhere but in `spared`; inside a transaction.

    Locks those organisations and `besides`.
    """
    rows = Invitation.objects.filter(invited_by_id=person.pk, ended_at=None)
    rows = rows.exclude(organisation_id__in=list(spared)).select_related("organisation")
    places = {row.organisation_id: row.organisation for row in rows}
    # All at once and in order: two who lock one after the other could wait for each other.
    organisations_lock({*places, *besides})
    for place in places.values():
        invitations_of_withdraw(organisation=place, actor=actor, inviter_id=person.pk)


@receiver(person_lowering)
def _lowering(*, person: User, actor: Actor, keeps_account: bool, **_: Any) -> None:
    """A platform admin who is one no longer still invites where they manage."""
    spared = _managed(person) if keeps_account else []
    invited_withdraw(person=person, actor=actor, spared=spared)


@receiver(person_locked)
def _locked(*, person: User, actor: Actor, keeps_account: bool, **_: Any) -> None:
    """What they invited to while their lowering waited for them, or where a role went meanwhile.

    Whoever locks an organisation may wait for the person by now, so none is locked here.
    """
    spared = _managed(person) if keeps_account else []
    invitations_left_withdraw(actor=actor, inviter_id=person.pk, spared=spared)


def _managed(person: User) -> list[int]:
    managed = Membership.objects.filter(user=person, role__in=INVITING)
    return list(managed.values_list("organisation_id", flat=True))


def _is_admin_now(user: User) -> bool:
    # Locked: who stops being one at this moment is seen, or waits and sees the role that is gone.
    row = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    return row is not None and row.is_platform_admin
