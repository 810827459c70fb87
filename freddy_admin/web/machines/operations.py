"""The addresses of the JSON API."""

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Path, Query, Router

from freddy_admin.core import clock
from freddy_admin.core.machines import json_answer
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.freshness import Answer, check_request
from freddy_admin.sync.history.paging import cursor_of, timeline_before
from freddy_admin.sync.history.timeline import TimelineFilters
from freddy_admin.sync.orders.placing import order_sync
from freddy_admin.sync.orders.reading import order_get
from freddy_admin.sync.rows import Filters
from freddy_admin.sync.selectors import overview_rows
from freddy_admin.web.machines.gate import actor_of_program, grant_of, to_act, within, within_key
from freddy_admin.web.machines.shapes import (
    LARGEST_ID,
    CheckOut,
    EventsAsk,
    EventsOut,
    OrderOut,
    Refusal,
    StatusesOut,
    SyncIn,
    Unprocessable,
)
from freddy_admin.web.machines.told import event_told, order_told, status_told, utc

router = Router()
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
Slug = Annotated[str, Path(min_length=1, max_length=140, pattern="^[-a-zA-Z0-9_]+$")]

_ANYWAY: dict[int, Any] = {400: Refusal, 401: Refusal, 429: Refusal}
_LOOKED_UP = _ANYWAY | {404: Refusal, 422: Unprocessable}
_DONE = _LOOKED_UP | {403: Refusal, 409: Refusal, 413: Refusal}


@router.get("/statuses", response=_ANYWAY | {200: StatusesOut}, url_name="statuses")
def statuses(request: HttpRequest) -> HttpResponse:
    """The latest status of every key the token sees, worst first. Times are UTC."""
    now, grant = clock.now(), grant_of(request)
    filters = Filters(organisation_ids=grant.organisation_ids)
    rows = overview_rows(user=grant.user, filters=filters, now=now)
    return json_answer({"generated_at": utc(now), "statuses": [status_told(row) for row in rows]})


@router.get(
    "/organisations/{slug}/events", response=_LOOKED_UP | {200: EventsOut}, url_name="events"
)
def events(request: HttpRequest, slug: Slug, ask: Query[EventsAsk]) -> HttpResponse:
    """What happened in this organisation, newest first, a part at a time.

    `show` and `key` narrow it; to go on, give the answer's `next_cursor` as `cursor`.
    """
    access = within(grant_of(request), slug)
    found, on = timeline_before(
        organisation=access.organisation,
        filters=TimelineFilters(show=ask.show or "", key_id=ask.key),
        before=cursor_of(ask.cursor) if ask.cursor else None,
        limit=ask.limit,
    )
    told = [event_told(entry, access) for entry in found]
    return json_answer({"events": told, "next_cursor": str(on) if on else None})


@router.post(
    "/keys/{key_id}/check", response=_DONE | {200: CheckOut, 202: CheckOut}, url_name="check"
)
def check(request: HttpRequest, key_id: Id) -> HttpResponse:
    """Ask for a check of this key now. Needs the scope `act` and an operator's role.

    202: a result is on its way. 200: nothing was asked for, `answer` says why.
    """
    access = within_key(to_act(request), key_id, Permission.CHECK)
    answer = check_request(
        organisation=access.organisation, actor=actor_of_program(request), key_id=key_id
    )
    coming = answer.answer in {Answer.ASKED, Answer.JOINED}
    told = {"answer": answer.answer.value, "held_until": utc(answer.held_until)}
    return json_answer(told, status=202 if coming else 200)


@router.post("/keys/{key_id}/sync", response=_DONE | {202: OrderOut}, url_name="sync")
def sync(request: HttpRequest, key_id: Id, body: SyncIn | None = None) -> HttpResponse:
    """Ask Aitronos for a sync with this key. Needs the scope `act` and an operator's role.

    It is sent once at most; `Location` is where to see what came of it. 409 where one runs.
    """
    access = within_key(to_act(request), key_id, Permission.START_SYNC)
    order = order_sync(
        organisation=access.organisation,
        actor=actor_of_program(request),
        key_id=key_id,
        full=bool(body and body.full),
    )
    answer = json_answer(order_told(order, access), status=202)
    answer["Location"] = reverse("api:order", args=[order.pk])
    return answer


@router.get("/orders/{order_id}", response=_LOOKED_UP | {200: OrderOut}, url_name="order")
def order(request: HttpRequest, order_id: Id) -> HttpResponse:
    """How far something came that was asked of Aitronos."""
    grant = grant_of(request)
    found = order_get(user=grant.user, order_id=order_id, organisation_ids=grant.organisation_ids)
    return json_answer(order_told(found, within(grant, found.organisation.slug)))
