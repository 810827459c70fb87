"""A person's own pages: the profile, the sessions, single sign-on, an export of their data."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.api_tokens import api_tokens_revoke_all
from freddy_admin.accounts.auth.reauthentication import reauthentication_required
from freddy_admin.accounts.oidc.account_links import account_links_list
from freddy_admin.accounts.people import profile_update
from freddy_admin.accounts.session_list import (
    session_sign_out,
    sessions_list,
    sessions_sign_out_all,
)
from freddy_admin.audit.services import actor_from_request
from freddy_admin.core import clock
from freddy_admin.web.access import (
    FORM_METHODS,
    WRITE_METHODS,
    signed_in_user,
    signed_in_user_required,
)
from freddy_admin.web.forms import add_form_errors
from freddy_admin.web.pages.person.export import person_export_response
from freddy_admin.web.pages.person.views import person_oidc_unlink
from freddy_admin.web.pages.profile.forms import ProfileForm
from freddy_admin.web.pages.profile.presenter import session_row
from freddy_admin.wording.times import get_user_time


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
    template_context = {
        "form": form,
        "person": person,
        "linked": [linked_at for _provider, linked_at in account_links_list(user=person)],
        "provider": settings.OIDC_NAME,
    }
    return render(request, "profile/page.html", template_context)


@signed_in_user_required()
def session_list_view(request: HttpRequest) -> HttpResponse:
    """Each browser, with a button that ends it."""
    sessions = sessions_list(user=signed_in_user(request), current_key=request.session.session_key)
    user_time = get_user_time(clock.now())
    rows = [session_row(session, user_time) for session in sessions]
    return render(request, "profile/sessions.html", {"rows": rows})


@signed_in_user_required(WRITE_METHODS)
def session_end_view(request: HttpRequest, session_id: int) -> HttpResponse:
    """End one session; ending the current one is signing out."""
    session_sign_out(
        actor=actor_from_request(request), user=signed_in_user(request), session_id=session_id
    )
    if not request.session.exists(request.session.session_key or ""):
        logout(request)
        return redirect("account_login")
    messages.success(request, _("That browser is signed out."))
    return redirect("sessions")


def _is_token_revocation_requested(request: HttpRequest) -> bool:
    """Whether API tokens go too: only then reauthentication, as signing out is never hindered."""
    return "tokens" in request.POST


@signed_in_user_required(WRITE_METHODS)
@reauthentication_required(return_view="sessions", condition=_is_token_revocation_requested)
def session_end_all_view(request: HttpRequest) -> HttpResponse:
    """End all sessions, or all but the current one; with the API tokens, where that was ticked."""
    includes_current = "here" in request.POST
    person = signed_in_user(request)
    actor = actor_from_request(request)
    kept_session_key = None if includes_current else request.session.session_key
    sessions_sign_out_all(actor=actor, user=person, keep=kept_session_key)
    revoked_tokens = (
        api_tokens_revoke_all(actor=actor, user=person) if "tokens" in request.POST else 0
    )
    if includes_current:
        logout(request)
        return redirect("account_login")
    messages.success(request, _("All other browsers are signed out."))
    if revoked_tokens:
        messages.success(request, _("Panel tokens revoked: %(n)d.") % {"n": revoked_tokens})
    return redirect("sessions")


@signed_in_user_required(WRITE_METHODS)
@reauthentication_required(return_view="profile")
def oidc_unlink_view(request: HttpRequest) -> HttpResponse:
    """Unlink the signed-in person's account."""
    person_oidc_unlink(request, signed_in_user(request))
    return redirect("profile")


@signed_in_user_required(FORM_METHODS)
@reauthentication_required(return_view="profile", is_download=True)
def profile_export_view(request: HttpRequest) -> HttpResponse:
    """JSON of what is kept about the signed-in person."""
    return person_export_response(request, signed_in_user(request))
