"""One API key: show, create, replace, update, pause, resume, revoke."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisation_assignable_users
from freddy_admin.sync.checks.requests import status_request_refresh
from freddy_admin.sync.history.timeline import check_run_list
from freddy_admin.sync.key_lifecycle import key_pause, key_resume, key_revoke, key_update
from freddy_admin.sync.status.selectors import key_row
from freddy_admin.sync.status.types import KeyRow
from freddy_admin.vault.models import ApiKey, KeyLifecycle
from freddy_admin.vault.selectors import api_key_get, key_details_revision, organisation_tag_names
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    signed_in_user,
)
from freddy_admin.web.forms import (
    KeyAddForm,
    KeyDetailsForm,
    KeyRevokeForm,
    KeySecretForm,
    add_form_errors,
)
from freddy_admin.web.history_context import (
    add_key_histories,
    add_latest_operations,
    add_timeline,
)
from freddy_admin.web.history_query import parse_history_query
from freddy_admin.web.htmx import not_modified, render_parts, seen_part_digests
from freddy_admin.web.presenters.history.check_run_rows import check_run_rows
from freddy_admin.web.presenters.key_page import key_page_context
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.web.views.organisations import check_requested_since
from freddy_admin.wording.times import get_user_time

MANAGE = Permission.MANAGE_KEYS


@organisation_permission_required(Permission.VIEW)
def key_detail_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The key with its figures, or with the result of its candidate's test."""
    now, key = clock.now(), api_key_get(organisation=access.organisation, key_id=key_id)
    rows, organisation, user_time = list[KeyRow](), access.organisation, get_user_time(now)
    if key.status == KeyLifecycle.ACTIVE:
        rows = [
            key_row(user=signed_in_user(request), organisation=organisation, key_id=key_id, now=now)
        ]
        if request.method != "HEAD":
            status_request_refresh(rows=rows, now=now)
    query = parse_history_query(request.GET, request.path, key_id=key_id)
    view = key_page_context(
        access,
        key,
        next(iter(rows), None),
        user_time,
        check_requested_at=check_requested_since(request),
    )
    view = add_timeline(view, query, user_time, access=access, rows=rows)
    seen_digests = seen_part_digests(request)
    if seen_digests is not None and view.digests.items() <= seen_digests.items():
        return not_modified()
    if seen_digests is not None and seen_digests.get("all") == view.digests["all"]:
        timeline_context = {"timeline": view.timeline, "out_of_band": True}
        return render_parts(render(request, "history/_timeline.html", timeline_context))
    cards = add_latest_operations(
        [view.card] if view.card else [], user_time, organisation=organisation, rows=rows
    )
    cards = add_key_histories(cards, query, user_time, rows=rows)
    view = replace(view, card=next(iter(cards), None))
    runs = check_run_rows(check_run_list(key=key), user_time)
    template_context = {"view": view, "organisation": organisation, "key": key, "runs": runs}
    return render(
        request, "key/page.html" if seen_digests is None else "key/_live.html", template_context
    )


@sensitive_post_parameters("api_key")
@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def key_create_view(request: HttpRequest, access: Access) -> HttpResponse:
    """A new key: sealed here, tested by the worker, kept if it works."""
    people = organisation_assignable_users(organisation=access.organisation)
    form = KeyAddForm(request.POST or None, owner_choices=people, initial={"label": _("Main key")})
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            key = api_key_create(
                organisation=access.organisation,
                actor=actor_from_request(request),
                details=form.to_key_details(),
                secret=form.cleaned_data["api_key"],
            )
            return redirect("key", slug=access.organisation.slug, key_id=key.pk)
    return render(request, "key/add.html", _key_form_context(access, form))


@sensitive_post_parameters("api_key")
@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def key_replace_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """A new secret for the same key; the present one stays in use until the new one works."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    form = KeySecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            api_key_replace(
                organisation=access.organisation,
                actor=actor_from_request(request),
                key=key,
                secret=form.cleaned_data["api_key"],
            )
            return redirect("key", slug=access.organisation.slug, key_id=key.pk)
    return render(request, "key/replace.html", _key_form_context(access, form, key))


@organisation_permission_required(MANAGE, FORM_METHODS)
def key_update_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The form of a key's label, owner, tags, id at Aitronos, expiry and own grace."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    people = organisation_assignable_users(organisation=access.organisation)
    form = KeyDetailsForm(
        request.POST or None, owner_choices=people, initial=_initial_key_details(key)
    )
    if (
        request.method == "POST"
        and form.is_valid()
        and _save_key_details(request, access, key, form)
    ):
        messages.success(request, _("The details were saved."))
        return redirect("organisation", slug=access.organisation.slug)
    return render(request, "key/edit.html", _key_form_context(access, form, key))


def _save_key_details(
    request: HttpRequest, access: Access, key: ApiKey, form: KeyDetailsForm
) -> bool:
    submitted_revision = form.cleaned_data["revision"]
    with add_form_errors(form):
        try:
            key_update(
                organisation=access.organisation,
                actor=actor_from_request(request),
                key=key,
                details=form.to_key_details(),
                revision=submitted_revision or None,
            )
        except Conflict:
            current_details = _initial_key_details(
                api_key_get(organisation=access.organisation, key_id=key.pk)
            )
            if submitted_revision == current_details["revision"]:
                raise
            form.add_conflict_error(current_details)
        else:
            return True
    return False


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def key_pause_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Pause a key: it is not checked until it is resumed."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    key_pause(organisation=access.organisation, actor=actor_from_request(request), key=key)
    messages.success(request, _("%(label)s is paused.") % {"label": key.label})
    return redirect("organisation", slug=access.organisation.slug)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def key_resume_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Resume a paused key: it is checked at once."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    key_resume(organisation=access.organisation, actor=actor_from_request(request), key=key)
    messages.success(
        request, _("%(label)s is watched again, beginning now.") % {"label": key.label}
    )
    return redirect("organisation", slug=access.organisation.slug)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def key_revoke_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Revoke a key after its label was typed: the stored secret is wiped."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    form = KeyRevokeForm(request.POST or None, expected=key.label)
    if request.method == "POST" and form.is_valid():
        key_revoke(organisation=access.organisation, actor=actor_from_request(request), key=key)
        messages.success(request, _("%(label)s was revoked and wiped.") % {"label": key.label})
        return redirect("organisation", slug=access.organisation.slug)
    template_context = {"form": form, "organisation": access.organisation, "key": key}
    return render(request, "key/revoke.html", template_context)


def _key_form_context(access: Access, form: object, key: ApiKey | None = None) -> dict[str, object]:
    return {
        "form": form,
        "organisation": access.organisation,
        "key": key,
        "draft": key is not None and key.status == KeyLifecycle.DRAFT,
        "known_tags": organisation_tag_names(organisation=access.organisation),
    }


def _initial_key_details(key: ApiKey) -> dict[str, object]:
    return {
        "label": key.label,
        "owner": key.owner_id,
        "tags": ", ".join(tag.name for tag in key.tags.all()),
        "organization_id": key.organization_id,
        "grace_minutes": key.grace_minutes,
        "expires_on": key.expires_on,
        "revision": key_details_revision(key=key),
    }
