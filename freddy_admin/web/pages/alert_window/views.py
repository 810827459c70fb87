"""Maintenance windows: those that a person may see, and planning, changing and ending them."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.alerts.models import MaintenanceWindow, WindowRecurrence
from freddy_admin.alerts.silences.recurrence import window_next_span
from freddy_admin.alerts.silences.selectors import window_get
from freddy_admin.alerts.silences.services import window_create, window_delete, window_update
from freddy_admin.alerts.silences.window_lists import windows_visible
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.organisations.access import (
    Access,
    actor_display_name,
    effective_permissions,
    has_platform_permission,
    organisations_with_permission,
)
from freddy_admin.organisations.models import Organisation
from freddy_admin.organisations.roles import Permission, PlatformPermission
from freddy_admin.vault.selectors import organisation_tag_names
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    platform_admin_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.pages.alert_window.forms import WindowForm, window_initial
from freddy_admin.wording.alert_windows import (
    WINDOW_RULE,
    window_last_day,
    window_occurrence,
    window_schedule,
    window_scope,
)
from freddy_admin.wording.sentences import render_html, render_text
from freddy_admin.wording.times import UserTime, get_user_time

MANAGE = Permission.MANAGE_ALERTS
ORGANISATION_OPTIONS_LIMIT = 200


@signed_in_user_required()
def window_list_view(request: HttpRequest) -> HttpResponse:
    """The windows in force or to come, of this person's organisations and of all."""
    now, person = clock.now(), signed_in_user(request)
    managed = organisations_with_permission(user=person, permission=MANAGE)
    options = list(managed.values_list("pk", "slug", "name")[:ORGANISATION_OPTIONS_LIMIT])
    may_manage_all = _manages_fleet(person)
    managed_ids = {pk for pk, _slug, _name in options}
    user_time, rows = get_user_time(now), []
    for window in windows_visible(user=person, now=now):
        may_change = may_manage_all or window.organisation_id in managed_ids
        rows.append(_window_row(window, person, user_time, may_change=may_change))
    rows.sort(key=lambda row: row["starts"])
    context = {
        "windows": rows,
        "rule": WINDOW_RULE,
        "organisations": [(slug, name) for _pk, slug, name in options],
        "may_manage_all": may_manage_all,
    }
    return render(request, "alert_window/list.html", context)


def _manages_fleet(user: User) -> bool:
    return has_platform_permission(user=user, permission=PlatformPermission.MANAGE_FLEET_ALERTS)


def _window_row(
    window: MaintenanceWindow, user: User, user_time: UserTime, *, may_change: bool
) -> dict[str, Any]:
    span = window_next_span(window, user_time.now)
    organisation, now = window.organisation, user_time.now
    is_in_force = span is not None and span.start <= now
    return {
        "window": window,
        "scope": render_text(
            window_scope(organisation=organisation.name if organisation else "", tag=window.tag)
        ),
        "schedule": render_text(
            window_schedule(
                is_weekly=window.recurrence == WindowRecurrence.WEEKLY,
                starts_on=window.starts_on,
                starts_at=window.starts_at,
                minutes=window.minutes,
                zone=window.zone,
            )
        ),
        "last_day": render_text(window_last_day(window.ends_on)) if window.ends_on else "",
        "occurrence": span and render_html(window_occurrence(span.start, span.end, now), user_time),
        "starts": span.start if span else now,
        "is_in_force": is_in_force,
        "tone": "warn" if is_in_force else "quiet",
        "by": actor_display_name(window.created_by, effective_permissions(user, None)),
        "slug": organisation.slug if organisation else "",
        "may_change": may_change,
    }


@signed_in_user_required()
def window_choose_view(request: HttpRequest) -> HttpResponse:
    """Lead to the form of the organisation that was chosen in the list."""
    managed = organisations_with_permission(user=signed_in_user(request), permission=MANAGE)
    organisation = managed.filter(slug=request.GET.get("organisation", "")[:140]).first()
    if organisation is None:
        messages.warning(request, _("Choose an organisation whose alerts you manage."))
        return redirect("alert_windows")
    return redirect("alert_window_create", organisation.slug)


@organisation_permission_required(MANAGE, FORM_METHODS)
def window_create_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Plan a window of one organisation, or of a tag of it."""
    return _window_form_response(request, access.organisation, None)


@organisation_permission_required(MANAGE, FORM_METHODS)
def window_update_view(request: HttpRequest, access: Access, window_id: int) -> HttpResponse:
    """Change a window of one organisation."""
    window = window_get(organisation=access.organisation, pk=window_id)
    return _window_form_response(request, access.organisation, window)


@organisation_permission_required(MANAGE, WRITE_METHODS)
def window_delete_view(request: HttpRequest, access: Access, window_id: int) -> HttpResponse:
    """End a window of one organisation, or call it off."""
    return _window_end_response(request, access.organisation, window_id)


@platform_admin_required(FORM_METHODS)
def fleet_window_create_view(request: HttpRequest) -> HttpResponse:
    """Plan a window of every organisation."""
    return _window_form_response(request, None, None)


@platform_admin_required(FORM_METHODS)
def fleet_window_update_view(request: HttpRequest, window_id: int) -> HttpResponse:
    """Change a window of every organisation."""
    return _window_form_response(request, None, window_get(organisation=None, pk=window_id))


@platform_admin_required(WRITE_METHODS)
def fleet_window_delete_view(request: HttpRequest, window_id: int) -> HttpResponse:
    """End a window of every organisation, or call it off."""
    return _window_end_response(request, None, window_id)


def _window_form_response(
    request: HttpRequest, organisation: Organisation | None, window: MaintenanceWindow | None
) -> HttpResponse:
    """The form of a new window, or of this one; once it is stored, the list."""
    now: datetime = timezone.localtime(clock.now())
    initial = window_initial(window, now=now, zone=timezone.get_current_timezone_name())
    tags = organisation_tag_names(organisation=organisation) if organisation else None
    form = WindowForm(request.POST or None, initial=initial, tags=tags)
    if request.method == "POST" and form.is_valid():
        actor, details = actor_from_request(request), form.to_window_details()
        with add_form_errors(form):
            if window is None:
                window_create(organisation=organisation, actor=actor, details=details)
                messages.success(request, _("The window is planned."))
            else:
                window_update(
                    organisation=organisation, actor=actor, window=window, details=details
                )
                messages.success(request, _("The window was changed."))
            return redirect("alert_windows")
    context = {"form": form, "organisation": organisation, "window": window, "rule": WINDOW_RULE}
    return render_form_page(request, "alert_window/form.html", context)


def _window_end_response(
    request: HttpRequest, organisation: Organisation | None, window_id: int
) -> HttpResponse:
    window = window_get(organisation=organisation, pk=window_id)
    window_delete(organisation=organisation, actor=actor_from_request(request), window=window)
    messages.success(request, _("The window is ended: messages are not held back by it any more."))
    return redirect("alert_windows")
