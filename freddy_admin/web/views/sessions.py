"""Where a person is signed in."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.sessions import session_end, sessions_end_all, sessions_of
from freddy_admin.accounts.tokens.panel_tokens import api_tokens_revoke_all
from freddy_admin.core import clock
from freddy_admin.web.access import WRITE, by_anyone_signed_in, person_of
from freddy_admin.web.confirmed import confirmed_recently
from freddy_admin.web.presenters.devices import devices_of
from freddy_admin.web.presenters.times import reading


@by_anyone_signed_in()
def sessions(request: HttpRequest) -> HttpResponse:
    """Each browser, with a button that ends it."""
    found = sessions_of(user=person_of(request), here=request.session.session_key)
    devices = devices_of(found, reading(clock.now()))
    return render(request, "profile/sessions.html", {"devices": devices})


@by_anyone_signed_in(WRITE)
def end(request: HttpRequest, session_id: int) -> HttpResponse:
    """One of them; for the one in hand that is signing out."""
    session_end(actor=actor_of(request), user=person_of(request), session_id=session_id)
    if not request.session.exists(request.session.session_key or ""):
        logout(request)
        return redirect("account_login")
    messages.success(request, _("That browser is signed out."))
    return redirect("sessions")


def _tokens_too(request: HttpRequest) -> bool:
    """Signing out may never be hindered; what takes programs their tokens is asked for."""
    return "tokens" in request.POST


@by_anyone_signed_in(WRITE)
@confirmed_recently(back="sessions", when=_tokens_too)
def end_all(request: HttpRequest) -> HttpResponse:
    """Everywhere, or everywhere but here; with the panel tokens, where that was ticked."""
    here, person, actor = "here" in request.POST, person_of(request), actor_of(request)
    own = None if here else request.session.session_key
    sessions_end_all(actor=actor, user=person, keep=own)
    tokens = api_tokens_revoke_all(actor=actor, user=person) if "tokens" in request.POST else 0
    if here:
        logout(request)
        return redirect("account_login")
    messages.success(request, _("All other browsers are signed out."))
    if tokens:
        messages.success(request, _("Panel tokens revoked: %(n)d.") % {"n": tokens})
    return redirect("sessions")
