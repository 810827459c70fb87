"""What every request of a signed-in person goes through."""

import logging
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import (
    AuthenticationMiddleware,
    LoginRequiredMiddleware,
    get_user,
)
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from freddy_admin.accounts.models import User
from freddy_admin.accounts.second_factor.required import (
    second_factor_required,
    second_factor_shown,
    second_factors,
)
from freddy_admin.accounts.second_factor.sealing import SecondFactorUnreadable
from freddy_admin.accounts.session_store import SessionStore
from freddy_admin.accounts.sessions import session_of_stranger, session_refuse, session_seen
from freddy_admin.accounts.signing_in.known_devices import device_remembered
from freddy_admin.accounts.signing_in.signals import SIGNED_IN_AT
from freddy_admin.core import clock
from freddy_admin.core.database_writes import write_fault_of
from freddy_admin.core.either_clock import behind

log = logging.getLogger(__name__)

Answer = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponse]

# What a session may open that still owes the panel a second factor.
CONFIRMING = {"account_reauthenticate", "account_confirm_elsewhere", "account_confirmed"}
SETTING_UP = {"mfa_activate_totp", "mfa_add_webauthn", "account_logout"} | CONFIRMING
SHOWING = {"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout"}


class LenientSessionMiddleware(SessionMiddleware):
    """Django's own; a page that only shows something is shown though the session is not saved."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save the session where it changed; a form needs that, a page can do without."""
        try:
            return super().process_response(request, response)
        except (DatabaseError, SessionInterrupted) as error:
            # Django takes a refused write for a session that somebody else deleted.
            if request.method not in {"GET", "HEAD"} or write_fault_of(error) is None:
                raise
            log.warning("A session could not be saved: %s", type(error).__name__)
            return response


class PersonMiddleware(AuthenticationMiddleware):
    """Django's own, but that a replaced SECRET_KEY leaves a session its key.

    Django gives each session another key where it finds the proof of a former SECRET_KEY in it.
    Of two requests that a browser sends at once, the second one would find the session gone, and
    its answer take the new cookie away: an open page that asks for news signs its person out.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Who asks, looked up when it is first asked for."""
        super().process_request(request)
        request.user = cast(User, SimpleLazyObject(lambda: _person(request)))


class SignedInMiddleware(LoginRequiredMiddleware):
    """Asks visitors to sign in, and says so where they had sent something."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """To the sign-in page; what was sent is not kept, for it may be a secret."""
        if request.method == "POST":
            sentence = _("You were signed out by then, so nothing was changed. Sign in first.")
            messages.warning(request, sentence)
        return super().handle_no_permission(request, view_func)


class TimeZoneMiddleware:
    """Shows times in the person's zone; in UTC to visitors and where the zone is unknown."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, then forget the zone: the thread goes on to somebody else."""
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> None:
        """Pages that need no sign-in (health, the API) never look for a person."""
        if _needs_person(view) and isinstance(request.user, User):
            timezone.activate(_zone(request.user.time_zone))


class SessionsMiddleware:
    """Notes where people are signed in; ends what was idle for a day or has lasted two weeks.

    A session of somebody who was switched off ends, too: it must not come back with them.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; a browser in which somebody signed in just now is remembered as theirs."""
        answer = device_remembered(request, self.get_response(request))
        session_of_stranger(request)
        if request.method == "HEAD":
            # Of a page that nobody sees nothing is remembered.
            request.session.modified = False
        return answer

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """To the sign-in page, or None where the person may go on."""
        if not _needs_person(view):
            return None
        if not isinstance(request.user, User):
            if SESSION_KEY in request.session:
                request.session.flush()
            return None
        if _over(request.session.get(SIGNED_IN_AT)) or not session_seen(request, request.user):
            session_refuse(request)
            return redirect_to_login(request.get_full_path())
        return None


class SecondFactorMiddleware:
    """Leads people of whom REQUIRE_MFA asks a second factor to it, from every page."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass on; the work is done once the view is known."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """The detour, or None where the person may go on."""
        match = request.resolver_match
        user = request.user if _needs_person(view) else None
        if match is None or not isinstance(user, User) or not second_factor_required(user):
            return None
        if second_factor_shown(request, user):
            return None
        factors = second_factors(user)
        if "totp" in factors:
            return self._detour(request, "mfa_reauthenticate", besides=SHOWING)
        if factors:
            return self._detour(request, "mfa_reauthenticate_webauthn", besides=SHOWING)
        return self._detour(request, "mfa_activate_totp", besides=SETTING_UP)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A second factor that cannot be opened is said in a sentence, not as a crash."""
        if not isinstance(error, SecondFactorUnreadable):
            return None
        messages.error(request, error.messages[0])
        return HttpResponseRedirect(reverse("overview"))

    def _detour(self, request: HttpRequest, name: str, *, besides: set[str]) -> HttpResponse | None:
        if request.resolver_match and request.resolver_match.view_name in besides:
            return None
        back = request.get_full_path() if request.method == "GET" else "/"
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(reverse(name))
        return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': back})}")


def _person(request: HttpRequest) -> Any:
    session = cast(SessionStore, request.session)
    session.stays = True
    try:
        return get_user(request)
    finally:
        session.stays = False


def _over(began: float | None) -> bool:
    """Whether a session has lasted too long; one of a clock that was ahead would for a year."""
    if began is None:
        return False
    lasted = time.time() - began
    if lasted < -clock.AHEAD.total_seconds():
        # Or it is the machine's clock that is behind.
        lasted += behind().total_seconds()
    return lasted >= settings.SESSION_COOKIE_AGE or lasted < -clock.AHEAD.total_seconds()


def _needs_person(view: View) -> bool:
    # The mark Django's LoginRequiredMiddleware goes by.
    return bool(getattr(view, "login_required", True))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, unusable as a path, a directory
        return ZoneInfo("UTC")
