"""What each role may do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from freddy_admin.web.access import signed_in_user_required
from freddy_admin.web.pages.role.presenter import role_permissions_context


@signed_in_user_required()
def role_list_view(request: HttpRequest) -> HttpResponse:
    """The table that decides, in plain sentences."""
    return render(request, "roles/page.html", {"view": role_permissions_context()})
