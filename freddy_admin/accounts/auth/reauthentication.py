"""Asks people to reauthenticate on the page they are on, and then goes on with their request.

Whoever has not signed in or reauthenticated within 15 minutes gets the reauthentication page
instead of the page they asked for, or of the response to what they sent; it stands at the same
address. Submitting it carries along what they had typed, secrets excepted, which is done at once.
The page offers password, code, passkey and single sign-on, one form at a time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core.internal import ratelimit
from allauth.mfa import app_settings as mfa
from allauth.mfa.base.forms import ReauthenticateForm as CodeForm
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import begin_authentication
from allauth.mfa.webauthn.internal.flows import reauthenticate as reauthenticate_by_passkey
from allauth.utils import get_form_class
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from freddy_admin.accounts.auth.pending_request import (
    FIELD_PREFIX,
    PendingRequest,
    is_reauthentication_submission,
    pending_request_store,
)
from freddy_admin.core.errors import PublicError
from freddy_admin.core.rate_limits import TooManyRequests

PASSWORD: Final = "password"  # noqa: S105  the name of a method
CODE, PASSKEY, OIDC = "code", "passkey", "single_sign_on"
_METHOD_BY_ALLAUTH_ID: Final = {
    "reauthenticate": PASSWORD,
    "mfa_reauthenticate:webauthn": PASSKEY,
    "mfa_reauthenticate": CODE,
    "single_sign_on": OIDC,
}
_CLOCK_SKEW_SECONDS: Final = 300.0  # by which the clocks of several web servers may differ

P = ParamSpec("P")
ViewFunction = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def reauthentication_required(
    *,
    return_view: str = "",
    is_download: bool = False,
    condition: Callable[[HttpRequest], bool] | None = None,
) -> Callable[[ViewFunction[P]], Callable[..., HttpResponseBase]]:
    """Stands below the access decorator, so that strangers and small roles are refused first.

    A user who has not authenticated for 15 minutes is asked to, in place; then the request is done
    or the page opened. Secrets they typed are not kept: the view must refuse to go on without
    them. `return_view` is the URL name of the page to go on to where the view's own URL cannot be
    opened or `is_download`; it is reversed with the view's arguments, or with none. `condition`
    decides by the request whether to ask; without it every request is asked. Visitors never are.
    """

    def decorate(view: ViewFunction[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            is_asked = condition is None or condition(request)
            if not is_asked or not request.user.is_authenticated:
                return view(request, *args, **kwargs)
            return _run_after_reauthentication(
                request,
                lambda: view(request, *args, **kwargs),
                back=_build_return_url(request, return_view),
                downloads=is_download,
            )

        # Read by the test that lists the views with reauthentication.
        wrapper.requires_reauthentication = True  # type: ignore[attr-defined]
        return wrapper

    return decorate


def is_recently_authenticated(request: HttpRequest) -> bool:
    """Whether this very session signed in, or reauthenticated, within the last 15 minutes."""
    records = get_authentication_records(request, request.user)
    # Single sign-on counts only where the provider authenticated the person just then.
    times = [float(record["at"]) for record in records if record.get("fresh", True)]
    # allauth records the machine's time, which the demo's fast clock must not use up.
    age_seconds = time.time() - max(times, default=0.0)
    # A time to come was recorded while the clock was ahead, and would count until then.
    return -_CLOCK_SKEW_SECONDS < age_seconds < float(app_settings.REAUTHENTICATION_TIMEOUT)


@dataclass(slots=True)
class ReauthenticationMethod:
    """One method, with its form where it has one; `name` is empty for a person who has none."""

    name: str
    form: forms.Form | None
    labels: dict[str, str]  # of all methods of this person by name, the one to offer first in front
    is_submitted: bool = False
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    js_data: dict[str, Any] = field(default_factory=dict)
    href: str = ""  # of the provider, where this is the method OIDC
    alternatives: list[dict[str, str]] = field(default_factory=list)

    def verify(self, request: HttpRequest) -> bool:
        """Whether this request proves who sends it, which is recorded and counts for 15 minutes.

        Attempts are counted before they are checked.
        """
        if not self.is_submitted or self.form is None:
            return False
        if not ratelimit.consume(
            request, app="allauth.account", action="reauthenticate", user=request.user
        ):
            self._show_error(request, TooManyRequests(60))
            return False
        try:
            if not self.form.is_valid():
                return False
        except PublicError as error:  # such as TooManySignIns
            self._show_error(request, error)
            return False
        if self.name == PASSWORD:
            reauthenticate_by_password(request)
        elif self.name == PASSKEY:
            reauthenticate_by_passkey(request, self.form.cleaned_data["credential"])
        else:
            self.form.save()  # type: ignore[attr-defined]
        return True

    def _show_error(self, request: HttpRequest, error: PublicError) -> None:
        self.status, self.headers = error.http_status, error.headers
        self.form = _build_form(request, self.name, is_bound=False)
        sentence = _("%(why)s What you typed is kept.") % {"why": error.message}
        self.form.errors[NON_FIELD_ERRORS] = self.form.error_class([sentence])

    def prepare_page_context(
        self, request: HttpRequest, pending: PendingRequest, *, back: str
    ) -> None:
        """Fill in what the page shows: a new passkey challenge, and the alternatives.

        Where one of them is OIDC, the pending request is stored in the session for it.
        """
        if self.name == PASSKEY:
            self.js_data = {"request_options": begin_authentication(request.user)}
        href = (
            _oidc_reauthentication_url(request, pending, back=back) if OIDC in self.labels else ""
        )
        self.href = href if self.name == OIDC else ""
        self.alternatives = [
            {"name": name, "label": label, "href": href if name == OIDC else ""}
            for name, label in self.labels.items()
            if name != self.name
        ]


def _build_return_url(request: HttpRequest, name: str) -> str:
    match = request.resolver_match
    if not name or match is None:
        return ""
    arguments: dict[str, Any] = match.kwargs
    try:
        return reverse(name, args=match.args, kwargs=arguments)
    except NoReverseMatch:  # the list page takes no arguments
        return reverse(name)


def _run_after_reauthentication(
    request: HttpRequest,
    continuation: Callable[[], HttpResponseBase],
    *,
    back: str,
    downloads: bool,
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
        method = _reauthentication_method_select(request)
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


def _reauthentication_method_select(request: HttpRequest) -> ReauthenticationMethod:
    """The method that this request submits or asks for, else the first that this person has."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    labels = {_METHOD_BY_ALLAUTH_ID[method["id"]]: str(method["description"]) for method in methods}
    fields = request.POST if is_reauthentication_submission(request) else QueryDict()
    alternative = fields.get(f"{FIELD_PREFIX}-other", "")
    chosen = alternative or fields.get(f"{FIELD_PREFIX}-with", "")
    name = str(chosen) if chosen in labels else next(iter(labels), "")
    is_submitted = bool(chosen) and not alternative and chosen == name
    return ReauthenticationMethod(
        name, _build_form(request, name, is_bound=is_submitted), labels, is_submitted=is_submitted
    )


def _build_form(request: HttpRequest, name: str, *, is_bound: bool) -> Any:
    form_settings = {
        PASSWORD: (app_settings.FORMS, "reauthenticate", ReauthenticateForm),
        CODE: (mfa.FORMS, "reauthenticate", CodeForm),
        PASSKEY: (mfa.FORMS, "reauthenticate_webauthn", ReauthenticateWebAuthnForm),
    }
    if name not in form_settings:
        return None
    form_class = get_form_class(*form_settings[name])
    data = request.POST if is_bound else None
    return form_class(user=request.user, data=data, prefix=FIELD_PREFIX)


def _oidc_reauthentication_url(request: HttpRequest, pending: PendingRequest, *, back: str) -> str:
    next_url = back or request.get_full_path()
    if not pending.is_navigation:
        name = pending_request_store(request, pending, path=request.get_full_path())
        next_url = f"{reverse('account_resume_request')}?{urlencode({'kept': name})}"
    return f"{reverse('oidc_reauthenticate')}?{urlencode({'next': next_url, 'go': 1})}"
