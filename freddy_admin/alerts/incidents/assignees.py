"""Who may look after an incident, and what becomes of it when they may not any more."""

from django.db.models import Exists, OuterRef, Q

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import Incident, IncidentEvent, IncidentEventKind, IncidentState
from freddy_admin.audit.services import Actor
from freddy_admin.core import clock
from freddy_admin.organisations.models import Membership, Organisation
from freddy_admin.organisations.roles import ROLE_PERMISSIONS, Permission

HANDLING_ROLES = [
    role.value
    for role, permissions in ROLE_PERMISSIONS.items()
    if Permission.HANDLE_INCIDENTS in permissions
]


def incident_assignees(*, organisation: Organisation) -> list[User]:
    """Members to whom its incidents may be assigned: operators and managers, by name."""
    members = Membership.objects.filter(
        organisation=organisation, role__in=HANDLING_ROLES, user__is_active=True
    )
    users = [row.user for row in members.select_related("user")]
    return sorted(users, key=lambda user: (str(user).casefold(), user.pk))


def may_be_assigned(*, organisation: Organisation, person: User) -> bool:
    """Whether the person may handle its incidents: as a member, or as a platform admin."""
    membership = Membership.objects.filter(
        organisation=organisation, user=OuterRef("pk"), role__in=HANDLING_ROLES
    )
    people = User.objects.filter(Q(is_platform_admin=True) | Exists(membership), is_active=True)
    return people.filter(pk=person.pk).exists()


def assignments_end(
    *,
    person: User,
    actor: Actor,
    organisation: Organisation | None = None,
    where_no_member: bool = False,
) -> int:
    """Take the person's unresolved incidents from them, in one organisation or in all.

    With `where_no_member` only in organisations whose incidents no role of theirs lets them
    handle. Call inside the transaction that changes their rights; returns how many. One statement
    where there are none.
    """
    incidents = Incident.objects.select_for_update(no_key=True).filter(assignee=person)
    incidents = incidents.exclude(state=IncidentState.RESOLVED)
    if organisation is not None:
        incidents = incidents.filter(organisation=organisation)
    if where_no_member:
        membership = Membership.objects.filter(
            user=person, organisation=OuterRef("organisation"), role__in=HANDLING_ROLES
        )
        incidents = incidents.filter(~Exists(membership))
    ids = list(incidents.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return 0
    Incident.objects.filter(pk__in=ids).update(assignee=None)
    now = clock.now()
    IncidentEvent.objects.bulk_create(
        IncidentEvent(
            incident_id=pk,
            kind=IncidentEventKind.UNASSIGNED,
            at=now,
            actor_name=actor.name[:254],
            actor_id=actor.id,
            details={"assignee": str(person)},
        )
        for pk in ids
    )
    return len(ids)
