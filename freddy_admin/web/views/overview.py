"""The overview: whether every sync is running, and if not, who has to act."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.models import User
from freddy_admin.accounts.saved_views import saved_views_list
from freddy_admin.core import clock
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import can_create_organisations
from freddy_admin.sync.checks.requests import status_request_refresh
from freddy_admin.sync.status.selectors import overview_page, overview_with_filter_options
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.web.access import signed_in_user, signed_in_user_required
from freddy_admin.web.htmx import not_modified, render_parts, seen_part_digests
from freddy_admin.web.overview_query import parse_overview_filters
from freddy_admin.web.presenters.overview_banners import overview_banners
from freddy_admin.web.presenters.overview_page import (
    OverviewPageContext,
    changed_row_htmls,
    overview_digests,
    overview_page_context,
)
from freddy_admin.web.presenters.saved_view_bar import saved_view_bar
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
