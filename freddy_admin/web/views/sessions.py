"""The browsers in which a person is signed in, and signing them out."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.api_tokens.services import api_tokens_revoke_all
from freddy_admin.accounts.request_actor import actor_from_request
from freddy_admin.accounts.sessions import session_sign_out, sessions_list, sessions_sign_out_all
from freddy_admin.core import clock
from freddy_admin.web.access import WRITE_METHODS, signed_in_user, signed_in_user_required
from freddy_admin.web.presenters.session_devices import session_devices
from freddy_admin.web.reauthentication import reauthentication_required
from freddy_admin.wording.times import get_user_time


@signed_in_user_required()
def session_list_view(request: HttpRequest) -> HttpResponse:
    """Each browser, with a button that ends it."""
    found = sessions_list(user=signed_in_user(request), current_key=request.session.session_key)
    devices = session_devices(found, get_user_time(clock.now()))
    return render(request, "profile/sessions.html", {"devices": devices})


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
