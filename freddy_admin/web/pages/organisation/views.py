"""One organisation: its keys and their sync status; create, rename, delete."""

from django.contrib import messages
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.audit.services import actor_from_request, audit_event_record
from freddy_admin.audit.tags import AuditTag
from freddy_admin.core import clock
from freddy_admin.organisations.access import Access, can_create_organisations
from freddy_admin.organisations.members import members_list
from freddy_admin.organisations.roles import Permission
from freddy_admin.organisations.services import (
    organisation_create,
    organisation_delete,
    organisation_rename,
)
from freddy_admin.sync.checks.policy import status_request_refresh
from freddy_admin.sync.history.timeline import key_history_map, timeline_page
from freddy_admin.sync.operations.selectors import latest_sync_operation_by_key
from freddy_admin.sync.status.organisation_rows import organisation_key_rows
from freddy_admin.sync.status.view_version import next_change_by_clock
from freddy_admin.vault.models import KeyLifecycle
from freddy_admin.vault.selectors import api_keys_list
from freddy_admin.web.access import (
    FORM_METHODS,
    organisation_permission_required,
    organisation_platform_admin_required,
    platform_admin_required,
    signed_in_user,
)
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.htmx import (
    VERSION_HEADER,
    check_requested_since,
    live_view,
    not_modified,
    render_parts,
    seen_part_digests,
)
from freddy_admin.web.pages.history.filters import HISTORY_PARAMS
from freddy_admin.web.pages.history.presenter import timeline_section
from freddy_admin.web.pages.key.card import key_card_anchor
from freddy_admin.web.pages.organisation.export import organisation_export_zip
from freddy_admin.web.pages.organisation.forms import OrganisationDeleteForm, OrganisationForm
from freddy_admin.web.pages.organisation.presenter import OrganisationPage, organisation_key_list
from freddy_admin.web.pages.overview.filters import OVERVIEW_PARAMS
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.VIEW)
def organisation_detail_view(request: HttpRequest, access: Access) -> HttpResponse:
    """All keys of one organisation, worst health state first; to polls what changed."""
    now, organisation, person = clock.now(), access.organisation, signed_in_user(request)
    address = request.get_full_path()
    live = live_view(request, address, user=person, organisation=organisation, now=now)
    if live.is_current:
        return not_modified()
    rows = organisation_key_rows(user=person, organisation=organisation, now=now)
    key_list = organisation_key_list(rows, OVERVIEW_PARAMS.parse(request.GET))
    if request.method != "HEAD":
        status_request_refresh(rows=key_list.page_rows, now=now)
    is_shown = Q(pk__in=[row.key_id for row in key_list.rows_shown_as_cards]) | Q(
        status=KeyLifecycle.DRAFT
    )
    keys = {key.pk: key for key in api_keys_list(organisation=organisation).filter(is_shown)}
    query = HISTORY_PARAMS.parse(
        request.GET,
        path=request.path,
        other_params=OVERVIEW_PARAMS.build_url(key_list.filters).removeprefix("?"),
    )
    events = timeline_page(organisation=organisation, filters=query.filters)
    user_time = get_user_time(now)
    timeline = timeline_section(events, query, user_time, access=access, rows=rows)
    page = OrganisationPage(
        access, key_list, keys, timeline, user_time, check_requested_since(request)
    )
    digests, seen = page.part_digests(), seen_part_digests(request)
    frame = page.frame(list(digests))
    digests["frame"] = frame["digest"]
    changed = dict(digests.items() - (seen or {}).items())
    promises = [moment for row in rows for moment in (row.overdue_at, row.hold_until)]
    version = live.version(valid_until=next_change_by_clock(rows, now, others=promises))
    if not changed:
        return not_modified(version)
    is_update = "frame" not in changed
    anchors = changed if is_update else digests
    # Reading histories costs more than anything else here: only for the cards that are sent.
    card_rows = [row for row in page.card_rows if key_card_anchor(row) in anchors]
    operations = latest_sync_operation_by_key(
        organisation=organisation, key_ids=[row.key_id for row in card_rows]
    )
    histories = key_history_map(rows=card_rows, now=now)
    context = frame | page.parts(anchors, query, operations, histories)
    if is_update:
        context["out_of_band"] = True
        return render_parts(render(request, "organisation/_live_update.html", context), version)
    context["version"] = version
    if seen is not None:
        response = render(request, "organisation/_live.html", context)
        response[VERSION_HEADER] = version
        return response
    context["may_export"] = access.allows(Permission.EXPORT_ORGANISATION)
    context["may_remove"] = can_create_organisations(user=person)
    return render(request, "organisation/page.html", context)


@platform_admin_required(FORM_METHODS)
def organisation_create_view(request: HttpRequest) -> HttpResponse:
    """Create an organisation; its page, where its first key is added, comes next."""
    form = OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            organisation = organisation_create(
                actor=actor_from_request(request), name=form.cleaned_data["name"]
            )
            messages.success(request, _("%(name)s was added.") % {"name": organisation.name})
            return redirect("organisation", slug=organisation.slug)
    return render(request, "organisation/add.html", {"form": form})


@organisation_permission_required(Permission.RENAME_ORGANISATION, FORM_METHODS)
@reauthentication_required()
def organisation_rename_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Rename an organisation; its slug stays, so that links go on working."""
    former_name = access.organisation.name
    form = OrganisationForm(request.POST or None, initial={"name": former_name})
    if request.method == "POST" and form.is_valid():
        organisation, name = access.organisation, form.cleaned_data["name"]
        with add_form_errors(form):
            organisation_rename(
                organisation=organisation, actor=actor_from_request(request), name=name
            )
            messages.success(request, _("The name was changed."))
            return redirect("organisation", slug=organisation.slug)
    template_context = {"form": form, "organisation": access.organisation, "former": former_name}
    return render_form_page(request, "organisation/rename.html", template_context)


@organisation_platform_admin_required(FORM_METHODS)
@reauthentication_required()
def organisation_delete_view(request: HttpRequest, access: Access) -> HttpResponse:
    """Delete an organisation, after its name was typed."""
    name = access.organisation.name
    form = OrganisationDeleteForm(request.POST or None, expected=name)
    if request.method == "POST" and form.is_valid():
        organisation_delete(organisation=access.organisation, actor=actor_from_request(request))
        messages.success(request, _("%(name)s was removed.") % {"name": name})
        return redirect("overview")
    key_count = api_keys_list(organisation=access.organisation).count()
    member_count = len(members_list(organisation=access.organisation))
    template_context = {
        "form": form,
        "organisation": access.organisation,
        "keys": key_count,
        "members": member_count,
    }
    return render(request, "organisation/remove.html", template_context)


@organisation_permission_required(Permission.EXPORT_ORGANISATION, FORM_METHODS)
@reauthentication_required(return_view="organisation", is_download=True)
def organisation_export_view(request: HttpRequest, access: Access) -> FileResponse | HttpResponse:
    """A zip of everything that is kept of an organisation but secrets."""
    organisation = access.organisation
    if request.method == "HEAD":
        return HttpResponse(content_type="application/zip")
    audit_event_record(
        tag=AuditTag.ORGANISATION_EXPORTED,
        actor=actor_from_request(request),
        organisation=access.audit_ref,
        subject=organisation.name,
    )
    filename = f"{organisation.slug}-{clock.now():%Y-%m-%d-%H%M}.zip"
    return FileResponse(
        organisation_export_zip(organisation), as_attachment=True, filename=filename
    )
