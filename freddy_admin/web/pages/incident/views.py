"""Incidents: the list and its export, each one's page, and what people do about it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.deliveries.ledger import incident_ledger
from freddy_admin.alerts.incidents.assignees import incident_assignees
from freddy_admin.alerts.incidents.selectors import (
    INCIDENT_PAGE_SIZE,
    IncidentFilters,
    cause_reach,
    incident_get,
    incident_keys,
    incident_timeline,
    incidents_before,
    incidents_page,
)
from freddy_admin.alerts.incidents.services import (
    incident_acknowledge,
    incident_assign,
    incident_note_add,
    incident_unacknowledge,
)
from freddy_admin.alerts.models import Incident
from freddy_admin.alerts.silences.selectors import mutes_list, silence_reasons
from freddy_admin.alerts.silences.services import incident_mute, incident_unmute
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.access import (
    Access,
    actor_display_name,
    effective_permissions,
    organisations_visible,
    person_display_name,
)
from freddy_admin.organisations.roles import Permission
from freddy_admin.web.access import (
    WRITE_METHODS,
    organisation_permission_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.csv_responses import csv_response, export_audit_event_record
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.htmx import not_modified, seen_part_digests
from freddy_admin.web.pages.incident.filters import INCIDENT_PARAMS
from freddy_admin.web.pages.incident.forms import MuteForm, NoteForm
from freddy_admin.web.pages.incident.presenter import (
    IncidentDetails,
    incident_list_context,
    incident_list_digest,
    latest_mute,
)
from freddy_admin.wording.times import get_user_time

HANDLE = Permission.HANDLE_INCIDENTS
ORGANISATION_OPTIONS_LIMIT = 200
_EXPORT_BATCH = 500


@signed_in_user_required()
def incident_list_view(request: HttpRequest) -> HttpResponse:
    """The incidents this person may see, filtered; to the page's own polls what changed."""
    person, filters = signed_in_user(request), INCIDENT_PARAMS.parse(request.GET)
    page = incidents_page(user=person, filters=filters)
    page_count = max(1, -(-page.total // INCIDENT_PAGE_SIZE))
    if filters.page > page_count:
        return redirect(
            INCIDENT_PARAMS.build_url(filters, reverse("incident_list"), page=page_count)
        )
    organisations = _organisation_options(person, filters.organisation_slug)
    digest, seen = incident_list_digest(page, organisations), seen_part_digests(request)
    if seen is not None and seen.get("all") == digest:
        return not_modified()
    context = incident_list_context(page, page_count, person, get_user_time(clock.now()))
    context |= {"digest": digest, "organisations": organisations}
    return render(request, "incident/list.html" if seen is None else "incident/_list.html", context)


def _organisation_options(user: User, chosen_slug: str) -> list[tuple[str, str]]:
    """(slug, name) of organisations to choose from, the chosen one always among them."""
    visible = organisations_visible(user=user)
    options = list(visible.values_list("slug", "name")[: ORGANISATION_OPTIONS_LIMIT + 1])
    if len(options) > ORGANISATION_OPTIONS_LIMIT and chosen_slug:
        options += visible.filter(slug=chosen_slug).values_list("slug", "name")
    return list(dict.fromkeys(options))


INCIDENT_CSV_COLUMNS = (
    "incident_id",
    "organisation",
    "organisation_slug",
    "state",
    "severity",
    "health_state",
    "keys",
    "opened_at",
    "noticed_at",
    "resolved_at",
    "seconds",
    "acknowledged_at",
    "acknowledged_by",
    "assignee",
    "cause",
)


@signed_in_user_required()
def incident_export_view(request: HttpRequest) -> StreamingHttpResponse:
    """A CSV of all incidents that the filters leave, newest first; times in UTC."""
    person, filters = signed_in_user(request), INCIDENT_PARAMS.parse(request.GET)
    asked = dict(INCIDENT_PARAMS.pairs(filters, page=1))
    export_audit_event_record(request, _("incidents, CSV"), filters=asked)
    return csv_response("incidents", INCIDENT_CSV_COLUMNS, _incident_csv_rows(person, filters))


def _incident_csv_rows(user: User, filters: IncidentFilters) -> Iterator[list[object]]:
    now, before_id = clock.now(), None
    while batch := incidents_before(
        user=user, filters=filters, before_id=before_id, limit=_EXPORT_BATCH
    ):
        for incident in batch:
            yield _incident_csv_cells(incident, user, now)
        before_id = batch[-1].pk


def _incident_csv_cells(incident: Incident, user: User, now: datetime) -> list[object]:
    permissions, assignee = effective_permissions(user, None), incident.assignee
    span = (incident.resolved_at or now) - incident.opened_at
    return [
        incident.pk,
        incident.organisation.name,
        incident.organisation.slug,
        incident.state,
        incident.severity,
        incident.health_state,
        "|".join(dict.fromkeys(key.key.label for key in incident.keys.all())),
        _format_utc(incident.opened_at),
        _format_utc(incident.noticed_at),
        _format_utc(incident.resolved_at),
        round(span.total_seconds()),
        _format_utc(incident.acknowledged_at),
        actor_display_name(incident.acknowledged_by, permissions),
        person_display_name(assignee.name, assignee.email, permissions) if assignee else "",
        incident.cause.kind if incident.cause else "",
    ]


def _format_utc(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


@organisation_permission_required(Permission.VIEW)
def incident_detail_view(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """The incident with its keys, who was told and what was done; to polls what changed."""
    incident = incident_get(organisation=access.organisation, pk=incident_id)
    details, seen = (
        _incident_details(signed_in_user(request), access, incident),
        seen_part_digests(request),
    )
    if seen is not None:
        if seen.get("all") == details.digest():
            return not_modified()
        context = details.context(signed_in_user(request), get_user_time(clock.now()))
        return render(request, "incident/_live.html", context)
    return _incident_page(request, details)


def _incident_details(user: User, access: Access, incident: Incident) -> IncidentDetails:
    now, organisation = clock.now(), access.organisation
    reasons = silence_reasons(incidents=[incident], now=now).get(incident.pk, [])
    cause = incident.cause
    return IncidentDetails(
        access=access,
        incident=incident,
        keys=incident_keys(incident=incident),
        events=incident_timeline(incident=incident),
        ledger=incident_ledger(incident=incident, access=access),
        mute=latest_mute(mutes_list(organisation=organisation, incident=incident), now),
        window=next((reason for reason in reasons if reason.kind == "window"), None),
        reach=cause_reach(cause=cause, user=user) if cause else None,
    )


def _incident_page(
    request: HttpRequest,
    details: IncidentDetails,
    *,
    mute_form: MuteForm | None = None,
    note_form: NoteForm | None = None,
) -> HttpResponse:
    """The whole page; with a form that was not accepted, its errors at the form."""
    context = details.context(signed_in_user(request), get_user_time(clock.now()))
    if context["may_handle"]:
        context["assignees"] = _assignee_options(signed_in_user(request), details)
    context |= {
        "mute_form": mute_form or MuteForm(),
        "note_form": note_form or NoteForm(),
        "form": mute_form or note_form,
    }
    return render_form_page(request, "incident/page.html", context)


def _assignee_options(user: User, details: IncidentDetails) -> list[tuple[int, str]]:
    """Who may look after it: members, the platform admin who looks, and who does so now."""
    members = incident_assignees(organisation=details.access.organisation)
    others = [user] if user.is_platform_admin else []
    others += [details.incident.assignee] if details.incident.assignee else []
    people = {person.pk: person for person in [*members, *others]}
    permissions = details.access.permissions
    return [
        (pk, person_display_name(person.name, person.email, permissions))
        for pk, person in people.items()
    ]


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_acknowledge_view(
    request: HttpRequest, access: Access, incident_id: int
) -> HttpResponse:
    """Say that somebody looks after it."""
    done = _("You acknowledged the incident. Reminders stop; its end is still told.")
    return _incident_change(request, access, incident_id, incident_acknowledge, done)


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_unacknowledge_view(
    request: HttpRequest, access: Access, incident_id: int
) -> HttpResponse:
    """Withdraw the acknowledgement."""
    done = _("The acknowledgement is withdrawn.")
    return _incident_change(request, access, incident_id, incident_unacknowledge, done)


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_assign_view(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """Assign it to one of those who may look after it, or to nobody any more."""
    chosen = request.POST.get("assignee", "")[:20]
    # Whether the person who acts may look after it is for the service to say.
    people = [*incident_assignees(organisation=access.organisation), signed_in_user(request)]
    assignee = next((person for person in people if str(person.pk) == chosen), None)
    if chosen and assignee is None:
        messages.warning(
            request, _("Choose one of the people in the list: that one may not look after it.")
        )
        return redirect("incident", access.organisation.slug, incident_id)
    done = _("Nobody is assigned any more.")
    if assignee is not None:
        name = person_display_name(assignee.name, assignee.email, access.permissions)
        done = _("%(name)s looks after the incident now.") % {"name": name}
    change = partial(incident_assign, assignee=assignee)
    return _incident_change(request, access, incident_id, change, done)


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_mute_view(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """Hold its messages back until a moment, with a reason."""
    incident = incident_get(organisation=access.organisation, pk=incident_id)
    form = MuteForm(request.POST)
    if form.is_valid():
        with add_form_errors(form):
            incident_mute(
                organisation=access.organisation,
                actor=actor_from_request(request),
                incident=incident,
                until=form.muted_until(clock.now()),
                reason=form.cleaned_data["reason"],
            )
            messages.success(
                request, _("The incident is muted: only its end is told to whoever was told of it.")
            )
            return _back(request, access, incident_id)
    return _incident_page(
        request, _incident_details(signed_in_user(request), access, incident), mute_form=form
    )


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_unmute_view(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """End all its mutes."""
    done = _("The mute is over: messages go out again.")
    return _incident_change(request, access, incident_id, incident_unmute, done)


@organisation_permission_required(HANDLE, WRITE_METHODS)
def incident_note_view(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """Add a note for the others."""
    incident = incident_get(organisation=access.organisation, pk=incident_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        with add_form_errors(form):
            incident_note_add(
                organisation=access.organisation,
                actor=actor_from_request(request),
                incident=incident,
                note=form.cleaned_data["note"],
            )
            return _back(request, access, incident_id)
    return _incident_page(
        request, _incident_details(signed_in_user(request), access, incident), note_form=form
    )


def _incident_change(
    request: HttpRequest,
    access: Access,
    incident_id: int,
    change: Callable[..., object],
    done: str,
) -> HttpResponse:
    """Change the incident by a service and go back; why not, where the service refuses."""
    organisation = access.organisation
    incident = incident_get(organisation=organisation, pk=incident_id)
    try:
        change(organisation=organisation, actor=actor_from_request(request), incident=incident)
    except (Conflict, InvalidInput) as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, done)
    return _back(request, access, incident_id)


def _back(request: HttpRequest, access: Access, incident_id: int) -> HttpResponse:
    """To the page whose button was pressed."""
    origin, slug = request.POST.get("from", ""), access.organisation.slug
    if origin == "overview":
        return redirect("overview")
    if origin == "organisation":
        return redirect("organisation", slug)
    return redirect("incident", slug, incident_id)
