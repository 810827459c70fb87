"""The overview, its export and its saved views: whether every sync is running."""

from dataclasses import replace
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.models import User
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.accounts.saved_views import saved_view_delete, saved_view_save, saved_views_list
from freddy_admin.core import clock
from freddy_admin.core.errors import PublicError
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import can_create_organisations
from freddy_admin.sync.checks.requests import status_request_refresh
from freddy_admin.sync.status.selectors import (
    overview_key_rows,
    overview_page,
    overview_with_filter_options,
)
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.access import WRITE_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.csv_responses import csv_response, export_audit_event_record
from freddy_admin.web.htmx import not_modified, render_parts, seen_part_digests
from freddy_admin.web.pages.overview.filters import clean_saved_view_query, parse_overview_filters
from freddy_admin.web.pages.overview.presenter import (
    OverviewPageContext,
    changed_row_htmls,
    overview_banners,
    overview_digests,
    overview_page_context,
    saved_view_bar,
)
from freddy_admin.wording.times import get_user_time


@signed_in_user_required()
def overview_show_view(request: HttpRequest) -> HttpResponse:
    """The first page of a signed-in person; to the page's own polls it sends what changed."""
    now, person = clock.now(), signed_in_user(request)
    overview = overview_page(user=person, filters=parse_overview_filters(request.GET), now=now)
    if request.method != "HEAD":
        status_request_refresh(rows=overview.rows, now=now)
    user_time, seen_digests = get_user_time(now), seen_part_digests(request)
    banners = overview_banners(overview, user_time)
    digests = overview_digests(overview, banners)
    if seen_digests is not None and digests.items() <= seen_digests.items():
        return not_modified()
    if seen_digests is None or seen_digests.get("frame") != digests["frame"]:
        overview = overview_with_filter_options(user=person, overview=overview)
    path = reverse("overview")
    view = overview_page_context(overview, user_time, banners=banners, digests=digests, path=path)
    template_context: dict[str, object] = {"view": view, **_offered_actions(person, overview.rows)}
    if seen_digests is None:
        # The bar stands above the live part: no poll needs it.
        view_bar = saved_view_bar(saved_views_list(user=person), overview.filters, path)
        return render(
            request, "overview/page.html", template_context | {"saved_view_bar": view_bar}
        )
    return _live_update_response(request, template_context, view, seen_digests)


def _offered_actions(person: User, rows: list[KeyRow]) -> dict[str, bool]:
    """Which buttons this person gets: adding, starting syncs, importing."""
    held_permissions = {permission for row in rows for permission in row.permissions}
    may_add = can_create_organisations(user=person)
    return {
        "may_add": may_add,
        "may_start": Permission.START_SYNC in held_permissions,
        "may_import": may_add or Permission.MANAGE_KEYS in held_permissions,
    }


def _live_update_response(
    request: HttpRequest,
    template_context: dict[str, object],
    view: OverviewPageContext,
    seen_digests: dict[str, str],
) -> HttpResponse:
    if seen_digests.get("frame") != view.digests["frame"]:
        return render(request, "overview/_live.html", template_context)
    row_htmls = changed_row_htmls(view, seen_digests)
    stale_parts = {
        name for name in ("head", "needs") if seen_digests.get(name) != view.digests[name]
    }
    changed_context = {
        "view": replace(view, row_htmls=row_htmls),
        "stale": stale_parts,
        "out_of_band": True,
    }
    return render_parts(
        render(request, "overview/_live_update.html", template_context | changed_context)
    )


OVERVIEW_CSV_COLUMNS = (
    "organisation",
    "organisation_slug",
    "key",
    "key_id",
    "state",
    "state_since",
    "last_sync_at",
    "next_sync_at",
    "enabled_tools",
    "total_tools",
    "sync_interval_hours",
    "checked_at",
    "observed_at",
    "owner",
    "error",
    "key_expires_on",
)


@signed_in_user_required()
def overview_export_view(request: HttpRequest) -> StreamingHttpResponse:
    """A CSV of all rows this person sees that the filters leave; times in UTC."""
    now, filters = clock.now(), parse_overview_filters(request.GET)
    rows = overview_key_rows(user=signed_in_user(request), filters=filters, now=now)
    export_audit_event_record(request, _("overview, CSV"))
    return csv_response("overview", OVERVIEW_CSV_COLUMNS, map(_overview_csv_cells, rows))


def _overview_csv_cells(row: KeyRow) -> list[object]:
    figures, error = row.figures, row.error
    return [
        row.organisation_name,
        row.organisation_slug,
        row.key_label,
        row.key_id,
        row.state.value,
        _format_utc(row.state_since),
        _format_utc(figures.last_sync_at) if figures else None,
        _format_utc(figures.next_sync_at) if figures else None,
        figures.enabled_tools if figures else None,
        figures.total_tools if figures else None,
        figures.sync_interval_hours if figures else None,
        _format_utc(row.checked_at),
        _format_utc(row.observed_at),
        row.owner_name,
        error.kind if error else None,
        f"{row.expires_on:%Y-%m-%d}" if row.expires_on else None,
    ]


def _format_utc(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}" if at else None


@signed_in_user_required(WRITE_METHODS)
def saved_view_create_view(request: HttpRequest) -> HttpResponse:
    """Save the filters of the overview under a name, as the panel's own URLs write them."""
    query = clean_saved_view_query(request.POST.get("query", ""))
    try:
        name = request.POST.get("name", "")
        saved_view = saved_view_save(
            actor=actor_from_request(request), user=signed_in_user(request), name=name, query=query
        )
    except PublicError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("The view “%(name)s” is kept.") % {"name": saved_view.name})
    return _redirect_to_overview(query)


@signed_in_user_required(WRITE_METHODS)
def saved_view_delete_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete a saved view; the overview keeps its present filters."""
    name = saved_view_delete(
        actor=actor_from_request(request), user=signed_in_user(request), view_id=view_id
    )
    messages.success(request, _("The view “%(name)s” was removed.") % {"name": name})
    return _redirect_to_overview(clean_saved_view_query(request.POST.get("query", "")))


def _redirect_to_overview(query: str) -> HttpResponse:
    return redirect(reverse("overview") + (f"?{query}" if query else ""))
