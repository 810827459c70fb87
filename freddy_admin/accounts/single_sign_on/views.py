"""To the provider and back. Where the settings name none, there is nothing here."""

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

from freddy_admin.accounts.actors import actor_of
from freddy_admin.accounts.models import User
from freddy_admin.accounts.signing_in.signals import single_sign_on_failed
from freddy_admin.accounts.single_sign_on.attempts import (
    Answer,
    Attempt,
    attempt_begin,
    attempt_finish,
    attempt_take,
    shown_since,
)
from freddy_admin.accounts.single_sign_on.faults import (
    SignOnRefused,
    answer_untrusted,
    attempt_unknown,
    nobody_here,
)
from freddy_admin.accounts.single_sign_on.links import is_linked, link_make, link_person

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]


def _where_it_is_on(view: View) -> View:
    """404 where it is off; held to the limit of sign-ins from one address where it is on."""

    @wraps(view)
    def asked(request: HttpRequest) -> HttpResponse:
        if not settings.OIDC_ISSUER:
            raise Http404
        held: HttpResponse | None = ratelimit.consume_or_429(
            request, app="allauth.account", action="single_sign_on", limit_get=True
        )
        return held or view(request)

    return require_http_methods(["GET"])(asked)


@login_not_required
@_where_it_is_on
def begin(request: HttpRequest) -> HttpResponse:
    """Off to the provider, to sign in."""
    to = _own_address(request)
    if _from_elsewhere(request):
        messages.warning(request, _("Press the button yourself: another site sent you here."))
        return redirect("account_login")
    if isinstance(request.user, User):
        return HttpResponseRedirect(to)
    try:
        return HttpResponseRedirect(attempt_begin(request, to=to))
    except SignOnRefused as refused:
        return _told(request, refused)


@_where_it_is_on
def confirm(request: HttpRequest) -> HttpResponse:
    """A page with a button, and with `go` off to the provider, to show once more who it is."""
    person, to = request.user, _own_address(request)
    if not isinstance(person, User) or not is_linked(user=person):
        raise Http404
    if "go" not in request.GET or _from_elsewhere(request):
        others = get_adapter(request).get_reauthentication_methods(person)
        back = urlencode({"next": to})
        page = {
            "name": settings.OIDC_NAME,
            "go": f"{request.path}?{back}&go=1",
            "reauthentication_alternatives": [
                one | {"url": f"{one['url']}?{back}"}
                for one in others
                if one["url"] != request.path
            ],
        }
        return render(request, "account/single_sign_on/confirm.html", page)
    try:
        return HttpResponseRedirect(attempt_begin(request, to=to, confirms=person.pk))
    except SignOnRefused as refused:
        return _told(request, refused, confirms=True, to=to)


@sensitive_variables("attempt", "answer")
@login_not_required
@_where_it_is_on
def come_back(request: HttpRequest) -> HttpResponse:
    """Back from the provider, with what it says of the person."""
    attempt: Attempt | None = None
    try:
        attempt = attempt_take(request)
        answer = attempt_finish(request, attempt)
        if attempt.confirms is None:
            return _signed_in(request, attempt, answer)
        return _confirmed(request, attempt, answer)
    except SignOnRefused as refused:
        confirms = attempt is not None and attempt.confirms is not None
        return _told(request, refused, confirms=confirms, to=attempt.to if attempt else "")


def _signed_in(request: HttpRequest, attempt: Attempt, answer: Answer) -> HttpResponse:
    if isinstance(request.user, User):  # in another tab, in the meantime
        return HttpResponseRedirect(attempt.to)
    subject = answer.identity.subject
    person = link_person(subject=subject)
    if person is None:
        person = link_make(actor=actor_of(request), email=answer.email(), subject=subject)
    elif not person.is_active:
        raise nobody_here(person.email)
    # Somebody whom the provider knew since this morning has shown nothing just now.
    fresh = shown_since(answer.identity, time.time() - app_settings.REAUTHENTICATION_TIMEOUT)
    record_authentication(request, person, method="socialaccount", fresh=fresh)
    answered: HttpResponse = perform_login(
        request, person, email_verification="none", redirect_url=attempt.to
    )
    return answered


def _confirmed(request: HttpRequest, attempt: Attempt, answer: Answer) -> HttpResponse:
    person = request.user
    if not isinstance(person, User) or person.pk != attempt.confirms:
        raise attempt_unknown()
    if link_person(subject=answer.identity.subject) != person:
        raise answer_untrusted("confirmed as another person")
    if not shown_since(answer.identity, attempt.began):
        raise answer_untrusted("not shown anew")
    record_authentication(request, person, method="socialaccount", fresh=True, reauthenticated=True)
    return HttpResponseRedirect(attempt.to)


def _told(
    request: HttpRequest, refused: SignOnRefused, *, confirms: bool = False, to: str = ""
) -> HttpResponse:
    log.warning("Single sign-on failed: %s.", refused.reason)
    single_sign_on_failed(request, reason=refused.reason, subject=refused.subject)
    messages.error(request, refused.message)
    if confirms and isinstance(request.user, User):
        back = urlencode({"next": to})
        return HttpResponseRedirect(f"{reverse('account_confirm_elsewhere')}?{back}")
    return redirect("account_login")


def _own_address(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    return wanted if get_adapter(request).is_safe_url(wanted) else reverse("overview")


def _from_elsewhere(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Site", "") == "cross-site"
