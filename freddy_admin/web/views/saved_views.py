"""Saved views of the overview: save and delete."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.accounts.saved_views import saved_view_delete, saved_view_save
from freddy_admin.core.errors import PublicError
from freddy_admin.web.access import WRITE_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.overview_query import clean_saved_view_query


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
