"""Views of single sign-on: login, reauthentication, callback. All are 404 without a provider."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from freddy_admin.accounts.auth.rate_limits import attempt_count
from freddy_admin.accounts.auth.signals import oidc_failure_record
from freddy_admin.accounts.models import User
from freddy_admin.accounts.oidc.account_links import (
    account_link_create,
    is_account_linked,
    linked_person_get,
)
from freddy_admin.accounts.oidc.authorization_code_flow import (
    AuthorizationAttempt,
    AuthorizationResult,
    authorization_attempt_pop,
    authorization_finish,
    authorization_start,
    is_authenticated_since,
)
from freddy_admin.accounts.oidc.errors import (
    OidcError,
    account_not_found_error,
    unknown_state_error,
    untrusted_response_error,
)
from freddy_admin.audit.services import actor_from_request

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]


def _oidc_enabled_required(view: View) -> View:
    """Decorate a view of GET: 404 without a provider, 429 at the limit of one IP address."""

    @wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404
        if attempt_count(request, ("single_sign_on", ""), limit_get=True) is None:
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        return view(request)

    return require_http_methods(["GET"])(wrapper)


@login_not_required
@_oidc_enabled_required
def oidc_login_view(request: HttpRequest) -> HttpResponse:
    """A redirect to the provider, to sign in."""
    next_url = _safe_next_url(request)
    if _is_cross_site(request):
        messages.warning(request, _("Press the button yourself: another site sent you here."))
        return redirect("account_login")
    if isinstance(request.user, User):
        return HttpResponseRedirect(next_url)
    try:
        return HttpResponseRedirect(authorization_start(request, to=next_url))
    except OidcError as error:
        return _failure_redirect(request, error)


@_oidc_enabled_required
def oidc_reauthenticate_view(request: HttpRequest) -> HttpResponse:
    """A page with a button; with `go` a redirect to the provider, to reauthenticate there."""
    person, next_url = request.user, _safe_next_url(request)
    if not isinstance(person, User) or not is_account_linked(user=person):
        raise Http404
    if "go" not in request.GET or _is_cross_site(request):
        methods = get_adapter(request).get_reauthentication_methods(person)
        query = urlencode({"next": next_url})
        context = {
            "provider_name": settings.OIDC_NAME,
            "provider_url": f"{request.path}?{query}&go=1",
            "reauthentication_alternatives": [
                method | {"url": f"{method['url']}?{query}"}
                for method in methods
                if method["url"] != request.path
            ],
        }
        return render(request, "account/oidc/reauthenticate.html", context)
    try:
        return HttpResponseRedirect(authorization_start(request, to=next_url, confirms=person.pk))
    except OidcError as error:
        return _failure_redirect(request, error, confirms=True, to=next_url)


@sensitive_variables("attempt", "result")
@login_not_required
@_oidc_enabled_required
def oidc_callback_view(request: HttpRequest) -> HttpResponse:
    """The callback: completes the sign-in or the reauthentication that this browser began."""
    attempt: AuthorizationAttempt | None = None
    try:
        attempt = authorization_attempt_pop(request)
        result = authorization_finish(request, attempt)
        if attempt.confirms is None:
            return _complete_login(request, attempt, result)
        return _complete_reauthentication(request, attempt, result)
    except OidcError as error:
        confirms = attempt is not None and attempt.confirms is not None
        return _failure_redirect(
            request, error, confirms=confirms, to=attempt.to if attempt else ""
        )


def _complete_login(
    request: HttpRequest, attempt: AuthorizationAttempt, result: AuthorizationResult
) -> HttpResponse:
    if isinstance(request.user, User):  # signed in by another tab in the meantime
        return HttpResponseRedirect(attempt.to)
    subject = result.identity.subject
    person = linked_person_get(subject=subject)
    if person is None:
        person = account_link_create(
            actor=actor_from_request(request), email=result.verified_email(), subject=subject
        )
    elif not person.is_active:
        raise account_not_found_error(person.email)
    # An old session at the provider signs in, but does not count as reauthentication.
    is_fresh = is_authenticated_since(
        result.identity, time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    )
    record_authentication(request, person, method="socialaccount", fresh=is_fresh)
    response: HttpResponse = perform_login(
        request, person, email_verification="none", redirect_url=attempt.to
    )
    return response


def _complete_reauthentication(
    request: HttpRequest, attempt: AuthorizationAttempt, result: AuthorizationResult
) -> HttpResponse:
    person = request.user
    if not isinstance(person, User) or person.pk != attempt.confirms:
        raise unknown_state_error()
    if linked_person_get(subject=result.identity.subject) != person:
        raise untrusted_response_error("confirmed as another person")
    if not is_authenticated_since(result.identity, attempt.began):
        raise untrusted_response_error("not shown anew")
    record_authentication(request, person, method="socialaccount", fresh=True, reauthenticated=True)
    return HttpResponseRedirect(attempt.to)


def _failure_redirect(
    request: HttpRequest, error: OidcError, *, confirms: bool = False, to: str = ""
) -> HttpResponse:
    log.warning("Single sign-on failed: %s.", error.reason)
    oidc_failure_record(request, reason=error.reason, subject=error.subject)
    messages.error(request, error.message)
    if confirms and isinstance(request.user, User):
        query = urlencode({"next": to})
        return HttpResponseRedirect(f"{reverse('oidc_reauthenticate')}?{query}")
    return redirect("account_login")


def _safe_next_url(request: HttpRequest) -> str:
    next_url = request.GET.get("next", "")
    return next_url if get_adapter(request).is_safe_url(next_url) else reverse("overview")


def _is_cross_site(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Site", "") == "cross-site"
