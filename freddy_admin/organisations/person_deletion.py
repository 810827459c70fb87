"""Deleting a person from the panel, with their memberships and invitations."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower

from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_delete, person_get
from freddy_admin.audit.services import Actor, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.organisations.access import organisation_audit_ref
from freddy_admin.organisations.invitations import invitations_withdraw_by_email
from freddy_admin.organisations.membership_roles import invitations_withdraw_by_inviter_everywhere
from freddy_admin.organisations.models import Invitation, Membership
from freddy_admin.organisations.roles import Role

MEMBERSHIPS_PAGE_SIZE = 20
SOLELY_MANAGED_LIMIT = 10


def memberships_list(*, user: User) -> list[Membership]:
    """A person's memberships, ordered by organisation name; one query."""
    rows = Membership.objects.filter(user=user).select_related("organisation")
    return sorted(rows, key=lambda membership: membership.organisation.name.casefold())


def membership_count(*, user: User) -> int:
    """How many organisations a person belongs to."""
    return Membership.objects.filter(user=user).count()


def memberships_page(*, user: User, page: int) -> list[Membership]:
    """One page of a person's memberships, `MEMBERSHIPS_PAGE_SIZE` by organisation name."""
    rows = Membership.objects.filter(user=user).select_related("organisation")
    start = (page - 1) * MEMBERSHIPS_PAGE_SIZE
    ordered = rows.order_by(Lower("organisation__name"), "pk")
    return list(ordered[start : start + MEMBERSHIPS_PAGE_SIZE])


def solely_managed_names(*, user: User) -> list[str]:
    """The names of organisations whose only manager who can sign in is this person, in order.

    One query; at most `SOLELY_MANAGED_LIMIT` and one more, which says that there are others.
    """
    managers = Membership.objects.filter(role=Role.MANAGER, user__is_active=True)
    others = managers.filter(organisation=OuterRef("organisation")).exclude(user=user)
    rows = managers.filter(~Exists(others), user=user)
    names = rows.order_by(Lower("organisation__name")).values_list("organisation__name", flat=True)
    return list(names[: SOLELY_MANAGED_LIMIT + 1])


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
