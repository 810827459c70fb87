"""The first visit to an empty panel: whoever has the link becomes its administrator."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.signing_in.coming_in import signed_in_at_once
from freddy_admin.accounts.signing_in.first_visit import (
    admin_exists,
    first_admin_make,
    first_link_works,
)
from freddy_admin.web.access import FORM, by_anyone
from freddy_admin.web.forms import form_page, told_beside_fields
from freddy_admin.web.people_forms import FirstAdminForm
from freddy_admin.web.views.errors import page_not_found


@login_not_required
@by_anyone()
def first_visit(request: HttpRequest) -> HttpResponse:
    """Without the link: a sentence that says where it is. Once there is an admin: nothing."""
    if admin_exists():
        return page_not_found(request)
    return render(request, "first_visit/elsewhere.html")


@sensitive_post_parameters("password")
@login_not_required
@by_anyone(FORM)
def first_visit_link(request: HttpRequest, token: str) -> HttpResponse:
    """With it: the form that makes the administrator and signs them in."""
    if not first_link_works(token=token):
        return render(request, "first_visit/elsewhere.html", {"old": True}, status=403)
    form = FirstAdminForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            person = first_admin_make(token=token, actor=actor_of(request), **form.cleaned_data)
            return signed_in_at_once(request, person, to="/")
    return form_page(request, "first_visit/page.html", {"form": form})
