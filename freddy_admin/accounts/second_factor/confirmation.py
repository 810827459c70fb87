"""Asks people to show once more that it is them, on the page they are on, and then goes on.

Whoever has not signed in or confirmed within a quarter of an hour meets a question instead of the
page they asked for, or of what they sent; it stands at the same address. The answer to it carries
what they had typed, secrets excepted, and with it what they wanted is done at once.
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

from freddy_admin.accounts.second_factor.confirming import Way, way_of
from freddy_admin.accounts.second_factor.typed import Typed, is_answer

Then = Callable[[], HttpResponseBase]
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


def confirmed_then(
    request: HttpRequest, then: Then, *, back: str = "", downloads: bool = False
) -> HttpResponseBase:
    """What `then` answers, once the signed-in person has confirmed; until then the question.

    `back` is the page to go on to where this address itself cannot be opened, or `downloads`: then
    a page says that the file is on its way, for a browser stays where it is meanwhile.
    """
    known = recently_confirmed(request)
    if known and not is_answer(request):
        return then()
    typed = Typed.of(request)
    if not known:
        way = way_of(request)
        if not way.accepted(request):
            return _question(request, typed, way, back=back)
    if typed.opens:
        return _opened(request, typed, back=back, downloads=downloads)
    typed.put_back(request)
    if typed.left_out:
        messages.warning(
            request,
            _("Confirmed. Keys, codes and files were not kept: enter them again."),
        )
    return then()


def confirmed_first(
    view: Callable[..., HttpResponse], *, back: str = "", downloads: bool = False
) -> Callable[..., HttpResponseBase]:
    """For the library's own pages; `back` is the name of one, and the rest as above."""

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        return confirmed_then(
            request,
            lambda: view(request, *args, **kwargs),
            back=reverse(back) if back else "",
            downloads=downloads,
        )

    # Read by the test that lists what has to be confirmed.
    asked.asks_confirmation = True  # type: ignore[attr-defined]
    return asked


def _question(request: HttpRequest, typed: Typed, way: Way, *, back: str) -> HttpResponse:
    path = request.get_full_path()
    if request.headers.get("HX-Request") == "true" and typed.opens:
        # A part of a page asked: the whole page goes there, and is asked.
        return HttpResponseClientRedirect(path)
    way.ready(request, typed, back=back)
    page = {"typed": typed, "way": way, "path": path, "js_data": way.js_data}
    page["provider"] = settings.OIDC_NAME
    answer = render(request, "account/confirm.html", page, status=way.status)
    for name, value in way.headers.items():
        answer[name] = value
    return answer


def _opened(request: HttpRequest, typed: Typed, *, back: str, downloads: bool) -> HttpResponse:
    if typed.too_long:
        messages.warning(
            request, _("Confirmed. What you typed was too long to be kept: enter it again.")
        )
    path = request.get_full_path()
    if downloads:
        return render(request, "account/confirmed_file.html", {"path": path, "back": back})
    return HttpResponseRedirect(back or path)
