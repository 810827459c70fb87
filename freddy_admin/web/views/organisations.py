"""One organisation: its keys and how their syncs are; adding, renaming and removing it."""

from dataclasses import replace
from datetime import UTC, datetime

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.members import members_of
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import may_create_organisations
from freddy_admin.organisations.services import (
    organisation_create,
    organisation_remove,
    organisation_rename,
)
from freddy_admin.sync.freshness import statuses_ask
from freddy_admin.sync.selectors import organisation_rows
from freddy_admin.vault.models import KeyStatus
from freddy_admin.vault.selectors import api_keys_of
from freddy_admin.web.access import (
    FORM,
    by_platform_admin,
    person_of,
    within_organisation,
    within_organisation_by_admin,
)
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.filters import address, filters_from
from freddy_admin.web.forms import OrganisationForm, RemoveForm, form_page, told_beside_fields
from freddy_admin.web.live import nothing_new, parts_only, seen_marks
from freddy_admin.web.past import with_histories, with_orders, with_timeline
from freddy_admin.web.past_query import past_query
from freddy_admin.web.presenters.key_list import key_list
from freddy_admin.web.presenters.organisation import (
    OrganisationView,
    changed_parts,
    organisation_view,
)
from freddy_admin.web.presenters.times import reading


@within_organisation(Permission.VIEW)
def organisation(request: HttpRequest, access: Access) -> HttpResponse:
    """All keys of one organisation, the one in most trouble first."""
    now, here = clock.now(), access.organisation
    rows = organisation_rows(user=person_of(request), organisation=here, now=now)
    found = key_list(rows, filters_from(request.GET))
    if request.method != "HEAD":
        statuses_ask(rows=found.shown, now=now)
    wanted = Q(pk__in=[row.key_id for row in found.in_full]) | Q(status=KeyStatus.DRAFT)
    keys, on = list(api_keys_of(organisation=here).filter(wanted)), reading(now)
    query = past_query(request.GET, request.path, kept=address(found.filters).removeprefix("?"))
    view = organisation_view(access, found, keys, on, asked=asked_at(request))
    view = with_timeline(view, query, on, of=access, rows=rows)
    seen = seen_marks(request)
    if seen is not None and view.marks.items() <= seen.items():
        return nothing_new()
    in_part = seen is not None and seen.get("frame") == view.marks["frame"]
    view = changed_parts(view, seen or {}) if in_part else view
    panels = with_orders(view.panels, on, of=here, rows=rows)
    view = replace(view, panels=with_histories(panels, query, on, rows=rows))
    return _page(request, access, view, in_part=in_part)


def _page(
    request: HttpRequest, access: Access, view: OrganisationView, *, in_part: bool
) -> HttpResponse:
    page = {"view": view, "organisation": access.organisation, "live": in_part}
    if in_part:
        return parts_only(render(request, "organisation/_changes.html", page))
    if seen_marks(request) is not None:
        return render(request, "organisation/_live.html", page)
    page["may_export"] = access.allows(Permission.EXPORT_ORGANISATION)
    page["may_remove"] = may_create_organisations(user=person_of(request))
    return render(request, "organisation/page.html", page)


def asked_at(request: HttpRequest) -> datetime | None:
    """When this person pressed *Check now*, as the address carries it."""
    text = request.GET.get("asked", "")
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


@by_platform_admin(FORM)
def organisation_add(request: HttpRequest) -> HttpResponse:
    """A new organisation; the next step is its first key."""
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            made = organisation_create(actor=actor_of(request), name=form.cleaned_data["name"])
            messages.success(request, _("%(name)s was added.") % {"name": made.name})
            return redirect("organisation", slug=made.slug)
    return render(request, "organisation/add.html", {"form": form})


@within_organisation(Permission.RENAME_ORGANISATION, FORM)
@confirmed_recently()
def organisation_change_name(request: HttpRequest, access: Access) -> HttpResponse:
    """Another name; the address stays, so that links go on working."""
    former = access.organisation.name
    form = OrganisationForm(request.POST or None, initial={"name": former})
    if request.method == "POST" and form.is_valid():
        here, name = access.organisation, form.cleaned_data["name"]
        with told_beside_fields(form):
            organisation_rename(organisation=here, actor=actor_of(request), name=name)
            messages.success(request, _("The name was changed."))
            return redirect("organisation", slug=here.slug)
    page = {"form": form, "organisation": access.organisation, "former": former}
    return form_page(request, "organisation/rename.html", page)


@within_organisation_by_admin(FORM)
@confirmed_recently()
def organisation_delete(request: HttpRequest, access: Access) -> HttpResponse:
    """Removes it, after its name was typed."""
    name = access.organisation.name
    form = RemoveForm(request.POST or None, expected=name)
    if request.method == "POST" and form.is_valid():
        organisation_remove(organisation=access.organisation, actor=actor_of(request))
        messages.success(request, _("%(name)s was removed.") % {"name": name})
        return redirect("overview")
    keys = api_keys_of(organisation=access.organisation).count()
    members = len(members_of(organisation=access.organisation))
    page = {"form": form, "organisation": access.organisation, "keys": keys, "members": members}
    return render(request, "organisation/remove.html", page)
