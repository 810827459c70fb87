"""Deleting a person from the panel, with their memberships and invitations."""

from collections.abc import Collection

from django.db import transaction

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_delete, person_get
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.invitations import invitations_withdraw_by_email
from freddy_admin.organisations.members import is_last_manager
from freddy_admin.organisations.membership_roles import invitations_withdraw_by_inviter_everywhere
from freddy_admin.organisations.models import Invitation, Membership, Organisation


def memberships_list(*, user: User) -> list[Membership]:
    """A person's memberships, ordered by organisation name; one query."""
    rows = Membership.objects.filter(user=user).select_related("organisation")
    return sorted(rows, key=lambda membership: membership.organisation.name.casefold())


def solely_managed_organisations(*, user: User) -> list[Organisation]:
    """Organisations whose only manager who can sign in is this person."""
    return [
        membership.organisation
        for membership in memberships_list(user=user)
        if is_last_manager(organisation=membership.organisation, user_id=user.pk)
    ]


@transaction.atomic
def person_delete_with_memberships(
    *, actor: Actor, person_id: int, extra_organisation_ids: Collection[int] = ()
) -> User:
    """Delete a person; each organisation's audit log records the removed member.

    The invitations they sent are withdrawn, and those for their address, which would let them in
    again. `extra_organisation_ids` are organisations that the caller changes in the same
    transaction: they are locked, too. Raises NotFound, and Conflict for the last platform admin.
    """
    person = person_get(person_id=person_id)
    memberships = memberships_list(user=person)
    open_invitations = Invitation.objects.filter(email=person.email, closed_at=None)
    inviting_organisations = {
        row.organisation_id: row.organisation
        for row in open_invitations.select_related("organisation")
    }
    member_organisation_ids = {row.organisation_id for row in memberships}
    invitations_withdraw_by_inviter_everywhere(
        person=person,
        actor=actor,
        extra_organisation_ids={
            *member_organisation_ids,
            *inviting_organisations,
            *extra_organisation_ids,
        },
    )
    deleted_person = person_delete(actor=actor, person_id=person_id)
    for organisation in inviting_organisations.values():
        invitations_withdraw_by_email(organisation=organisation, actor=actor, email=person.email)
    for row in memberships:
        organisation_ref = organisation_audit_ref(row.organisation)
        audit_event_record(
            tag=AuditTag.MEMBER_REMOVED,
            actor=actor,
            organisation=organisation_ref,
            subject=str(person),
            role=row.role,
        )
    return deleted_person
