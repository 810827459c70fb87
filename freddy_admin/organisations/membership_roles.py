"""The one place that writes memberships, and withdraws the invitations a change invalidates.

Every way to give, change or remove a role calls this module: forms, commands, invitations,
deletion of people. Platform-wide rights are written in `accounts`, whose signals arrive here.
Nothing else depends on a stored role: tokens, imports and candidates check it whenever they are
used, and a remote operation that was allowed when it was requested stays allowed.
"""

from collections.abc import Collection
from typing import Any

from django.dispatch import Signal, receiver

from freddy_admin.accounts.api_tokens import api_tokens_remove_organisation
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import (
    person_access_reduction_locked,
    person_access_reduction_started,
)
from freddy_admin.audit.services import Actor
from freddy_admin.organisations.invitations import (
    invitations_withdraw_by_email,
    invitations_withdraw_by_inviter,
    invitations_withdraw_by_inviter_without_lock,
)
from freddy_admin.organisations.locks import organisations_lock
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import INVITING_ROLES, Role

# Sent with `organisation`, `user`, `role` (None: no member any more) and `actor`, inside the
# transaction, when a person's role changed or their membership ended.
membership_role_changed = Signal()


def membership_role_write(
    *, organisation: Organisation, actor: Actor, user: User, role: Role | None
) -> Role | None:
    """Give a person this role, or with None end the membership; returns the former role.

    Call inside a transaction that locked `organisation`. When a role changes or ends, open
    invitations of the person's address are withdrawn, for they would change it back, and so are
    the person's own if they may invite nobody any more. Panel tokens lose the organisation when a
    membership starts or ends. Permission, last manager and audit log are the caller's to check.
    """
    row = Membership.objects.filter(organisation=organisation, user=user).first()
    former_role = Role(row.role) if row else None
    if former_role == role:
        return former_role
    # Locks are taken in one order everywhere: the person before any invitation.
    may_invite = role in INVITING_ROLES or _lock_person_and_check_platform_admin(user)
    if role is None:
        Membership.objects.filter(organisation=organisation, user=user).delete()
    elif row is None:
        Membership.objects.create(organisation=organisation, user=user, role=role)
    else:
        row.role = role
        row.save(update_fields=["role"])
    if former_role is None or role is None:
        api_tokens_remove_organisation(user=user, organisation_id=organisation.pk)
    if former_role is not None:
        invitations_withdraw_by_email(organisation=organisation, actor=actor, email=user.email)
    if not may_invite:
        invitations_withdraw_by_inviter(organisation=organisation, actor=actor, inviter_id=user.pk)
    if former_role is not None:
        membership_role_changed.send(
            Membership, organisation=organisation, user=user, role=role, actor=actor
        )
    return former_role


def invitations_withdraw_by_inviter_everywhere(
    *,
    person: User,
    actor: Actor,
    extra_organisation_ids: Collection[int] = (),
    excluded_organisation_ids: Collection[int] = (),
) -> None:
    """Withdraw a person's open invitations, except in the excluded organisations.

    Call inside a transaction. Locks the organisations of those invitations and the extra ones.
    """
    rows = Invitation.objects.filter(invited_by_id=person.pk, closed_at=None)
    rows = rows.exclude(organisation_id__in=list(excluded_organisation_ids)).select_related(
        "organisation"
    )
    organisations = {row.organisation_id: row.organisation for row in rows}
    # All at once and in one order, or two transactions could deadlock.
    organisations_lock({*organisations, *extra_organisation_ids})
    for organisation in organisations.values():
        invitations_withdraw_by_inviter(
            organisation=organisation, actor=actor, inviter_id=person.pk
        )


@receiver(person_access_reduction_started)
def _handle_person_access_reduction(
    *, person: User, actor: Actor, keeps_account: bool, **_: Any
) -> None:
    """Withdraw invitations of a person whose rights end, except where they stay a manager."""
    excluded_organisation_ids = _managed_organisation_ids(person) if keeps_account else []
    invitations_withdraw_by_inviter_everywhere(
        person=person, actor=actor, excluded_organisation_ids=excluded_organisation_ids
    )


@receiver(person_access_reduction_locked)
def _handle_person_locked(*, person: User, actor: Actor, keeps_account: bool, **_: Any) -> None:
    """Withdraw invitations created while the person's row was waited for.

    Another transaction may hold an organisation and wait for the person: none is locked here.
    """
    excluded_organisation_ids = _managed_organisation_ids(person) if keeps_account else []
    invitations_withdraw_by_inviter_without_lock(
        actor=actor, inviter_id=person.pk, excluded_organisation_ids=excluded_organisation_ids
    )


def _managed_organisation_ids(person: User) -> list[int]:
    memberships = Membership.objects.filter(user=person, role__in=INVITING_ROLES)
    return list(memberships.values_list("organisation_id", flat=True))


def _lock_person_and_check_platform_admin(user: User) -> bool:
    # Locked: a concurrent change of this right is seen, or waits and sees the changed role.
    row = User.objects.select_for_update(no_key=True).filter(pk=user.pk).first()
    return row is not None and row.is_platform_admin
