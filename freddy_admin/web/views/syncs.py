"""Starting syncs: one from its dialog, several from the overview, and how they go."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.core import clock
from freddy_admin.core.errors import Conflict, InvalidInput
from freddy_admin.organisations.access import Access
from freddy_admin.organisations.roles import Permission
from freddy_admin.sync.orders.placing import batch_orders, order_sync
from freddy_admin.sync.orders.startable import (
    one_of_each,
    rows_alike,
    startable_rows,
    startable_these,
    syncs_order,
)
from freddy_admin.sync.rows import KeyRow
from freddy_admin.sync.selectors import key_row
from freddy_admin.web.access import FORM, by_anyone_signed_in, person_of, within_organisation
from freddy_admin.web.filters import address, filters_from, is_narrowed
from freddy_admin.web.live import nothing_new, seen_marks
from freddy_admin.web.presenters.syncs.pages import batch_view, choice_view, dialog_view
from freddy_admin.web.presenters.times import reading


@within_organisation(Permission.START_SYNC, FORM)
def key_sync(request: HttpRequest, access: Access, key_id: int) -> HttpResponse:
    """The dialog that says what will happen; sent, it asks the worker."""
    now, here = clock.now(), access.organisation
    row = key_row(user=person_of(request), organisation=here, key_id=key_id, now=now)
    if request.method == "POST":
        full = request.POST.get("mode") == "full"
        try:
            order_sync(organisation=here, actor=actor_of(request), key_id=key_id, full=full)
        except Conflict as refused:
            messages.warning(request, refused.message)
        return redirect(f"{reverse('organisation', args=[here.slug])}#key-{key_id}")
    alike = rows_alike(user=person_of(request), row=row, now=now)
    page = {"view": dialog_view(row, alike, reading(now)), "organisation": here}
    return render(request, "syncs/dialog.html", page)


@by_anyone_signed_in(FORM)
def syncs_new(request: HttpRequest) -> HttpResponse:
    """Several at once: choose, see which of them may be one sync, start."""
    now, person, filters = clock.now(), person_of(request), filters_from(request.GET)
    full = request.POST.get("mode") == "full"
    path = address(filters, reverse("syncs_new"))
    if request.method == "POST":
        try:
            rows = startable_these(user=person, key_ids=_chosen(request), now=now)
        except InvalidInput as refused:
            messages.error(request, refused.message)
            return redirect(path)
        if request.POST.get("start"):
            return _start(request, rows, full=full)
        view = choice_view(rows, reading(now), chosen=True, full=full)
        return render(request, "syncs/confirm.html", {"view": view, "path": path})
    rows = startable_rows(user=person, filters=filters, now=now)
    view = choice_view(rows, reading(now), chosen=is_narrowed(filters), full=full)
    back = address(filters, reverse("overview"))
    return render(request, "syncs/choose.html", {"view": view, "path": path, "back": back})


@by_anyone_signed_in()
def syncs_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """How several syncs that were started together go; each person sees their own."""
    orders = batch_orders(user=person_of(request), batch_id=batch_id)
    view = batch_view(orders, reading(clock.now()))
    seen = seen_marks(request)
    if seen is not None and seen.get("all") == view.mark:
        return nothing_new()
    return render(
        request, "syncs/batch.html" if seen is None else "syncs/_batch.html", {"view": view}
    )


def _start(request: HttpRequest, rows: list[KeyRow], *, full: bool) -> HttpResponse:
    wanted = one_of_each(rows) if request.POST.get("start") == "one_each" else rows
    batch, left_out = syncs_order(
        user=person_of(request), actor=actor_of(request), rows=wanted, full=full
    )
    for sentence in left_out[:5]:
        messages.warning(request, sentence)
    if len(left_out) > 5:
        messages.warning(request, _("And %(n)d more.") % {"n": len(left_out) - 5})
    return redirect("overview") if batch is None else redirect("syncs_batch", batch_id=batch.pk)


def _chosen(request: HttpRequest) -> set[int]:
    texts = request.POST.getlist("key")[:1_000]
    return {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
