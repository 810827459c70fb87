"""A person's own profile."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.oidc.account_links import account_links_list
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.accounts.services import profile_update
from freddy_admin.web.access import FORM_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.forms import ProfileForm, add_form_errors


@signed_in_user_required(FORM_METHODS)
def profile_update_view(request: HttpRequest) -> HttpResponse:
    """The form of name, time zone and theme; links to password and second factor."""
    person = signed_in_user(request)
    current_values = {"name": person.name, "time_zone": person.time_zone, "theme": person.theme}
    form = ProfileForm(request.POST or None, initial=current_values)
    if request.method == "POST" and form.is_valid():
        with add_form_errors(form):
            profile_update(actor=actor_from_request(request), user=person, **form.cleaned_data)
            messages.success(request, _("Your profile was saved."))
            return redirect("profile")
    linked_at = [linked_on for _provider, linked_on in account_links_list(user=person)]
    template_context = {
        "form": form,
        "person": person,
        "linked": linked_at,
        "provider": settings.OIDC_NAME,
    }
    return render(request, "profile/page.html", template_context)
