"""Asks people to reauthenticate on the page they are on, and then goes on with their request.

Whoever has not signed in or reauthenticated within 15 minutes gets the reauthentication page
instead of the page they asked for, or of the response to what they sent; it stands at the same
address. Submitting it carries along what they had typed, secrets excepted, which is done at once.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from freddy_admin.accounts.auth.pending_request import (
    PendingRequest,
    is_reauthentication_submission,
)
from freddy_admin.accounts.auth.reauthentication_methods import (
    ReauthenticationMethod,
    reauthentication_method_select,
)

Continuation = Callable[[], HttpResponseBase]
_CLOCK_SKEW_SECONDS = 300.0  # seconds by which the clocks of several web servers may differ


def is_recently_authenticated(request: HttpRequest) -> bool:
    """Whether this very session signed in, or reauthenticated, within the last 15 minutes."""
    records = get_authentication_records(request, request.user)
    # Single sign-on counts only where the provider authenticated the person just then.
    times = [float(record["at"]) for record in records if record.get("fresh", True)]
    # allauth records the machine's time, which the demo's fast clock must not use up.
    age_seconds = time.time() - max(times, default=0.0)
    # A time to come was recorded while the clock was ahead, and would count until then.
    return -_CLOCK_SKEW_SECONDS < age_seconds < float(app_settings.REAUTHENTICATION_TIMEOUT)


def run_after_reauthentication(
    request: HttpRequest, continuation: Continuation, *, back: str = "", downloads: bool = False
) -> HttpResponseBase:
    """The response of `continuation` once the person has reauthenticated; before, the page for it.

    `back` is the page to go on to where this address itself cannot be opened by GET. With
    `downloads` a page says that the file is on its way, for the browser shows no new page then.
    """
    is_authenticated = is_recently_authenticated(request)
    if is_authenticated and not is_reauthentication_submission(request):
        return continuation()
    pending = PendingRequest.from_request(request)
    if not is_authenticated:
        method = reauthentication_method_select(request)
        if not method.verify(request):
            return _reauthentication_page(request, pending, method, back=back)
    if pending.is_navigation:
        return _redirect_after_reauthentication(request, pending, back=back, downloads=downloads)
    pending.restore_post_data(request)
    if pending.has_omissions:
        messages.warning(
            request,
            _("Confirmed. Keys, codes and files were not kept: enter them again."),
        )
    return continuation()


def reauthentication_required(
    view: Callable[..., HttpResponse], *, back: str = "", downloads: bool = False
) -> Callable[..., HttpResponseBase]:
    """Decorate a view of the library with `run_after_reauthentication`; `back` is a URL name."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return run_after_reauthentication(
            request,
            lambda: view(request, *args, **kwargs),
            back=reverse(back) if back else "",
            downloads=downloads,
        )

    # Read by the test that lists the views that require reauthentication.
    wrapper.requires_reauthentication = True  # type: ignore[attr-defined]
    return wrapper


def _reauthentication_page(
    request: HttpRequest, pending: PendingRequest, method: ReauthenticationMethod, *, back: str
) -> HttpResponse:
    path = request.get_full_path()
    if request.headers.get("HX-Request") == "true" and pending.is_navigation:
        # htmx asked for a part of a page: the whole page goes there, and shows the form.
        return HttpResponseClientRedirect(path)
    method.prepare_page_context(request, pending, back=back)
    context = {"pending": pending, "method": method, "path": path, "js_data": method.js_data}
    context["provider"] = settings.OIDC_NAME
    response = render(
        request, "account/reauthenticate_in_place.html", context, status=method.status
    )
    for name, value in method.headers.items():
        response[name] = value
    return response


def _redirect_after_reauthentication(
    request: HttpRequest, pending: PendingRequest, *, back: str, downloads: bool
) -> HttpResponse:
    if pending.is_too_long:
        messages.warning(
            request, _("Confirmed. What you typed was too long to be kept: enter it again.")
        )
    path = request.get_full_path()
    if downloads:
        return render(request, "account/download_started.html", {"path": path, "back": back})
    return HttpResponseRedirect(back or path)
