"""The routes of the JSON API for incidents and their messages."""

from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from freddy_admin.alerts.incidents.selectors import incident_timeline
from freddy_admin.alerts.incidents.services import incident_acknowledge
from freddy_admin.alerts.models import Delivery, Incident
from freddy_admin.alerts.program_selectors import (
    DeliverySelection,
    IncidentSelection,
    deliveries_for_program,
    incident_for_program,
    incidents_for_program,
)
from freddy_admin.alerts.silences.selectors import muted_until
from freddy_admin.api.alert_schemas import (
    DeliveryListOut,
    DeliveryListQuery,
    IncidentDetailOut,
    IncidentListOut,
    IncidentListQuery,
    IncidentOut,
    cursor_id,
)
from freddy_admin.api.alert_serializers import (
    NamesVisible,
    serialize_delivery,
    serialize_incident,
    serialize_incident_event,
)
from freddy_admin.api.permissions import (
    api_token_actor,
    get_request_token_grant,
    granted_organisation_access_get,
    require_act_scope_within_rate_limit,
)
from freddy_admin.api.routes import ACTION_ERRORS, COMMON_ERRORS, LOOKUP_ERRORS
from freddy_admin.api.schemas import ValidationErrorOut
from freddy_admin.core import clock
from freddy_admin.core.json_responses import json_response
from freddy_admin.organisations.roles import Permission

router = Router()
_Row = TypeVar("_Row", Incident, Delivery)
_LIST_ERRORS: dict[int, Any] = COMMON_ERRORS | {422: ValidationErrorOut}


@router.get(
    "/incidents",
    response=_LIST_ERRORS | {200: IncidentListOut},
    url_name="api_incidents",
    operation_id="freddy_admin_api_incidents",
    summary="Incidents",
)
def incident_list_view(request: HttpRequest, query: Query[IncidentListQuery]) -> HttpResponse:
    """The incidents the token sees, newest first, a part at a time. Times are UTC.

    `state`, `severity` and `organisation` (a slug) narrow it; to go on, give the answer's
    `next_cursor` as `cursor`.
    """
    grant = get_request_token_grant(request)
    incidents = incidents_for_program(
        user=grant.user,
        organisation_ids=grant.organisation_ids,
        selection=IncidentSelection(
            state=query.state or "",
            severity=query.severity or "",
            organisation_slug=query.organisation or "",
        ),
        before_id=cursor_id(query.cursor),
        limit=query.limit + 1,
    )
    page, next_cursor = _page_and_next_cursor(incidents, query.limit)
    names = NamesVisible(grant.user)
    return json_response(
        {"incidents": _serialize_incidents(page, names), "next_cursor": next_cursor}
    )


@router.get(
    "/incidents/{uid}",
    response=LOOKUP_ERRORS | {200: IncidentDetailOut},
    url_name="api_incident",
    operation_id="freddy_admin_api_incident",
    summary="Incident",
)
def incident_detail_view(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One incident, with what happened in it."""
    grant = get_request_token_grant(request)
    incident = incident_for_program(
        user=grant.user, organisation_ids=grant.organisation_ids, uid=uid
    )
    names = NamesVisible(grant.user)
    permissions = names.permissions_in(incident.organisation_id)
    events = [
        serialize_incident_event(event, permissions=permissions)
        for event in incident_timeline(incident=incident)
    ]
    [values] = _serialize_incidents([incident], names)
    return json_response(values | {"events": events})


@router.post(
    "/incidents/{uid}/acknowledge",
    response=ACTION_ERRORS | {200: IncidentOut},
    url_name="api_incident_acknowledge",
    operation_id="freddy_admin_api_incident_acknowledge",
    summary="Acknowledge an incident",
)
def incident_acknowledge_view(request: HttpRequest, uid: UUID) -> HttpResponse:
    """Say that somebody looks after it: no more reminders, and its end is told all the same.

    Needs the scope `act` and an operator's role. 409 where it is over.
    """
    grant = require_act_scope_within_rate_limit(request)
    incident = incident_for_program(
        user=grant.user, organisation_ids=grant.organisation_ids, uid=uid
    )
    access = granted_organisation_access_get(grant, incident.organisation.slug)
    access.require(Permission.HANDLE_INCIDENTS)
    incident_acknowledge(
        organisation=access.organisation, actor=api_token_actor(request), incident=incident
    )
    acknowledged = incident_for_program(
        user=grant.user, organisation_ids=grant.organisation_ids, uid=uid
    )
    [values] = _serialize_incidents([acknowledged], NamesVisible(grant.user))
    return json_response(values)


@router.get(
    "/deliveries",
    response=_LIST_ERRORS | {200: DeliveryListOut},
    url_name="api_deliveries",
    operation_id="freddy_admin_api_deliveries",
    summary="Deliveries",
)
def delivery_list_view(request: HttpRequest, query: Query[DeliveryListQuery]) -> HttpResponse:
    """Who was told of which incident, how far that came and what the other side answered.

    Newest first, a part at a time; `state`, `channel` (its kind), `organisation` (a slug) and
    `incident` (its uid) narrow it; to go on, give the answer's `next_cursor` as `cursor`.
    """
    grant = get_request_token_grant(request)
    deliveries = deliveries_for_program(
        user=grant.user,
        organisation_ids=grant.organisation_ids,
        selection=DeliverySelection(
            state=query.state or "",
            channel_kind=query.channel or "",
            organisation_slug=query.organisation or "",
            incident_uid=query.incident,
        ),
        before_id=cursor_id(query.cursor),
        limit=query.limit + 1,
    )
    page, next_cursor = _page_and_next_cursor(deliveries, query.limit)
    names = NamesVisible(grant.user)
    return json_response(
        {
            "deliveries": [serialize_delivery(delivery, names=names) for delivery in page],
            "next_cursor": next_cursor,
        }
    )


def _page_and_next_cursor(rows: list[_Row], limit: int) -> tuple[list[_Row], str | None]:
    """Of one row more than `limit` the page, and where the next one begins; None for no more."""
    page = rows[:limit]
    return page, str(page[-1].pk) if len(rows) > limit else None


def _serialize_incidents(incidents: list[Incident], names: NamesVisible) -> list[dict[str, Any]]:
    muted = muted_until(incidents=incidents, now=clock.now()) if incidents else {}
    return [
        serialize_incident(incident, muted_until=muted.get(incident.pk), names=names)
        for incident in incidents
    ]
