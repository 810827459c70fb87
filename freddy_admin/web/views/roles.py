"""What each role may do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.web.access import by_anyone_signed_in
from freddy_admin.web.presenters.roles import roles_view


@by_anyone_signed_in()
def roles(request: HttpRequest) -> HttpResponse:
    """The table that decides, in plain sentences."""
    return render(request, "roles/page.html", {"view": roles_view()})
