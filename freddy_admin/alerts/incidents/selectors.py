"""Incidents as lists, pages and the API read them; each takes who looks, or the organisation."""

from dataclasses import dataclass

from django.db.models import Case, Count, Prefetch, Q, QuerySet, Value, When

from freddy_admin.accounts.models import User
from freddy_admin.alerts.incidents.locks import incident_not_found
from freddy_admin.alerts.models import (
    Cause,
    Incident,
    IncidentEvent,
    IncidentKey,
    IncidentState,
    Severity,
)
from freddy_admin.organisations.access import has_platform_permission, organisations_visible
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import PlatformPermission
from freddy_admin.sync.health_states import STATES_WORST_FIRST

INCIDENT_PAGE_SIZE = 50
UNRESOLVED = "unresolved"
STATE_FILTERS = (UNRESOLVED, *IncidentState.values)
_UNRESOLVED_STATES = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


@dataclass(frozen=True, slots=True)
class IncidentFilters:
    """What the list leaves: "" and False for all. `state` "unresolved": open and acknowledged."""

    state: str = UNRESOLVED
    severity: str = ""
    organisation_slug: str = ""
    assigned_to_me: bool = False
    page: int = 1


@dataclass(frozen=True, slots=True)
class IncidentPage:
    """A page of incidents, with `organisation`, `cause`, `assignee` and `keys` read already."""

    filters: IncidentFilters
    incidents: tuple[Incident, ...]
    total: int

    @property
    def has_next(self) -> bool:
        """Whether another page follows."""
        return self.filters.page * INCIDENT_PAGE_SIZE < self.total


@dataclass(frozen=True, slots=True)
class CauseReach:
    """How far a cause reaches, for those who may know: platform admins."""

    organisations: int
    keys: int


def incidents_visible(*, user: User) -> QuerySet[Incident]:
    """The incidents of the organisations that the person sees, unordered."""
    if has_platform_permission(user=user, permission=PlatformPermission.SEE_ALL_ORGANISATIONS):
        return Incident.objects.all()
    visible = organisations_visible(user=user).order_by().values("pk")
    return Incident.objects.filter(organisation__in=visible)


def incidents_page(*, user: User, filters: IncidentFilters) -> IncidentPage:
    """One page, unresolved ones first, then the newest. Three statements."""
    incidents = _incidents_filtered(user, filters)
    start = (filters.page - 1) * INCIDENT_PAGE_SIZE
    total = incidents.count()
    ordered = incidents.order_by(_unresolved_first(), "-opened_at", "-pk")
    return IncidentPage(
        filters, tuple(_with_all(ordered)[start : start + INCIDENT_PAGE_SIZE]), total
    )


def incidents_before(
    *, user: User, filters: IncidentFilters, before_id: int | None, limit: int
) -> list[Incident]:
    """Up to `limit` incidents with ids below `before_id`, newest first: pages of the API and CSV.

    `filters.page` is not looked at. Two statements.
    """
    incidents = _incidents_filtered(user, filters)
    if before_id is not None:
        incidents = incidents.filter(pk__lt=before_id)
    return list(_with_all(incidents.order_by("-pk"))[:limit])


def incident_get(*, organisation: Organisation, pk: int) -> Incident:
    """The incident with organisation, cause and assignee. Raises NotFound for a foreign one."""
    rows = Incident.objects.select_related("organisation", "cause", "assignee")
    incident = rows.filter(organisation=organisation, pk=pk).first() if 0 < pk < 2**63 else None
    if incident is None:
        raise incident_not_found()
    return incident


def incident_keys(*, incident: Incident) -> list[IncidentKey]:
    """Its keys with their labels, those that are still affected first."""
    parts = list(parts_with_labels().filter(incident=incident))
    return sorted(parts, key=lambda part: (part.ended_at is not None, part.key.label, part.pk))


def incident_timeline(*, incident: Incident) -> list[IncidentEvent]:
    """What happened in it, oldest first."""
    return list(IncidentEvent.objects.filter(incident=incident).order_by("at", "pk"))


def unresolved_incidents_of(*, organisation: Organisation) -> list[Incident]:
    """The organisation's unresolved incidents, worst first, with keys and assignee."""
    incidents = Incident.objects.filter(organisation=organisation, state__in=_UNRESOLVED_STATES)
    ranks = {state.value: rank for rank, state in enumerate(STATES_WORST_FIRST)}
    return sorted(
        _with_all(incidents),
        key=lambda incident: (ranks[incident.health_state], incident.opened_at, incident.pk),
    )


def unresolved_counts(*, user: User) -> dict[Severity, int]:
    """How many unresolved incidents the person sees, by severity. One statement."""
    incidents = incidents_visible(user=user).filter(state__in=_UNRESOLVED_STATES)
    counted = incidents.order_by().values_list("severity").annotate(number=Count("pk"))
    counts = {str(severity): int(number) for severity, number in counted}
    return {severity: counts.get(severity.value, 0) for severity in Severity}


def cause_reach(*, cause: Cause, user: User) -> CauseReach | None:
    """How far the cause reaches; None for who is no platform admin: members see no numbers."""
    if not has_platform_permission(user=user, permission=PlatformPermission.SEE_ALL_ORGANISATIONS):
        return None
    numbers = IncidentKey.objects.filter(incident__cause=cause).aggregate(
        organisations=Count("incident__organisation", distinct=True),
        keys=Count("key", distinct=True),
    )
    return CauseReach(numbers["organisations"], numbers["keys"])


def cause_incidents(*, cause: Cause, user: User) -> list[Incident]:
    """The incidents of a cause that the person sees, in order of their organisations."""
    incidents = incidents_visible(user=user).filter(cause=cause)
    return list(_with_all(incidents.order_by("organisation__name", "pk")))


def _incidents_filtered(user: User, filters: IncidentFilters) -> QuerySet[Incident]:
    condition = Q()
    if filters.state == UNRESOLVED:
        condition &= Q(state__in=_UNRESOLVED_STATES)
    elif filters.state:
        condition &= Q(state=filters.state)
    if filters.severity:
        condition &= Q(severity=filters.severity)
    if filters.organisation_slug:
        condition &= Q(organisation__slug=filters.organisation_slug)
    if filters.assigned_to_me:
        condition &= Q(assignee=user)
    return incidents_visible(user=user).filter(condition)


def _with_all(incidents: QuerySet[Incident]) -> QuerySet[Incident]:
    return incidents.select_related("organisation", "cause", "assignee").prefetch_related(
        Prefetch("keys", queryset=parts_with_labels().order_by("pk"))
    )


def parts_with_labels() -> QuerySet[IncidentKey]:
    """Keys in incidents with what is shown of each key, and not its sealed secret."""
    return IncidentKey.objects.select_related("key").defer("key__ciphertext")


def _unresolved_first() -> Case:
    return Case(When(state=IncidentState.RESOLVED, then=Value(1)), default=Value(0))
