"""What a person says of themselves."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.services import profile_update
from freddy_admin.accounts.single_sign_on.links import links_since
from freddy_admin.web.access import FORM, by_anyone_signed_in, person_of
from freddy_admin.web.forms import ProfileForm, told_beside_fields


@by_anyone_signed_in(FORM)
def profile(request: HttpRequest) -> HttpResponse:
    """Name, time zone, look; and the way to password and second factor."""
    person = person_of(request)
    now = {"name": person.name, "time_zone": person.time_zone, "theme": person.theme}
    form = ProfileForm(request.POST or None, initial=now)
    if request.method == "POST" and form.is_valid():
        with told_beside_fields(form):
            profile_update(actor=actor_of(request), user=person, **form.cleaned_data)
            messages.success(request, _("Your profile was saved."))
            return redirect("profile")
    linked = [on for _provider, on in links_since(user=person)]
    page = {"form": form, "person": person, "linked": linked, "provider": settings.OIDC_NAME}
    return render(request, "profile/page.html", page)
