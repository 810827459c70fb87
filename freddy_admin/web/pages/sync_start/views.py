"""Starting syncs: one from its dialog, a batch from the overview; and the batch's progress."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.operations.selectors import batch_operation_list
from freddy_admin.sync.operations.services import sync_operation_create
from freddy_admin.sync.operations.startable_syncs import (
    drop_duplicate_figures,
    key_rows_sharing_sync,
    startable_sync_rows,
    startable_sync_rows_by_ids,
    sync_batch_create,
)
from freddy_admin.sync.status.organisation_rows import key_row
from freddy_admin.sync.status.rows import KeyRow
from freddy_admin.web.access import (
    FORM_METHODS,
    organisation_permission_required,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.htmx import not_modified, seen_part_digests
from freddy_admin.web.pages.overview.filters import OVERVIEW_PARAMS
from freddy_admin.web.pages.sync_start.presenter import (
    sync_batch_form_context,
    sync_batch_progress_context,
    sync_start_context,
)
from freddy_admin.wording.times import get_user_time


@organisation_permission_required(Permission.START_SYNC, FORM_METHODS)
def sync_start_view(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The dialog that says what will happen; on POST, the operation for the worker."""
    now, organisation = clock.now(), access.organisation
    row = key_row(user=signed_in_user(request), organisation=organisation, key_id=key_id, now=now)
    if request.method == "POST":
        full = request.POST.get("mode") == "full"
        try:
            sync_operation_create(
                organisation=organisation,
                actor=actor_from_request(request),
                key_id=key_id,
                full=full,
            )
        except Conflict as error:
            messages.warning(request, error.message)
        return redirect(f"{reverse('organisation', args=[organisation.slug])}#key-{key_id}")
    rows_sharing_sync = key_rows_sharing_sync(user=signed_in_user(request), row=row, now=now)
    template_context = {
        "view": sync_start_context(row, rows_sharing_sync, get_user_time(now)),
        "organisation": organisation,
    }
    return render(request, "syncs/start.html", template_context)


@signed_in_user_required(FORM_METHODS)
def sync_batch_create_view(request: HttpRequest) -> HttpResponse:
    """A batch: choose keys, see which of them may share one sync, start."""
    now, person, filters = clock.now(), signed_in_user(request), OVERVIEW_PARAMS.parse(request.GET)
    full = request.POST.get("mode") == "full"
    path = OVERVIEW_PARAMS.build_url(filters, reverse("sync_batch_create"))
    if request.method == "POST":
        try:
            rows = startable_sync_rows_by_ids(
                user=person, key_ids=_posted_key_ids(request), now=now
            )
        except InvalidInput as error:
            messages.error(request, error.message)
            return redirect(path)
        if request.POST.get("start"):
            return _start_sync_batch(request, rows, full=full)
        view = sync_batch_form_context(rows, get_user_time(now), selected=True, full=full)
        return render(request, "syncs/batch_confirm.html", {"view": view, "path": path})
    rows = startable_sync_rows(user=person, filters=filters, now=now)
    view = sync_batch_form_context(
        rows, get_user_time(now), selected=OVERVIEW_PARAMS.is_narrowed(filters), full=full
    )
    back_url = OVERVIEW_PARAMS.build_url(filters, reverse("overview"))
    return render(
        request, "syncs/batch_choose.html", {"view": view, "path": path, "back_url": back_url}
    )


@signed_in_user_required()
def sync_batch_detail_view(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """The progress of a batch of syncs; each person sees the operations they may see."""
    operations = batch_operation_list(user=signed_in_user(request), batch_id=batch_id)
    view = sync_batch_progress_context(operations, get_user_time(clock.now()))
    seen_digests = seen_part_digests(request)
    if seen_digests is not None and seen_digests.get("all") == view["digest"]:
        return not_modified()
    return render(
        request, "syncs/batch.html" if seen_digests is None else "syncs/_batch.html", {"view": view}
    )


def _start_sync_batch(request: HttpRequest, rows: list[KeyRow], *, full: bool) -> HttpResponse:
    selected_rows = (
        drop_duplicate_figures(rows) if request.POST.get("start") == "one_each" else rows
    )
    batch, refusals = sync_batch_create(
        user=signed_in_user(request),
        actor=actor_from_request(request),
        rows=selected_rows,
        full=full,
    )
    for sentence in refusals[:5]:
        messages.warning(request, sentence)
    if len(refusals) > 5:
        messages.warning(request, _("And %(n)d more.") % {"n": len(refusals) - 5})
    return redirect("overview") if batch is None else redirect("sync_batch", batch_id=batch.pk)


def _posted_key_ids(request: HttpRequest) -> set[int]:
    texts = request.POST.getlist("key")[:1_000]
    return {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
