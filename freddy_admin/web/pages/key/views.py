"""One API key: show, create, replace, update, pause, resume, revoke."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict
from freddy_admin.core.fair_shares import TooManyWaiting
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.selectors import organisation_assignable_users
from freddy_admin.sync.checks.policy import status_request_refresh
from freddy_admin.sync.checks.requests import (
    CheckRequestOutcome,
    check_request,
)
from freddy_admin.sync.history.timeline import check_run_list, key_history_map, timeline_page
from freddy_admin.sync.key_lifecycle import (
    key_candidate_accept,
    key_pause,
    key_resume,
    key_revoke,
    key_update,
)
from freddy_admin.sync.operations.selectors import latest_sync_operation_by_key
from freddy_admin.sync.status.organisation_rows import key_row
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.vault.models import ApiKey, CandidateState, KeyLifecycle
from freddy_admin.vault.selectors import (
    api_key_get,
    api_keys_list,
    candidate_find,
    key_details_revision,
    organisation_tag_names,
)
from freddy_admin.vault.services.candidates import candidate_discard, candidate_retry
from freddy_admin.vault.services.keys import api_key_create, api_key_replace
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    organisation_permission_required,
    signed_in_user,
)
from freddy_admin.web.components import KEY_CARDS_LIMIT
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.htmx import (
    check_requested_since,
    not_modified,
    render_parts,
    seen_part_digests,
)
from freddy_admin.web.pages.history.filters import KEY_HISTORY_PARAMS
from freddy_admin.web.pages.history.presenter import check_run_rows, timeline_section
from freddy_admin.web.pages.key.forms import (
    CandidateUseForm,
    KeyAddForm,
    KeyDetailsForm,
    KeyRevokeForm,
    KeySecretForm,
)
from freddy_admin.web.pages.key.presenter import KeyPage
from freddy_admin.wording.key_pages import check_not_repeated
from freddy_admin.wording.sentences import render_text
from freddy_admin.wording.times import get_user_time

MANAGE = Permission.MANAGE_KEYS


@organisation_permission_required(Permission.VIEW)
def key_detail_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The key with its figures, or with the result of its candidate's test."""
    now, key = clock.now(), api_key_get(organisation=access.organisation, key_id=key_id)
    organisation, user_time, rows = access.organisation, get_user_time(now), list[KeyRow]()
    if key.status == KeyLifecycle.ACTIVE:
        rows = [
            key_row(user=signed_in_user(request), organisation=organisation, key_id=key_id, now=now)
        ]
        if request.method != "HEAD":
            status_request_refresh(rows=rows, now=now)
    query = KEY_HISTORY_PARAMS.parse(
        request.GET, path=request.path, key_id=key_id, is_key_page=True
    )
    events = timeline_page(organisation=organisation, filters=query.filters)
    timeline = timeline_section(events, query, user_time, access=access, rows=rows)
    row = next(iter(rows), None)
    page = KeyPage(access, key, row, timeline, user_time, check_requested_since(request))
    digests, seen = page.digests(), seen_part_digests(request)
    changed = dict(digests.items() - (seen or {}).items())
    if not changed:
        return not_modified()
    if "all" not in changed:
        part = {"timeline": timeline, "out_of_band": True}
        return render_parts(render(request, "history/_timeline.html", part))
    operations = latest_sync_operation_by_key(
        organisation=organisation, key_ids=[row.key_id for row in rows]
    )
    histories = key_history_map(rows=rows, now=now)
    context = page.context(query, operations, histories) | {"digest": digests["all"]}
    context["runs"] = check_run_rows(check_run_list(key=key), user_time)
    return render(request, "key/page.html" if seen is None else "key/_live.html", context)


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
                environment=form.chosen_environment,
            )
            return redirect("key", slug=access.organisation.slug, key_id=key.pk)
    return render(request, "key/add.html", _key_form_context(access, form))


@sensitive_post_parameters("api_key")
@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def key_replace_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """A new secret for the same key; the present one stays in use until the new one works."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    form = KeySecretForm(request.POST or None, key_environment=key.environment)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            api_key_replace(
                organisation=access.organisation,
                actor=actor_from_request(request),
                key=key,
                secret=form.cleaned_data["api_key"],
                environment=form.chosen_environment,
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


@organisation_permission_required(Permission.CHECK, WRITE_METHODS)
def key_check_request_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Ask for a check of one key; a message where it was refused."""
    now, page_url = clock.now(), _result_page_url(request, access, key_id)
    try:
        result = check_request(
            organisation=access.organisation, actor=actor_from_request(request), key_id=key_id
        )
    except TooManyWaiting as error:
        messages.warning(request, error.message)
        return HttpResponseRedirect(f"{page_url}#key-{key_id}")
    if result.outcome in {CheckRequestOutcome.ASKED, CheckRequestOutcome.JOINED}:
        requested_at_ms = int(now.timestamp() * 1000)
        return HttpResponseRedirect(f"{page_url}?asked={requested_at_ms}#key-{key_id}")
    messages.info(
        request, render_text(check_not_repeated(result.held_until), get_user_time(clock.now()))
    )
    return HttpResponseRedirect(f"{page_url}#key-{key_id}")


def _result_page_url(request: HttpRequest, access: Access, key_id: int) -> str:
    """The page that will show the result: the key's own for whoever pressed the button there.

    Also where the organisation has so many keys that its page may not show this one.
    """
    organisation = access.organisation
    active_keys = api_keys_list(organisation=organisation).filter(status=KeyLifecycle.ACTIVE)
    if "from_key" in request.POST or active_keys.count() > KEY_CARDS_LIMIT:
        return reverse("key", args=[organisation.slug, key_id])
    return reverse("organisation", args=[organisation.slug])


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def candidate_keep_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Keep a candidate that could not be tested or was refused."""
    organisation = access.organisation
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    actor = actor_from_request(request)
    version = _posted_candidate_version(request)
    is_refused = request.POST.get("seen") == CandidateState.REFUSED
    state = CandidateState.REFUSED if is_refused else CandidateState.UNTESTED
    key_candidate_accept(
        organisation=organisation, actor=actor, key=key, version=version, state=state
    )
    sentence = _("The new key was kept. It is checked now.")
    if is_refused and key.status == KeyLifecycle.DRAFT:
        sentence = _("The new key was kept. It is tried again every hour, beginning now.")
    elif is_refused:
        sentence = _(
            "The new key was kept. It is tried again every hour; the present one stays in use "
            "until it works."
        )
    messages.success(request, sentence)
    return redirect("organisation", slug=access.organisation.slug)


@organisation_permission_required(MANAGE, FORM_METHODS)
@reauthentication_required()
def candidate_use_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Use a candidate that reports another organisation's figures, after the name was typed."""
    organisation = access.organisation
    key = api_key_get(organisation=organisation, key_id=key_id)
    candidate = candidate_find(key=key)
    if candidate is None or candidate.state != CandidateState.DIFFERS:
        raise Conflict(_("There is nothing to decide about this new key. Look at it again."))
    form = CandidateUseForm(
        request.POST or None, expected=organisation.name, initial={"version": candidate.version}
    )
    if request.method == "POST" and form.is_valid():
        key_candidate_accept(
            organisation=organisation,
            actor=actor_from_request(request),
            key=key,
            version=form.cleaned_data["version"],
            state=CandidateState.DIFFERS,
        )
        messages.success(request, _("The new key was kept. It is checked now."))
        return redirect("organisation", slug=organisation.slug)
    template_context = _key_form_context(access, form, key) | {"candidate": candidate}
    return render(request, "key/use_differing.html", template_context)


@organisation_permission_required(MANAGE, WRITE_METHODS)
def candidate_retest_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Have a candidate tested once more."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    actor, version = actor_from_request(request), _posted_candidate_version(request)
    candidate_retry(organisation=access.organisation, actor=actor, key=key, version=version)
    return redirect("key", slug=access.organisation.slug, key_id=key_id)


@organisation_permission_required(MANAGE, WRITE_METHODS)
@reauthentication_required(return_view="key")
def candidate_discard_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """Discard a candidate; the key's present secret stays in use."""
    key = api_key_get(organisation=access.organisation, key_id=key_id)
    is_draft = key.status == KeyLifecycle.DRAFT
    actor, version = actor_from_request(request), _posted_candidate_version(request)
    candidate_discard(organisation=access.organisation, actor=actor, key=key, version=version)
    messages.success(
        request,
        _("The new key was thrown away.")
        if is_draft
        else _("The new key was thrown away; the present one stays in use."),
    )
    return redirect("organisation", slug=access.organisation.slug)


def _posted_candidate_version(request: HttpRequest) -> int:
    """The version of the candidate this person saw; 0, which none has, if it is no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
