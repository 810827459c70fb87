"""Views of the overview that a person keeps: keeping and removing one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.saved_views import saved_view_keep, saved_view_remove
from freddy_admin.core.errors import PublicError
from freddy_admin.web.access import WRITE, by_anyone_signed_in, person_of
from freddy_admin.web.filters import kept_query


@by_anyone_signed_in(WRITE)
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the address this person is at, as this panel would write it itself."""
    query = kept_query(request.POST.get("query", ""))
    try:
        name = request.POST.get("name", "")
        view = saved_view_keep(
            actor=actor_of(request), user=person_of(request), name=name, query=query
        )
    except PublicError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, _("The view “%(name)s” is kept.") % {"name": view.name})
    return _back(query)


@by_anyone_signed_in(WRITE)
def remove(request: HttpRequest, view_id: int) -> HttpResponse:
    """Forget a view; what is shown stays as it was."""
    name = saved_view_remove(actor=actor_of(request), user=person_of(request), view_id=view_id)
    messages.success(request, _("The view “%(name)s” was removed.") % {"name": name})
    return _back(kept_query(request.POST.get("query", "")))


def _back(query: str) -> HttpResponse:
    return redirect(reverse("overview") + (f"?{query}" if query else ""))
