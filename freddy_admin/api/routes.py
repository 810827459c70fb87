"""The routes of the JSON API."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from ninja import Path, Query, Router

from freddy_admin.api.permissions import (
    api_token_actor,
    get_request_token_grant,
    granted_organisation_access_get,
    key_organisation_access_get,
    require_act_scope_within_rate_limit,
)
from freddy_admin.api.schemas import (
    DEFAULT_STATUSES,
    LARGEST_ID,
    CheckRequestOut,
    ErrorDetailOut,
    EventListOut,
    EventListQuery,
    OperationOut,
    StatusListOut,
    StatusListQuery,
    SyncRequestIn,
    ValidationErrorOut,
)
from freddy_admin.api.serializers import (
    format_utc,
    serialize_event,
    serialize_operation,
    status_list_json,
)
from freddy_admin.core import clock
from freddy_admin.core.json_responses import json_response
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.checks.requests import CheckRequestOutcome, check_request
from freddy_admin.sync.history.cursor_pagination import (
    parse_timeline_cursor,
    timeline_entries_before,
)
from freddy_admin.sync.history.timeline import TimelineFilters
from freddy_admin.sync.operations.selectors import operation_get
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.sync.status.export import status_batches, statuses_select
from freddy_admin.sync.status.queries import OverviewFilters

router = Router()
# The operation ids and summaries below are part of the API: clients generate code from them.
IdPath = Annotated[int, Path(ge=1, le=LARGEST_ID)]
SlugPath = Annotated[str, Path(min_length=1, max_length=140, pattern="^[-a-zA-Z0-9_]+$")]
COMMON_ERRORS: dict[int, Any] = {400: ErrorDetailOut, 401: ErrorDetailOut, 429: ErrorDetailOut}
LOOKUP_ERRORS = COMMON_ERRORS | {404: ErrorDetailOut, 422: ValidationErrorOut}
ACTION_ERRORS = LOOKUP_ERRORS | {403: ErrorDetailOut, 409: ErrorDetailOut, 413: ErrorDetailOut}


@router.get(
    "/statuses",
    response=COMMON_ERRORS | {200: StatusListOut, 304: None, 422: ValidationErrorOut},
    url_name="statuses",
    operation_id="freddy_admin_web_machines_operations_statuses",
    summary="Statuses",
)
def status_list_view(request: HttpRequest, query: Query[StatusListQuery]) -> HttpResponseBase:
    """The latest status of every key the token sees, worst first. Times are UTC.

    With `limit` (up to 1,000) or `cursor` a part of them, by key id; to go on, give the answer's
    `next_cursor` as `cursor`. The `ETag`, sent back as `If-None-Match`, is answered with 304 as
    long as nothing but `generated_at` would differ.
    """
    now, grant = clock.now(), get_request_token_grant(request)
    is_part = query.cursor is not None or query.limit is not None
    selection = statuses_select(
        user=grant.user,
        filters=OverviewFilters(organisation_ids=grant.organisation_ids),
        now=now,
        after_key_id=int(query.cursor) if query.cursor else None,
        limit=query.limit or (DEFAULT_STATUSES if is_part else None),
    )
    etag = f'W/"{selection.digest}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        next_cursor = str(selection.next_cursor) if selection.next_cursor else None
        content = status_list_json(
            status_batches(user=grant.user, key_ids=selection.key_ids, now=now),
            generated_at=str(format_utc(now)),
            ending={"next_cursor": next_cursor} if is_part else {},
        )
        # Of a single batch all is there before the first byte is sent: it cannot break off.
        type_ = HttpResponse if selection.is_one_batch else StreamingHttpResponse
        response = type_(content, content_type="application/json")
    response["ETag"] = etag
    return response


@router.get(
    "/organisations/{slug}/events",
    response=LOOKUP_ERRORS | {200: EventListOut},
    url_name="events",
    operation_id="freddy_admin_web_machines_operations_events",
    summary="Events",
)
def event_list_view(
    request: HttpRequest, slug: SlugPath, query: Query[EventListQuery]
) -> HttpResponse:
    """What happened in this organisation, newest first, a part at a time.

    `show` and `key` narrow it; to go on, give the answer's `next_cursor` as `cursor`.
    """
    access = granted_organisation_access_get(get_request_token_grant(request), slug)
    entries, next_cursor = timeline_entries_before(
        organisation=access.organisation,
        filters=TimelineFilters(group=query.show or "", key_id=query.key),
        before=parse_timeline_cursor(query.cursor) if query.cursor else None,
        limit=query.limit,
    )
    events = [serialize_event(entry, access) for entry in entries]
    return json_response(
        {"events": events, "next_cursor": str(next_cursor) if next_cursor else None}
    )


@router.post(
    "/keys/{key_id}/check",
    response=ACTION_ERRORS | {200: CheckRequestOut, 202: CheckRequestOut},
    url_name="check",
    operation_id="freddy_admin_web_machines_operations_check",
    summary="Check",
)
def check_request_view(request: HttpRequest, key_id: IdPath) -> HttpResponse:
    """Ask for a check of this key now. Needs the scope `act` and an operator's role.

    202: a result is on its way. 200: nothing was asked for, `answer` says why.
    """
    access = key_organisation_access_get(
        require_act_scope_within_rate_limit(request), key_id, Permission.CHECK
    )
    request_result = check_request(
        organisation=access.organisation, actor=api_token_actor(request), key_id=key_id
    )
    outcome, held_until = request_result.outcome, format_utc(request_result.held_until)
    is_accepted = outcome in {CheckRequestOutcome.ASKED, CheckRequestOutcome.JOINED}
    return json_response(
        {"answer": outcome.value, "held_until": held_until}, status=202 if is_accepted else 200
    )


@router.post(
    "/keys/{key_id}/sync",
    response=ACTION_ERRORS | {202: OperationOut},
    url_name="sync",
    operation_id="freddy_admin_web_machines_operations_sync",
    summary="Sync",
)
def sync_request_view(
    request: HttpRequest, key_id: IdPath, body: SyncRequestIn | None = None
) -> HttpResponse:
    """Ask Aitronos for a sync with this key. Needs the scope `act` and an operator's role.

    It is sent once at most; `Location` is where to see what came of it. 409 where one runs.
    """
    access = key_organisation_access_get(
        require_act_scope_within_rate_limit(request), key_id, Permission.START_SYNC
    )
    operation = sync_operation_create(
        organisation=access.organisation,
        actor=api_token_actor(request),
        key_id=key_id,
        full=bool(body and body.full),
    )
    response = json_response(serialize_operation(operation, access), status=202)
    response["Location"] = reverse("api:operation", args=[operation.pk])
    return response


@router.get(
    "/orders/{order_id}",
    response=LOOKUP_ERRORS | {200: OperationOut},
    url_name="operation",
    operation_id="freddy_admin_web_machines_operations_order",
    summary="Order",
)
def operation_detail_view(request: HttpRequest, order_id: IdPath) -> HttpResponse:
    """How far something came that was asked of Aitronos."""
    grant = get_request_token_grant(request)
    operation = operation_get(
        user=grant.user, operation_id=order_id, organisation_ids=grant.organisation_ids
    )
    access = granted_organisation_access_get(grant, operation.organisation.slug)
    return json_response(serialize_operation(operation, access))
