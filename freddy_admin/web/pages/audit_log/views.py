"""The audit log: who did what, when."""

from collections.abc import Iterator
from datetime import UTC

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import person_get_by_email
from freddy_admin.audit.models import AuditEvent
from freddy_admin.audit.selectors import (
    AuditFilters,
    AuditScope,
    audit_event_page,
    audit_event_stream,
)
from freddy_admin.core import clock
from freddy_admin.core.errors import NotFound
from freddy_admin.organisations.access import (
    has_platform_permission,
    organisations_visible,
    organisations_with_permission,
)
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.organisations.selectors import organisation_find_by_name
from freddy_admin.web.access import FORM_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.csv_responses import csv_response, export_audit_event_record
from freddy_admin.web.pages.audit_log.filters import AUDIT_PARAMS, AuditQuery
from freddy_admin.web.pages.audit_log.presenter import (
    PAGE_SIZE,
    audit_log_context,
    mask_event_emails_for_scope,
)
from freddy_admin.wording.audit import audit_action, audit_details
from freddy_admin.wording.times import get_user_time

AUDIT_CSV_COLUMNS = (
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
ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def audit_log_list_view(request: HttpRequest) -> HttpResponse:
    """One page of what this person may read of the log, filtered by the query string."""
    person, query = signed_in_user(request), AUDIT_PARAMS.parse(request.GET)
    scope = _audit_scope(person)
    page = audit_event_page(
        scope, _audit_filters(person, query), cursor=query.cursor, limit=PAGE_SIZE
    )
    names = organisations_visible(user=person).values_list("name", flat=True)
    template_context = audit_log_context(page, query, get_user_time(clock.now()), scope)
    template_context["organisations"] = list(names[:ORGANISATION_OPTIONS_LIMIT])
    return render(request, "audit_log/page.html", template_context)


@signed_in_user_required(FORM_METHODS)
@reauthentication_required(return_view="audit", is_download=True)
def audit_log_export_view(request: HttpRequest) -> StreamingHttpResponse:
    """A CSV of all events that the filters leave, newest first; times in UTC."""
    person, query = signed_in_user(request), AUDIT_PARAMS.parse(request.GET)
    scope, filters = _audit_scope(person), _audit_filters(person, query)
    export_audit_event_record(request, _("audit log, CSV"), filters=query.query_params())
    return csv_response("audit", AUDIT_CSV_COLUMNS, _audit_csv_rows(scope, filters))


def _audit_csv_rows(scope: AuditScope, filters: AuditFilters) -> Iterator[list[object]]:
    for event in audit_event_stream(scope, filters):
        yield _audit_csv_cells(mask_event_emails_for_scope(event, scope))


def _audit_csv_cells(event: AuditEvent) -> list[object]:
    return [
        event.pk,
        f"{event.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        event.actor_name,
        event.tag,
        str(audit_action(event)),
        event.subject,
        event.organisation_name,
        "; ".join(str(line) for line in audit_details(event, is_for_file=True)),
        event.address,
        event.request_id,
    ]


def _audit_scope(person: User) -> AuditScope:
    if has_platform_permission(user=person, permission=PlatformPermission.SEE_SYSTEM):
        return AuditScope(is_unrestricted=True)
    managed = organisations_with_permission(user=person, permission=Permission.VIEW_AUDIT)
    visible = organisations_visible(user=person)
    return AuditScope(
        managed_organisation_ids=frozenset(managed.values_list("pk", flat=True)),
        visible_organisation_ids=frozenset(visible.values_list("pk", flat=True)),
        person_id=person.pk,
        email=person.email,
    )


def _audit_filters(person: User, query: AuditQuery) -> AuditFilters:
    zone = timezone.get_current_timezone()
    organisation = organisation_find_by_name(user=person, name=query.organisation)
    return AuditFilters(
        text=query.q,
        tag=query.tag,
        actor_id=_actor_id_of_email(query.actor),
        actor_text=query.actor,
        organisation_id=organisation.pk if organisation else None,
        organisation_text="" if organisation else query.organisation,
        since=query.start_time(zone),
        until=query.end_time(zone),
        request_id=query.request,
    )


def _actor_id_of_email(actor: str) -> int | None:
    """The id of the person with this e-mail address; None where the text is no address.

    Finds the person's events however often the address changed. 0 where there is no such
    person, so that the search takes the same time and reveals no account.
    """
    if "@" not in actor:
        return None
    try:
        return person_get_by_email(email=actor).pk
    except NotFound:
        return 0
