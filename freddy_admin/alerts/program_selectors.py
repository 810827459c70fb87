"""Incidents and deliveries as programs read them: by the person's sight, less the token's limits.

`organisation_ids` is None for all of the person's organisations.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.incidents.selectors import incidents_visible
from freddy_admin.alerts.models import Delivery, Incident, IncidentKey, IncidentState
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.models import Membership

UNRESOLVED: Final = "unresolved"
OrganisationIds = Collection[int] | None


@dataclass(frozen=True, slots=True)
class IncidentSelection:
    """Which incidents; "" for all. `state` may be `UNRESOLVED`: open or acknowledged."""

    state: str = ""
    severity: str = ""
    organisation_slug: str = ""


@dataclass(frozen=True, slots=True)
class DeliverySelection:
    """Which deliveries; "" and None for all."""

    state: str = ""
    channel_kind: str = ""
    organisation_slug: str = ""
    incident_uid: UUID | None = None


def incidents_for_program(
    *,
    user: User,
    organisation_ids: OrganisationIds,
    selection: IncidentSelection,
    before_id: int | None,
    limit: int,
) -> list[Incident]:
    """Up to `limit` incidents with ids below `before_id`, newest first, with what they link to."""
    incidents = _visible_incidents(user, organisation_ids)
    if selection.state == UNRESOLVED:
        incidents = incidents.exclude(state=IncidentState.RESOLVED)
    elif selection.state:
        incidents = incidents.filter(state=selection.state)
    if selection.severity:
        incidents = incidents.filter(severity=selection.severity)
    if selection.organisation_slug:
        incidents = incidents.filter(organisation__slug=selection.organisation_slug)
    if before_id is not None:
        incidents = incidents.filter(pk__lt=before_id)
    return list(incidents.order_by("-pk")[:limit])


def incident_for_program(*, user: User, organisation_ids: OrganisationIds, uid: UUID) -> Incident:
    """The incident of this uid. Raises NotFound, in the same words for one out of reach."""
    incident = _visible_incidents(user, organisation_ids).filter(uid=uid).first()
    if incident is None:
        raise NotFound(_("There is no such incident."))
    return incident


def deliveries_for_program(
    *,
    user: User,
    organisation_ids: OrganisationIds,
    selection: DeliverySelection,
    before_id: int | None,
    limit: int,
) -> list[Delivery]:
    """Up to `limit` deliveries with ids below `before_id`, newest first, with what they link to.

    `is_member_channel` says of each whether its channel is the mail of a member.
    """
    incidents = _reachable_incidents(user, organisation_ids)
    if selection.incident_uid is not None:
        incidents = incidents.filter(uid=selection.incident_uid)
    if selection.organisation_slug:
        incidents = incidents.filter(organisation__slug=selection.organisation_slug)
    memberships = Membership.objects.filter(
        organisation=OuterRef("incident__organisation"), user=OuterRef("channel__user")
    )
    deliveries = (
        Delivery.objects.filter(incident__in=incidents)
        .select_related("incident__organisation", "channel__user", "message")
        .annotate(is_member_channel=Exists(memberships))
    )
    if selection.state:
        deliveries = deliveries.filter(state=selection.state)
    if selection.channel_kind:
        deliveries = deliveries.filter(channel__kind=selection.channel_kind)
    if before_id is not None:
        deliveries = deliveries.filter(pk__lt=before_id)
    return list(deliveries.order_by("-pk")[:limit])


def _visible_incidents(user: User, organisation_ids: OrganisationIds) -> QuerySet[Incident]:
    keys = IncidentKey.objects.select_related("key").order_by("began_at", "pk")
    return (
        _reachable_incidents(user, organisation_ids)
        .select_related("organisation", "cause", "assignee")
        .prefetch_related(Prefetch("keys", keys))
    )


def _reachable_incidents(user: User, organisation_ids: OrganisationIds) -> QuerySet[Incident]:
    incidents = incidents_visible(user=user)
    if organisation_ids is None:
        return incidents
    return incidents.filter(organisation__in=organisation_ids)
