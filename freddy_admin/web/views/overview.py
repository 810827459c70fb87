"""The overview: is every sync running, and if not, whose move is it?"""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from freddy_admin.accounts.models import User
from freddy_admin.accounts.saved_views import saved_views_of
from freddy_admin.core import clock
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import may_create_organisations
from freddy_admin.sync.freshness import statuses_ask
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.selectors import overview_page, overview_with_choices
from freddy_admin.web.access import by_anyone_signed_in, person_of
from freddy_admin.web.filters import filters_from
from freddy_admin.web.live import nothing_new, parts_only, seen_marks
from freddy_admin.web.presenters.banners import banners
from freddy_admin.web.presenters.overview import (
    OverviewView,
    changed_lines,
    overview_marks,
    overview_view,
)
from freddy_admin.web.presenters.saved_views import saved_views_row
from freddy_admin.web.presenters.times import reading


@by_anyone_signed_in()
def overview(request: HttpRequest) -> HttpResponse:
    """The first page of a signed-in person; asked again by the page itself, it sends changes."""
    now, person = clock.now(), person_of(request)
    found = overview_page(user=person, filters=filters_from(request.GET), now=now)
    if request.method != "HEAD":
        statuses_ask(rows=found.rows, now=now)
    on, seen = reading(now), seen_marks(request)
    told = banners(found, on)
    marks = overview_marks(found, told)
    if seen is not None and marks.items() <= seen.items():
        return nothing_new()
    if seen is None or seen.get("frame") != marks["frame"]:
        found = overview_with_choices(user=person, overview=found)
    path = reverse("overview")
    view = overview_view(found, on, told=told, marks=marks, path=path)
    page: dict[str, object] = {"view": view, **_offers(person, found.rows)}
    if seen is None:
        # Above the live part, and therefore no work for the polls.
        row = saved_views_row(saved_views_of(user=person), found.filters, path)
        return render(request, "overview/page.html", page | {"views": row})
    return _changes(request, page, view, seen)


def _offers(person: User, rows: list[KeyRow]) -> dict[str, bool]:
    """What this person may begin from here."""
    held = {permission for row in rows for permission in row.permissions}
    may_add = may_create_organisations(user=person)
    return {
        "may_add": may_add,
        "may_start": Permission.START_SYNC in held,
        "may_import": may_add or Permission.MANAGE_KEYS in held,
    }


def _changes(
    request: HttpRequest, page: dict[str, object], view: OverviewView, seen: dict[str, str]
) -> HttpResponse:
    if seen.get("frame") != view.marks["frame"]:
        return render(request, "overview/_live.html", page)
    lines = changed_lines(view, seen)
    stale = {name for name in ("head", "needs") if seen.get(name) != view.marks[name]}
    changed = {"view": replace(view, lines=lines), "stale": stale, "live": True}
    return parts_only(render(request, "overview/_changes.html", page | changed))
