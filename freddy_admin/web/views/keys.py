"""One API key: adding, replacing, describing, pausing, resuming, revoking it."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisation_people
from freddy_admin.sync.freshness import statuses_ask
from freddy_admin.sync.history.timeline import check_runs
from freddy_admin.sync.lifecycle import key_change, key_pause, key_resume, key_revoke
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.selectors import key_row
from freddy_admin.vault.models import ApiKey, KeyStatus
from freddy_admin.vault.selectors import api_key_get, details_revision, tag_names
from freddy_admin.vault.services.keys import api_key_draft, api_key_replace
from freddy_admin.web.access import FORM, WRITE, person_of, within_organisation
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.forms import (
    AddKeyForm,
    DetailsForm,
    RevokeForm,
    SecretForm,
    told_beside_fields,
)
from freddy_admin.web.live import nothing_new, parts_only, seen_marks
from freddy_admin.web.past import with_histories, with_orders, with_timeline
from freddy_admin.web.past_query import past_query
from freddy_admin.web.presenters.history.check_runs import run_rows
from freddy_admin.web.presenters.key import key_view
from freddy_admin.web.presenters.times import reading
from freddy_admin.web.views.organisations import asked_at

MANAGE = Permission.MANAGE_KEYS


@within_organisation(Permission.VIEW)
def key(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The key with its figures, or with the outcome of its test."""
    now, found = clock.now(), api_key_get(organisation=access.organisation, key_id=key_id)
    rows, here, on = list[KeyRow](), access.organisation, reading(now)
    if found.status == KeyStatus.ACTIVE:
        rows = [key_row(user=person_of(request), organisation=here, key_id=key_id, now=now)]
        if request.method != "HEAD":
            statuses_ask(rows=rows, now=now)
    query = past_query(request.GET, request.path, key_id=key_id)
    view = key_view(access, found, next(iter(rows), None), on, asked=asked_at(request))
    view = with_timeline(view, query, on, of=access, rows=rows)
    seen = seen_marks(request)
    if seen is not None and view.marks.items() <= seen.items():
        return nothing_new()
    if seen is not None and seen.get("all") == view.marks["all"]:
        news = {"timeline": view.timeline, "live": True}
        return parts_only(render(request, "history/_timeline.html", news))
    panels = with_orders([view.panel] if view.panel else [], on, of=here, rows=rows)
    panels = with_histories(panels, query, on, rows=rows)
    view = replace(view, panel=next(iter(panels), None))
    runs = run_rows(check_runs(key=found), on)
    page = {"view": view, "organisation": here, "key": found, "runs": runs}
    return render(request, "key/page.html" if seen is None else "key/_live.html", page)


@sensitive_post_parameters("api_key")
@within_organisation(MANAGE, FORM)
@confirmed_recently()
def key_add(request: HttpRequest, access: Access) -> HttpResponse:
    """A new key: sealed here, tested by the worker, kept if it works."""
    people = organisation_people(organisation=access.organisation)
    form = AddKeyForm(request.POST or None, people=people, initial={"label": _("Main key")})
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            made = api_key_draft(
                organisation=access.organisation,
                actor=actor_of(request),
                details=form.details(),
                secret=form.cleaned_data["api_key"],
            )
            return redirect("key", slug=access.organisation.slug, key_id=made.pk)
    return render(request, "key/add.html", _page(access, form))


@sensitive_post_parameters("api_key")
@within_organisation(MANAGE, FORM)
@confirmed_recently()
def key_replace(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """A new secret for the same key; the present one stays in use until the new one works."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    form = SecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            api_key_replace(
                organisation=access.organisation,
                actor=actor_of(request),
                key=found,
                secret=form.cleaned_data["api_key"],
            )
            return redirect("key", slug=access.organisation.slug, key_id=found.pk)
    return render(request, "key/replace.html", _page(access, form, found))


@within_organisation(MANAGE, FORM)
def key_edit(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Label, owner, tags, the id at Aitronos and an own grace."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    people = organisation_people(organisation=access.organisation)
    form = DetailsForm(request.POST or None, people=people, initial=_initial(found))
    if request.method == "POST" and form.is_valid() and _saved(request, access, found, form):
        messages.success(request, _("The details were saved."))
        return redirect("organisation", slug=access.organisation.slug)
    return render(request, "key/edit.html", _page(access, form, found))


def _saved(request: HttpRequest, access: Access, key: ApiKey, form: DetailsForm) -> bool:
    seen = form.cleaned_data["revision"]
    with told_beside_fields(form):
        try:
            key_change(
                organisation=access.organisation,
                actor=actor_of(request),
                key=key,
                details=form.details(),
                revision=seen or None,
            )
        except Conflict:
            present = _initial(api_key_get(organisation=access.organisation, key_id=key.pk))
            if seen == present["revision"]:
                raise
            form.overtaken(present)
        else:
            return True
    return False


@within_organisation(MANAGE, WRITE)
@confirmed_recently(back="key")
def key_stop(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Pause."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    key_pause(organisation=access.organisation, actor=actor_of(request), key=found)
    messages.success(request, _("%(label)s is paused.") % {"label": found.label})
    return redirect("organisation", slug=access.organisation.slug)


@within_organisation(MANAGE, WRITE)
@confirmed_recently(back="key")
def key_go_on(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Resume: it is checked at once."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    key_resume(organisation=access.organisation, actor=actor_of(request), key=found)
    messages.success(
        request, _("%(label)s is watched again, beginning now.") % {"label": found.label}
    )
    return redirect("organisation", slug=access.organisation.slug)


@within_organisation(MANAGE, FORM)
@confirmed_recently()
def key_end(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Revoke, after its label was typed: the stored secret is wiped."""
    found = api_key_get(organisation=access.organisation, key_id=key_id)
    form = RevokeForm(request.POST or None, expected=found.label)
    if request.method == "POST" and form.is_valid():
        key_revoke(organisation=access.organisation, actor=actor_of(request), key=found)
        messages.success(request, _("%(label)s was revoked and wiped.") % {"label": found.label})
        return redirect("organisation", slug=access.organisation.slug)
    page = {"form": form, "organisation": access.organisation, "key": found}
    return render(request, "key/revoke.html", page)


def _page(access: Access, form: object, key: ApiKey | None = None) -> dict[str, object]:
    return {
        "form": form,
        "organisation": access.organisation,
        "key": key,
        "draft": key is not None and key.status == KeyStatus.DRAFT,
        "known_tags": tag_names(organisation=access.organisation),
    }


def _initial(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "owner": key.owner_id,
        "tags": ", ".join(tag.name for tag in key.tags.all()),
        "organization_id": key.organization_id,
        "grace_minutes": key.grace_minutes,
        "expires_on": key.expires_on,
        "revision": details_revision(key=key),
    }
