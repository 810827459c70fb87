"""Removing a person from the panel, with what they were in each organisation."""

from collections.abc import Collection, Iterable

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import (
    person_admin_set,
    person_delete,
    person_get,
    person_switch,
)
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.invitations import (
    invitations_of_withdraw,
    invitations_to_withdraw,
)
from freddy_admin.organisations.locks import organisations_lock
from freddy_admin.organisations.members import is_last_manager
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.roles import Role


def memberships_of(*, user: User) -> list[Membership]:
    """Where somebody belongs, by the organisation's name; one query."""
    rows = Membership.objects.filter(user=user).select_related("organisation")
    return sorted(rows, key=lambda one: one.organisation.name.casefold())


def managed_alone(*, user: User) -> list[Organisation]:
    """The organisations that have no other manager who can sign in."""
    return [
        one.organisation
        for one in memberships_of(user=user)
        if is_last_manager(organisation=one.organisation, user_id=user.pk)
    ]


@transaction.atomic
def person_keep_out(*, actor: Actor, person_id: int) -> User:
    """Switch an account off; what the person invited to is withdrawn. Raises as `person_switch`."""
    _withdraw(person_get(person_id=person_id), actor)
    return person_switch(actor=actor, person_id=person_id, is_active=False)


@transaction.atomic
def person_admin_unmake(*, actor: Actor, person_id: int) -> User:
    """No platform admin any more: what they invited to is withdrawn, but where they manage.

    Raises as `person_admin_set`.
    """
    person = person_get(person_id=person_id)
    if person.is_platform_admin:
        managed = Membership.objects.filter(user=person, role=Role.MANAGER)
        _withdraw(person, actor, spared=managed.values_list("organisation_id", flat=True))
    return person_admin_set(actor=actor, person_id=person_id, is_admin=False)


@transaction.atomic
def person_remove(*, actor: Actor, person_id: int, besides: Collection[int] = ()) -> User:
    """Remove a person; each organisation's audit log says that its member is gone.

    What they invited to is withdrawn, and what waits for their address: it would let them in again.
    `besides` are organisations that the caller changes in the same transaction. Raises NotFound,
    and Conflict for the last platform admin.
    """
    person = person_get(person_id=person_id)
    rows = memberships_of(user=person)
    waiting = Invitation.objects.filter(email=person.email, ended_at=None)
    asked = {
        row.organisation_id: row.organisation for row in waiting.select_related("organisation")
    }
    members = {row.organisation_id for row in rows}
    _withdraw(person, actor, besides={*members, *asked, *besides})
    for organisation in asked.values():
        invitations_to_withdraw(organisation=organisation, actor=actor, email=person.email)
    removed = person_delete(actor=actor, person_id=person_id)
    for row in rows:
        place = place_of(row.organisation)
        audit_record(
            tag=Tag.MEMBER_REMOVED, actor=actor, place=place, subject=str(person), role=row.role
        )
    return removed


def _withdraw(
    person: User, actor: Actor, *, besides: Collection[int] = (), spared: Iterable[int] = ()
) -> None:
    rows = Invitation.objects.filter(invited_by_id=person.pk, ended_at=None)
    rows = rows.exclude(organisation_id__in=list(spared)).select_related("organisation")
    places = {row.organisation_id: row.organisation for row in rows}
    # All at once and in order: two who lock one after the other could wait for each other.
    organisations_lock({*places, *besides})
    for place in places.values():
        invitations_of_withdraw(organisation=place, actor=actor, inviter_id=person.pk)
