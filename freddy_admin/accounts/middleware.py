"""What every request of a signed-in person goes through."""

import logging
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

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
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from freddy_admin.accounts.auth.known_devices import REQUEST_ATTRIBUTE, known_device_set_cookie
from freddy_admin.accounts.models import User
from freddy_admin.accounts.people import second_factor_types
from freddy_admin.accounts.sessions import (
    SIGNED_IN_AT_KEY,
    SecondFactorUnreadable,
    SessionStore,
    anonymous_session_set_expiry,
    expired_session_sign_out,
    is_second_factor_verified,
    session_touch,
)
from freddy_admin.core import clock
from freddy_admin.core.clock import time_zone_or_utc
from freddy_admin.core.clock_skew import machine_clock_lag
from freddy_admin.core.write_failures import write_failure_from_error

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponse]

# URL names that a session may open before it has verified a required second factor.
REAUTHENTICATION_URL_NAMES = {
    "account_reauthenticate",
    "oidc_reauthenticate",
    "account_resume_request",
}
MFA_SETUP_URL_NAMES = {
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "account_logout",
} | REAUTHENTICATION_URL_NAMES
MFA_VERIFICATION_URL_NAMES = {"mfa_reauthenticate", "mfa_reauthenticate_webauthn", "account_logout"}


class ReadOnlyTolerantSessionMiddleware(SessionMiddleware):
    """Django's session middleware, but reading goes on while the database refuses writes."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Save the session where it changed; raises for a form, whose next step needs it."""
        try:
            return super().process_response(request, response)
        except (DatabaseError, SessionInterrupted) as error:
            # Django takes a refused write for a session that somebody else deleted.
            if request.method not in {"GET", "HEAD"} or write_failure_from_error(error) is None:
                raise
            log.warning("A session could not be saved: %s", type(error).__name__)
            return response


class UserAuthenticationMiddleware(AuthenticationMiddleware):
    """Django's authentication middleware, but a replaced SECRET_KEY leaves a session its key.

    Django cycles the key of each session whose hash was made with a former SECRET_KEY. Of two
    requests that a browser sends at once, the second would find the session gone, and its response
    would delete the new cookie: an open page that refreshes itself would sign its person out.
    """

    def process_request(self, request: HttpRequest) -> None:
        """Set `request.user`, which is looked up on first access."""
        super().process_request(request)

        def load() -> Any:
            # In place of the lazy one, of which each attribute costs a call.
            request.user = user = _get_user_without_key_change(request)
            return user

        request.user = cast(User, SimpleLazyObject(load))


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Asks visitors to sign in, and says so where they had sent something."""

    def handle_no_permission(
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponseRedirect:
        """Redirect to the sign-in page; posted fields are not kept, for they may be secret."""
        if request.method == "POST":
            sentence = _("You were signed out by then, so nothing was changed. Sign in first.")
            messages.warning(request, sentence)
        return super().handle_no_permission(request, view_func)


class TimeZoneMiddleware:
    """Shows times in the person's zone; in UTC to visitors and where the zone is unknown."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response; the zone is reset then, for the thread serves somebody else next."""
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> None:
        """Activate the person's zone; views without sign-in (health, the API) look up nobody."""
        if _is_login_required(view) and isinstance(request.user, User):
            timezone.activate(time_zone_or_utc(request.user.time_zone))


class SessionTrackingMiddleware:
    """Records sessions in use; ends those idle for a day or older than two weeks.

    A session of a deactivated person ends, too: it must not come back with them.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, with the known-device cookie where somebody signed in just now."""
        response = self.get_response(request)
        if hasattr(request, REQUEST_ATTRIBUTE):
            response = known_device_set_cookie(request, response)
        anonymous_session_set_expiry(request)
        if request.method == "HEAD":
            # Nobody saw the page, so the session must not say that they did.
            request.session.modified = False
        return response

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """A redirect to the sign-in page, or None where the session is valid."""
        if not _is_login_required(view):
            return None
        if not isinstance(request.user, User):
            if SESSION_KEY in request.session:
                request.session.flush()
            return None
        if _is_session_expired(request.session.get(SIGNED_IN_AT_KEY)) or not session_touch(
            request, request.user
        ):
            expired_session_sign_out(request)
            return redirect_to_login(request.get_full_path())
        return None


class SecondFactorRequiredMiddleware(MiddlewareMixin):
    """Redirects people of whom REQUIRE_MFA asks a second factor to it, from every page."""

    def process_view(self, request: HttpRequest, view: View, *__: Any) -> HttpResponse | None:
        """A redirect to the second factor, or None where none is due."""
        match = request.resolver_match
        user = request.user if _is_login_required(view) else None
        if match is None or not isinstance(user, User) or not user.is_second_factor_required:
            return None
        if is_second_factor_verified(request, user):
            return None
        factors = second_factor_types(user)
        name, exempt_url_names = "mfa_reauthenticate", MFA_VERIFICATION_URL_NAMES
        if not factors:
            name, exempt_url_names = "mfa_activate_totp", MFA_SETUP_URL_NAMES
        elif "totp" not in factors:
            name = "mfa_reauthenticate_webauthn"
        if match.view_name in exempt_url_names:
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponseClientRedirect(reverse(name))
        next_url = request.get_full_path() if request.method == "GET" else reverse("overview")
        return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': next_url})}")

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A message and the overview where a second factor cannot be decrypted, not status 500."""
        if not isinstance(error, SecondFactorUnreadable):
            return None
        messages.error(request, error.messages[0])
        return HttpResponseRedirect(reverse("overview"))


def _get_user_without_key_change(request: HttpRequest) -> Any:
    session = cast(SessionStore, request.session)
    session.keeps_key = True
    try:
        return get_user(request)
    finally:
        session.keeps_key = False


def _is_session_expired(signed_in_at: float | None) -> bool:
    """Whether a session is too old, or began at a time to come, while the clock was ahead."""
    if signed_in_at is None:
        return False
    tolerance_seconds = clock.FUTURE_TOLERANCE.total_seconds()
    age_seconds = time.time() - signed_in_at
    if age_seconds < -tolerance_seconds:
        # Or it is the machine's clock that is behind.
        age_seconds += machine_clock_lag().total_seconds()
    return age_seconds >= settings.SESSION_COOKIE_AGE or age_seconds < -tolerance_seconds


def _is_login_required(view: View) -> bool:
    # The attribute that Django's LoginRequiredMiddleware reads.
    return bool(getattr(view, "login_required", True))
