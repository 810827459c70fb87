"""The first visit to an empty panel: whoever has the link becomes its administrator."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.auth.first_admin_setup_link import (
    admin_exists,
    first_admin_create,
    setup_link_is_valid,
)
from freddy_admin.accounts.auth.views import login_and_redirect
from freddy_admin.audit.services import actor_from_request
from freddy_admin.web.access import FORM_METHODS, public_view
from freddy_admin.web.forms import add_form_errors, render_form_page
from freddy_admin.web.pages.error.views import page_not_found_view
from freddy_admin.web.pages.first_visit.forms import FirstAdminForm


@login_not_required
@public_view()
def setup_link_required_view(request: HttpRequest) -> HttpResponse:
    """A page that says where the set-up link is; 404 once there is an admin."""
    if admin_exists():
        return page_not_found_view(request)
    return render(request, "first_visit/setup_link_required.html")


@sensitive_post_parameters("password")
@login_not_required
@public_view(FORM_METHODS)
def first_admin_create_view(request: HttpRequest, token: str) -> HttpResponse:
    """The form behind the set-up link: creates the first administrator and signs them in."""
    if not setup_link_is_valid(token=token):
        return render(
            request, "first_visit/setup_link_required.html", {"is_expired_link": True}, status=403
        )
    form = FirstAdminForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            person = first_admin_create(
                token=token, actor=actor_from_request(request), **form.cleaned_data
            )
            return login_and_redirect(request, person, to=reverse("overview"))
    return render_form_page(request, "first_visit/setup_form.html", {"form": form})
