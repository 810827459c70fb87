"""Removing a person from the panel, with what they were in each organisation."""

from collections.abc import Collection

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_delete, person_get
from freddy_admin.audit.services import Actor, audit_record
from freddy_admin.audit.tags import Tag
from freddy_admin.organisations.access import place_of
from freddy_admin.organisations.invitations import invitations_to_withdraw
from freddy_admin.organisations.members import is_last_manager
from freddy_admin.organisations.models import Invitation, Membership, Organisation
from freddy_admin.organisations.standing import invited_withdraw


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
    invited_withdraw(person=person, actor=actor, besides={*members, *asked, *besides})
    removed = person_delete(actor=actor, person_id=person_id)
    for organisation in asked.values():
        invitations_to_withdraw(organisation=organisation, actor=actor, email=person.email)
    for row in rows:
        place = place_of(row.organisation)
        audit_record(
            tag=Tag.MEMBER_REMOVED, actor=actor, place=place, subject=str(person), role=row.role
        )
    return removed
