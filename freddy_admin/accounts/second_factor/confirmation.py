"""Whether somebody showed a moment ago that it is them, and the way to the page that asks."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

_ODDS = 300.0  # seconds by which the clocks of several web servers may differ


def recently_confirmed(request: HttpRequest) -> bool:
    """Whether this very session signed in, or confirmed, within the last quarter of an hour."""
    records = get_authentication_records(request, request.user)
    # Single sign-on counts only where the provider said that the person showed it just then.
    shown = [float(record["at"]) for record in records if record.get("fresh", True)]
    latest = max(shown, default=0.0)
    # The library notes the machine's time, which the demo's fast clock must not use up.
    # One that has yet to come was noted while the clock was ahead: it would count until then.
    return -_ODDS < time.time() - latest < float(app_settings.REAUTHENTICATION_TIMEOUT)


def confirmation_ask(request: HttpRequest, *, back: str) -> HttpResponse:
    """To the page that asks for it, and from there to `back`, a path of this panel.

    What was sent is not kept, for it may be a secret: the person is told to send it again.
    """
    if request.method == "POST":
        messages.warning(request, _("Nothing was changed yet: confirm, then do it again."))
    address = f"{reverse('account_reauthenticate')}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(address)
    return HttpResponseRedirect(address)


def confirmed_first(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For the library's own pages: asks before they do, so that nothing sent is kept."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated or recently_confirmed(request):
            return view(request, *args, **kwargs)
        return confirmation_ask(request, back=request.get_full_path())

    return asked
