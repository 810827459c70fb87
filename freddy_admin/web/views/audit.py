"""The audit log: who did what, when."""

from collections.abc import Iterator
from datetime import UTC

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.selectors import user_get
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import AuditFilters, AuditScope, audit_page, audit_stream
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.organisations.selectors import (
    organisation_named,
    organisations_visible,
    organisations_where,
    platform_allows,
)
from freddy_admin.web.access import FORM, by_anyone_signed_in, person_of
from freddy_admin.web.audit_query import AuditQuery, audit_query
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.csv_lines import csv_answer, export_note
from freddy_admin.web.presenters.audit import (
    PAGE_SIZE,
    audit_view,
    event_as_read,
    event_details,
    event_did,
)
from freddy_admin.web.presenters.times import reading

COLUMNS = (
    "number",
    "time",
    "who",
    "tag",
    "what",
    "subject",
    "organisation",
    "details",
    "address",
    "request_id",
)
OFFERED = 200


@by_anyone_signed_in()
def audit(request: HttpRequest) -> HttpResponse:
    """What this person may read of the log, narrowed by the address."""
    person, query = person_of(request), audit_query(request.GET)
    scope = _scope(person)
    page = audit_page(scope, _filters(person, query), cursor=query.cursor, limit=PAGE_SIZE)
    names = organisations_visible(user=person).values_list("name", flat=True)[:OFFERED]
    on = reading(clock.now())
    view = audit_view(page, query, on, scope=scope, organisations=list(names))
    return render(request, "audit/page.html", {"view": view})


@by_anyone_signed_in(FORM)
@confirmed_recently(back="audit", downloads=True)
def audit_csv(request: HttpRequest) -> StreamingHttpResponse:
    """All of what the address's filters leave, newest first; times in UTC."""
    person, query = person_of(request), audit_query(request.GET)
    scope, filters = _scope(person), _filters(person, query)
    export_note(request, _("audit log, CSV"), filters=query.pairs())
    return csv_answer("audit", COLUMNS, _rows(scope, filters))


def _rows(scope: AuditScope, filters: AuditFilters) -> Iterator[list[object]]:
    for event in audit_stream(scope, filters):
        yield _cells(event_as_read(event, scope))


def _cells(event: AuditEvent) -> list[object]:
    return [
        event.pk,
        f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        event.actor_name,
        event.tag,
        event_did(event),
        event.subject,
        event.organisation_name,
        "; ".join(event_details(event)),
        event.address,
        event.request_id,
    ]


def _scope(person: User) -> AuditScope:
    if platform_allows(user=person, permission=PlatformPermission.SEE_SYSTEM):
        return AuditScope(everything=True)
    managed = organisations_where(user=person, permission=Permission.VIEW_AUDIT)
    seen = organisations_visible(user=person)
    return AuditScope(
        managed=frozenset(managed.values_list("pk", flat=True)),
        seen=frozenset(seen.values_list("pk", flat=True)),
        person_id=person.pk,
        email=person.email,
    )


def _filters(person: User, query: AuditQuery) -> AuditFilters:
    zone = timezone.get_current_timezone()
    place = organisation_named(user=person, name=query.organisation)
    return AuditFilters(
        words=query.q,
        tag=query.tag,
        actor_id=_actor(query.who),
        actor_words=query.who,
        organisation_id=place.pk if place else None,
        organisation_words="" if place else query.organisation,
        since=query.from_day(zone),
        until=query.to_day(zone),
        request_id=query.request,
    )


def _actor(who: str) -> int | None:
    """Of an address, the number of its person: found by it, however often the address changed.

    0 where there is no such person: the search must take the same way.
    """
    if "@" not in who:
        return None
    try:
        return user_get(email=who).pk
    except NotFound:
        return 0
